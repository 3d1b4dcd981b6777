/**
 * What each slash of a validator took and when, for people; no rule reads it.
 */
import type { Address } from '../primitives/address.ts'
import { listItem, listLength, listPush } from './layout.ts'
import type { World } from './records.ts'

/** Slashes of one answer, the newest. */
export const maxSlashesTold = 64

export type SlashRecord = {
  /** Block that punished. */
  readonly height: bigint
  /** Wei burned, delegators' included. */
  readonly wei: bigint
}

const role = 'slashHistory'

/** One word for each: height and wei, 64 + 192 bits. */
export async function recordSlash(
  { staking }: World,
  validator: Address,
  { height, wei }: SlashRecord,
): Promise<void> {
  await listPush(staking, (height << 192n) | wei, role, validator)
}

/** The last `maxSlashesTold` slashes, oldest first. */
export async function readSlashes(
  { staking }: World,
  validator: Address,
): Promise<readonly SlashRecord[]> {
  const count = await listLength(staking, role, validator)
  const slashes: SlashRecord[] = []
  for (let at = Math.max(0, count - maxSlashesTold); at < count; at++) {
    const word = await listItem(staking, at, role, validator)
    slashes.push({ height: word >> 192n, wei: BigInt.asUintN(192, word) })
  }
  return slashes
}
