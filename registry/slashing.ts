/**
 * Slashing: a validator that voted for two things at once loses 5 % of its stake and of what others
 * delegated to it, all its reputation, and its place.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { slotOf } from './layout.ts'
import { burn } from './ledger.ts'
import { recordPenalty } from './penaltyHistory.ts'
import { slashPool } from './pools.ts'
import type { World } from './records.ts'
import { writeService } from './service.ts'
import { jail, readStake, slashStake } from './stakes.ts'
import { epochOf } from './validatorSet.ts'

export type SlashFault =
  | { readonly code: 'evidence/future'; readonly height: bigint; readonly got: bigint }
  | { readonly code: 'evidence/old'; readonly oldest: bigint; readonly got: bigint }
  | { readonly code: 'evidence/known'; readonly offence: Hash }
  | { readonly code: 'evidence/stranger'; readonly validator: Address }

/** An offence that signatures prove. */
export type Offence = {
  /** Names it, so that it is punished once. */
  readonly name: Hash
  readonly validator: Address
  /** Where it was committed. */
  readonly height: bigint
}

/** Whether an offence at `got` may still be punished in the block at `height`. */
export function checkAge(
  params: ChainParams,
  height: bigint,
  got: bigint,
): Result<null, SlashFault> {
  if (got < 1n || got > height) return refuse({ code: 'evidence/future', height, got })
  const { epochLength, unbondingEpochs } = params
  const oldestEpoch = epochOf(height, epochLength) - unbondingEpochs
  const oldest = BigInt(Math.max(oldestEpoch, 0)) * BigInt(epochLength)
  return got < oldest ? refuse({ code: 'evidence/old', oldest, got }) : ok(null)
}

/** Punish a proven offence in the block at `height`. Returns the wei burned. */
export async function slash(
  world: World,
  offence: Offence,
  height: bigint,
): Promise<Result<bigint, SlashFault>> {
  const { name, validator } = offence
  const slot = slotOf('offence', name)
  if ((await world.staking.get(slot)) !== 0n)
    return refuse({ code: 'evidence/known', offence: name })
  const stake = await readStake(world, validator)
  if (stake === null) return refuse({ code: 'evidence/stranger', validator })
  await world.staking.put(slot, height)
  const own = await slashStake(world, validator)
  const wei = own + (await slashPool(world, validator, height))
  await burn(world, moduleAddresses.staking, wei)
  await writeService(world, validator, { reputation: 0n })
  await jail(world, validator, height)
  await recordPenalty(world, 'slashHistory', validator, { height, wei, own })
  return ok(wei)
}
