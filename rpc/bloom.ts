/**
 * Bloom filters of headers: whether a block may hold what a log filter asks for. The filter is hashed
 * once, however many headers it is held against.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { fromHex, type Hex } from '../primitives/bytes.ts'
import type { LogFilter } from './schemas.ts'
import type { HeaderView } from './views.ts'

/** Places of one value's three bits. */
type Bits = readonly number[]

/** Every group must have a value all of whose bits are set. */
type Groups = readonly (readonly Bits[])[]

const hashed = new WeakMap<LogFilter, Groups>()

/** Whether a block with this bloom may have logs that pass; false is certain, true is a guess. */
export function mayContain(bloom: HeaderView['logsBloom'], filter: LogFilter): boolean {
  const groups = hashed.get(filter) ?? groupsOf(filter)
  hashed.set(filter, groups)
  return groups.every((group) => group.some((bits) => bits.every((bit) => hasBit(bloom, bit))))
}

function groupsOf({ addresses, topics }: LogFilter): Groups {
  return [addresses, ...topics].flatMap((choices) =>
    choices === null || choices.length === 0 ? [] : [choices.map(bitsOf)],
  )
}

/** Three bits per value, from the first six bytes of its Keccak-256. @see Yellow Paper, section 4.3.1 */
function bitsOf(value: Hex): Bits {
  const digest = keccak_256(fromHex(value))
  return [0, 2, 4].map((at) => ((digest[at]! << 8) | digest[at + 1]!) & 2047)
}

/** Bit 0 is the lowest of the last hexadecimal digit. */
function hasBit(bloom: Hex, bit: number): boolean {
  const digit = Number.parseInt(bloom[513 - (bit >> 2)]!, 16)
  return ((digit >> (bit & 3)) & 1) === 1
}
