/**
 * Who may sign at one height, and when it is whose turn.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Hash } from '../primitives/hash.ts'
import { totalPower, type ValidatorSet, validatorSetHash } from '../registry/validatorSet.ts'
import type { HeightRules } from './machineState.ts'
import { proposer } from './proposer.ts'

export type Electorate = {
  readonly chainId: number
  readonly height: bigint
  readonly set: ValidatorSet
  readonly setHash: Hash
  /** Place of the proposer of a round. */
  readonly proposer: (round: number) => number
  readonly maxEnvelopeBytes: number
}

/** Room in an encoded envelope beside its block: a commit, a reveal, evidence. */
const envelopeOverheadBytes = 131_072

export function electorateOf(
  chainId: number,
  height: bigint,
  set: ValidatorSet,
  params: Pick<ChainParams, 'epochLength' | 'maxBlockBytes'>,
): Electorate {
  return {
    chainId,
    height,
    set,
    setHash: validatorSetHash(set),
    proposer: (round) => proposer(set, height, round, params.epochLength),
    maxEnvelopeBytes: params.maxBlockBytes + envelopeOverheadBytes,
  }
}

/** What the machine needs to know of an electorate. */
export function heightRulesOf(electorate: Electorate, self: number | null): HeightRules {
  return {
    height: electorate.height,
    powers: electorate.set.validators.map(({ power }) => power),
    total: totalPower(electorate.set),
    self,
    proposer: electorate.proposer,
  }
}

/** A key's place in the set; null for a key that is not in it, or none. */
export function placeOf(set: ValidatorSet, publicKey: string | null): number | null {
  const index = set.validators.findIndex((validator) => validator.publicKey === publicKey)
  return index === -1 ? null : index
}
