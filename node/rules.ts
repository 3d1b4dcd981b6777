/**
 * The chain's rules, put together: what `chain/` needs of `registry/` and `consensus/`.
 */
import { decodeCommit } from '../chain/commit.ts'
import type { ConsensusRules, RegistryRules, Rules } from '../chain/rules.ts'
import { verifyReveal } from '../consensus/bls.ts'
import { signersOf, verifyCommit } from '../consensus/commit.ts'
import {
  type Charge,
  decodeEvidence,
  heightOfEvidence,
  judgeEvidence,
} from '../consensus/offences.ts'
import type { ChainParams } from '../params/chainParams.ts'
import type { Genesis } from '../params/genesis.ts'
import { paramsByHeight } from '../params/upgrades.ts'
import { fromHex } from '../primitives/bytes.ts'
import { checkPossession } from '../primitives/possession.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { beginBlock } from '../registry/blockStart.ts'
import { isSetKept, validatorSetAt } from '../registry/epochSets.ts'
import { writeGenesisRecords } from '../registry/genesisRecords.ts'
import type { World } from '../registry/records.ts'
import { checkAge, slash } from '../registry/slashing.ts'
import { epochOf, type ValidatorSet } from '../registry/validatorSet.ts'
import { expectedWithdrawals } from '../registry/withdrawals.ts'
import { openEngine } from '../vm/engine.ts'
import { nativeModules } from '../vm/modules/all.ts'
import type { FindSigners } from '../vm/signer.ts'

const registry: RegistryRules = {
  beginBlock,
  expectedWithdrawals,
  validatorSetAt,
  writeGenesisRecords,
}

/**
 * @param findSigners - finds who signed transactions beside the main thread.
 * @throws {Error} if a genesis validator's proof of possession does not hold.
 */
export async function chainRules(genesis: Genesis, findSigners?: FindSigners): Promise<Rules> {
  const { chainId, params, upgrades } = genesis
  for (const [i, { publicKey, possession }] of genesis.validators.entries())
    if (!checkPossession(fromHex(publicKey), fromHex(possession)))
      throw new Error(`genesis: validators.${i}.possession does not prove its publicKey`)
  const engine = await openEngine(chainId, nativeModules(params, chainId), findSigners)
  const paramsAt = paramsByHeight(params, upgrades)
  return { engine, params, paramsAt, registry, consensus: consensusRules(chainId) }
}

function consensusRules(chainId: number): ConsensusRules {
  return {
    verifyCommit: (bytes, height, envelopeHash, set) => {
      const commit = decodeCommit(bytes)
      if (!commit.ok) return commit
      const { value } = commit
      if (value.height !== height)
        return refuse({ code: 'commit/height', expected: height, got: value.height })
      if (value.envelopeHash !== envelopeHash)
        return refuse({ code: 'commit/value', expected: envelopeHash, got: value.envelopeHash })
      const verified = verifyCommit(value, set, chainId)
      return verified.ok ? ok(signersOf(value, set)) : verified
    },
    verifyReveal: (publicKey, height, reveal) => verifyReveal(publicKey, chainId, height, reveal),
    applyEvidence: (world, params, height, evidence) =>
      punish(world, params, height, evidence, chainId),
  }
}

/** Judge a piece of evidence by the set that was voting, and slash. */
async function punish(
  world: World,
  params: ChainParams,
  height: bigint,
  bytes: Uint8Array,
  chainId: number,
): Promise<Result<null, Fault>> {
  const decoded = decodeEvidence(bytes)
  if (!decoded.ok) return decoded
  const at = heightOfEvidence(decoded.value)
  const young = checkAge(params, height, at)
  if (!young.ok) return young
  const set = await setThen(world, epochOf(at, params.epochLength))
  if (set === null) return refuse({ code: 'evidence/noSet', height: at })
  const charges = judgeEvidence(decoded.value, set, chainId)
  if (!charges.ok) return charges
  return punishAll(world, charges.value, at, height)
}

/** Each of the charged pays, unless it has paid for this already; refused if nobody is left to. */
async function punishAll(
  world: World,
  charges: readonly Charge[],
  at: bigint,
  height: bigint,
): Promise<Result<null, Fault>> {
  let refused: Result<null, Fault> = ok(null)
  let punished = 0
  for (const { name, guilty } of charges) {
    const slashed = await slash(world, { name, validator: guilty.address, height: at }, height)
    if (slashed.ok) punished++
    else refused = slashed
  }
  return punished > 0 ? ok(null) : refused
}

async function setThen(world: World, epoch: number): Promise<ValidatorSet | null> {
  return (await isSetKept(world, epoch)) ? validatorSetAt(world, epoch) : null
}
