/**
 * The ledger of coin that rules create and destroy: transfers go through the purse, burns are counted
 * so that supply can be added up to the wei.
 */
import type { Address } from '../primitives/address.ts'
import { slotOf } from './layout.ts'
import type { World } from './records.ts'

const burnedSlot = slotOf('burned')
const feesSlot = slotOf('feesBurned')

/** Destroy `wei` of `from`, which the caller knows to have it. */
export async function burn(world: World, from: Address, wei: bigint): Promise<void> {
  if (wei === 0n) return
  await world.purse.burn(from, wei)
  await world.treasury.put(burnedSlot, (await world.treasury.get(burnedSlot)) + wei)
}

/** Wei destroyed by the native modules since genesis. */
export function burnedByModules(world: World): Promise<bigint> {
  return world.treasury.get(burnedSlot)
}

/** Count the fees that a block's transactions burned; written at the start of the next. */
export async function recordFees(world: World, wei: bigint): Promise<void> {
  if (wei > 0n) await world.treasury.put(feesSlot, (await world.treasury.get(feesSlot)) + wei)
}

/** Wei burned as fees by all blocks before the head. */
export function feesBurned(world: World): Promise<bigint> {
  return world.treasury.get(feesSlot)
}
