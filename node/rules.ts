/**
 * The chain's rules, put together: what `chain/` needs of `registry/` and `consensus/`.
 */
import { decodeCommit } from '../chain/commit.ts'
import type { ConsensusRules, RegistryRules, Rules } from '../chain/rules.ts'
import { verifyReveal } from '../consensus/bls.ts'
import { signersOf, verifyCommit } from '../consensus/commit.ts'
import { decodeDuplicateVote, offenceOf, verifyDuplicateVote } from '../consensus/evidence.ts'
import type { ChainParams } from '../params/chainParams.ts'
import type { Genesis } from '../params/genesis.ts'
import { fromHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
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

const registry: RegistryRules = {
  beginBlock,
  expectedWithdrawals,
  validatorSetAt,
  writeGenesisRecords,
}

/** @throws {Error} if a genesis validator's proof of possession does not hold. */
export async function chainRules(genesis: Genesis): Promise<Rules> {
  const { chainId, params } = genesis
  for (const [i, { publicKey, possession }] of genesis.validators.entries())
    if (!checkPossession(fromHex(publicKey), fromHex(possession)))
      throw new Error(`genesis: validators.${i}.possession does not prove its publicKey`)
  const engine = await openEngine(chainId, nativeModules(params, chainId))
  return { engine, params, registry, consensus: consensusRules(chainId) }
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
  const decoded = decodeDuplicateVote(bytes)
  if (!decoded.ok) return decoded
  const at = decoded.value.first.height
  const young = checkAge(params, height, at)
  if (!young.ok) return young
  const set = await setThen(world, epochOf(at, params.epochLength))
  if (set === null) return refuse({ code: 'evidence/noSet', height: at })
  const guilty = verifyDuplicateVote(decoded.value, set, chainId)
  if (!guilty.ok) return guilty
  const name: Hash = offenceOf(decoded.value)
  const slashed = await slash(world, { name, validator: guilty.value.address, height: at }, height)
  return slashed.ok ? ok(null) : slashed
}

async function setThen(world: World, epoch: number): Promise<ValidatorSet | null> {
  return (await isSetKept(world, epoch)) ? validatorSetAt(world, epoch) : null
}
