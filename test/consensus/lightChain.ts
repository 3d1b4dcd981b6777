/**
 * A chain of headers and commits with real signatures, for tests of the light client: sets by epoch as
 * told, one block a second.
 */
import { RLP } from '@ethereumjs/rlp'
import { envelopeLeaves, rootOfLeaves } from '../../chain/beaconRoot.ts'
import { encodeEnvelope, envelopeHashOf } from '../../chain/envelope.ts'
import { sign } from '../../consensus/bls.ts'
import { makeCommit } from '../../consensus/commit.ts'
import { type LightBlock, lightBlockOf } from '../../consensus/lightBlock.ts'
import { VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { uintBytes } from '../../primitives/bytes.ts'
import { hashBytes, hashOf, keccakHash } from '../../primitives/hash.ts'
import { type ValidatorSet, validatorSetHash } from '../../registry/validatorSet.ts'
import { chainId, makeValidator, secretKeyOf } from './fixtures.ts'

export const epochLength = 4
export const genesisTime = 1_800_000_000n

export type LightChain = {
  readonly setOf: (epoch: number) => ValidatorSet
  readonly block: (height: bigint, changes?: Changes) => LightBlock
}

/** What a test makes false: another state, a set of its own, other signers, a longer block. */
export type Changes = {
  readonly stateRoot?: string
  readonly sets?: readonly [ValidatorSet, ValidatorSet]
  readonly signers?: readonly number[]
  readonly filling?: number
  readonly time?: bigint
}

/** @param members - keys of the validators of an epoch, all of power 10. */
export function lightChain(members: (epoch: number) => readonly number[]): LightChain {
  const setOf = (epoch: number): ValidatorSet => setOfKeys(members(epoch), epoch)

  function block(height: bigint, changes: Changes = {}): LightBlock {
    const epoch = Number(height) / epochLength
    const at = Math.floor(epoch)
    const [current, next] = changes.sets ?? [setOf(at), setOf(at + 1)]
    const parts = {
      parentCommit: uintBytes(height, 8),
      reveal: new Uint8Array(96).fill(Number(height % 251n)),
      evidence: [],
    }
    const sets = { current: validatorSetHash(current), next: validatorSetHash(next) }
    const header = headerOf(height, {
      stateRoot: hashOf('state', uintBytes(height, 8), new TextEncoder().encode(changes.stateRoot)),
      beaconRoot: rootOfLeaves({ ...envelopeLeaves(parts), ...sets }),
      time: changes.time ?? genesisTime + height,
    })
    const body = [[new Uint8Array(changes.filling ?? 0)], [], []]
    const envelope = encodeEnvelope({ block: RLP.encode([header, ...body]), ...parts })
    const keys = members(at)
    const vote = {
      kind: VoteKind.Precommit,
      height,
      round: 0,
      hash: envelopeHashOf(envelope),
      validatorsHash: sets.current,
    }
    const signers = changes.signers ?? current.validators.map((_, index) => index)
    const votes = signers.map((index) => {
      const key = changes.sets === undefined ? keys[index]! : keyIn(current, index)
      return { ...vote, index, signature: sign(secretKeyOf(key), voteSignBytes(chainId, vote)) }
    })
    return lightBlockOf(envelope, makeCommit(votes, current), { current, next })
  }

  return { setOf, block }
}

export function setOfKeys(keys: readonly number[], epoch = 0): ValidatorSet {
  return { epoch, validators: keys.map((key) => makeValidator(key, 10n)) }
}

/** Which of the test's keys member `index` has: its address says so. */
function keyIn(set: ValidatorSet, index: number): number {
  return Number(BigInt(set.validators[index]!.address)) - 1
}

function headerOf(
  height: bigint,
  {
    stateRoot,
    beaconRoot,
    time,
  }: { readonly stateRoot: string; readonly beaconRoot: string; readonly time: bigint },
) {
  const digest = (name: string) => hashBytes(keccakHash(new TextEncoder().encode(name)))
  const fields: (Uint8Array | string | bigint)[] = Array.from({ length: 21 }, (_, i) =>
    digest(`field ${i}`),
  )
  fields[2] = new Uint8Array(20)
  fields[3] = stateRoot
  fields[6] = new Uint8Array(256)
  fields[7] = 0n
  fields[8] = height
  fields[9] = 30_000_000n
  fields[10] = 0n
  fields[11] = time
  fields[12] = new Uint8Array()
  fields[14] = new Uint8Array(8)
  fields[15] = 7n
  fields[17] = 0n
  fields[18] = 0n
  fields[19] = beaconRoot
  return fields
}
