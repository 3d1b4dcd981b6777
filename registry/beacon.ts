/**
 * The beacon's history: `mixHash` of recent blocks, for draws that must not be foreseen by those who
 * caused them.
 */
import type { Hash } from '../primitives/hash.ts'
import { hashOfWord, slotOf } from './layout.ts'
import type { World } from './records.ts'

/** Blocks whose beacon value stays readable. */
export const keptBeacons = 8_192n

export async function recordBeacon(world: World, height: bigint, mixHash: Hash): Promise<void> {
  await world.jobs.put(slotOf('beacon', height % keptBeacons), BigInt(mixHash))
}

/** `mixHash` of the block at `height`, or null if it is not yet or no longer known at `now`. */
export async function beaconAt(world: World, height: bigint, now: bigint): Promise<Hash | null> {
  if (height < 1n || height > now || height + keptBeacons <= now) return null
  return hashOfWord(await world.jobs.get(slotOf('beacon', height % keptBeacons)))
}
