/**
 * Where records lie in a module's storage: every record starts at a slot derived from its role and
 * keys; its fields follow in the next slots. Lists are explicit and counted.
 */
import type { Address } from '../primitives/address.ts'
import { bytesToUint, type Hex, uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashOf, hashToUint } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { Records } from './records.ts'

/** A key of a record: an address, a hash or a number. */
export type Key = Address | Hash | bigint | number

/** Slots that have been hashed already, by role and key: a block asks for the same few again and again. */
const known = new Map<string, Map<Key | undefined, bigint>>()
let knownCount = 0
const maxKnown = 65_536

/** First slot of the record in the role `role` named by `keys`. */
export function slotOf(role: string, ...keys: readonly Key[]): bigint {
  if (keys.length > 1) return hashSlot(role, keys)
  const ofRole = known.get(role) ?? new Map<Key | undefined, bigint>()
  const slot = ofRole.get(keys[0])
  if (slot !== undefined) return slot
  if (knownCount >= maxKnown) forget()
  knownCount++
  const hashed = hashSlot(role, keys)
  known.set(role, ofRole.set(keys[0], hashed))
  return hashed
}

function forget(): void {
  for (const ofRole of known.values()) ofRole.clear()
  knownCount = 0
}

function hashSlot(role: string, keys: readonly Key[]): bigint {
  return hashToUint(
    hashOf(`waggle/slot/v1/${role}`, ...keys.map((key) => uintBytes(BigInt(key), 32))),
  )
}

export function addressOfWord(word: bigint): Address {
  return hexOfWord(word, 40) as Address
}

export function hashOfWord(word: bigint): Hash {
  return hexOfWord(word, 64) as Hash
}

/** `0x` and `digits` hex digits. Faster than by way of bytes, and sets are read in every block. */
export function hexOfWord(word: bigint, digits: number): Hex {
  const text = word.toString(16)
  invariant(word >= 0n && text.length <= digits, `hexOfWord: ${text} is beyond ${digits} digits`)
  return `0x${text.padStart(digits, '0')}`
}

/** Bytes at `slot`: the length, then 32-byte words. Writing anew does not clear a longer tail. */
export async function putBytes(records: Records, slot: bigint, bytes: Uint8Array): Promise<void> {
  await records.put(slot, BigInt(bytes.length))
  for (let at = 0; at < bytes.length; at += 32) {
    const word = new Uint8Array(32)
    word.set(bytes.subarray(at, at + 32))
    await records.put(slot + 1n + BigInt(at / 32), bytesToUint(word))
  }
}

export async function getBytes(
  records: Records,
  slot: bigint,
  maxBytes: number,
): Promise<Uint8Array> {
  const length = Number(await records.get(slot))
  invariant(length <= maxBytes, `getBytes: ${length} bytes, at most ${maxBytes}`)
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 32) {
    const word = uintBytes(await records.get(slot + 1n + BigInt(at / 32)), 32)
    bytes.set(word.subarray(0, Math.min(32, length - at)), at)
  }
  return bytes
}

/** Number of items of the list in the role `role` named by `keys`. */
export async function listLength(
  records: Records,
  role: string,
  ...keys: readonly Key[]
): Promise<number> {
  return Number(await records.get(slotOf(role, ...keys)))
}

export async function listItem(
  records: Records,
  index: number,
  role: string,
  ...keys: readonly Key[]
): Promise<bigint> {
  return records.get(slotOf(role, ...keys) + 1n + BigInt(index))
}

/** All items; the caller knows the list to be bounded. */
export async function listItems(
  records: Records,
  role: string,
  ...keys: readonly Key[]
): Promise<readonly bigint[]> {
  const items: bigint[] = []
  const length = await listLength(records, role, ...keys)
  for (let i = 0; i < length; i++) items.push(await listItem(records, i, role, ...keys))
  return items
}

/** Append `item`; returns its index. */
export async function listPush(
  records: Records,
  item: bigint,
  role: string,
  ...keys: readonly Key[]
): Promise<number> {
  const base = slotOf(role, ...keys)
  const length = await records.get(base)
  await records.put(base + 1n + length, item)
  await records.put(base, length + 1n)
  return Number(length)
}

/** Remove the first `item`, moving the last into its place. Whether it was there. */
export async function listRemove(
  records: Records,
  item: bigint,
  role: string,
  ...keys: readonly Key[]
): Promise<boolean> {
  const index = (await listItems(records, role, ...keys)).indexOf(item)
  if (index === -1) return false
  await listRemoveAt(records, index, role, ...keys)
  return true
}

/** Remove the item at `index`, which the list has, moving the last into its place. */
export async function listRemoveAt(
  records: Records,
  index: number,
  role: string,
  ...keys: readonly Key[]
): Promise<void> {
  const base = slotOf(role, ...keys)
  const last = (await records.get(base)) - 1n
  invariant(index >= 0 && BigInt(index) <= last, `listRemoveAt: no item ${index} of ${role}`)
  await records.put(base + 1n + BigInt(index), await records.get(base + 1n + last))
  await records.put(base + 1n + last, 0n)
  await records.put(base, last)
}
