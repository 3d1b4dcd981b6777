/**
 * Random code that gets somewhere: pushes before instructions, few jumps, and nothing whose answer is a
 * node's own (block hashes, randomness, proposer).
 */
import type { Hex } from 'viem'
import { toHex } from '../../primitives/bytes.ts'
import type { SeededRandom } from '../../primitives/random.ts'

/** Instruction and how many words it takes. */
const instructions: readonly (readonly [code: number, takes: number])[] = [
  // Arithmetic and comparison: ADD to SIGNEXTEND, LT to CLZ.
  ...range(0x01, 0x07).map((code) => [code, 2] as const),
  ...[0x08, 0x09].map((code) => [code, 3] as const),
  ...[0x0a, 0x0b, ...range(0x10, 0x14)].map((code) => [code, 2] as const),
  ...[0x15, 0x19, 0x1e].map((code) => [code, 1] as const),
  ...[0x16, 0x17, 0x18, ...range(0x1a, 0x1d), 0x20].map((code) => [code, 2] as const),
  // Environment: ADDRESS, BALANCE, CALLER, CALLVALUE, CALLDATA*, CODE*, EXTCODE*, RETURNDATA*.
  ...[0x30, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x46, 0x47, 0x48].map((code) => [code, 0] as const),
  ...[0x31, 0x35, 0x3b, 0x3f].map((code) => [code, 1] as const),
  ...[0x37, 0x39, 0x3e, 0x5e].map((code) => [code, 3] as const),
  [0x3c, 4],
  // Memory, storage and flow: POP to MCOPY, PUSH0.
  ...[0x50, 0x51, 0x54, 0x5c].map((code) => [code, 1] as const),
  ...[0x52, 0x53, 0x55, 0x5d].map((code) => [code, 2] as const),
  ...[0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5f].map(
    (code) => [code, code === 0x57 ? 2 : code === 0x56 ? 1 : 0] as const,
  ),
  // DUP, SWAP, LOG.
  ...range(0x80, 0x8f).map((code) => [code, code - 0x7f] as const),
  ...range(0x90, 0x9f).map((code) => [code, code - 0x8e] as const),
  ...range(0xa0, 0xa4).map((code) => [code, code - 0x9e] as const),
  // CREATE, CALL and their kin, RETURN, REVERT, INVALID, SELFDESTRUCT.
  [0xf0, 3],
  [0xf1, 7],
  [0xf2, 7],
  [0xf3, 2],
  [0xf4, 6],
  [0xf5, 4],
  [0xfa, 6],
  [0xfd, 2],
  [0xfe, 0],
  [0xff, 1],
]

export function randomCode(random: SeededRandom): Hex {
  const code: number[] = []
  const length = 5 + random.below(60)
  for (let i = 0; i < length; i++) {
    const [instruction, takes] = instructions[random.below(instructions.length)]!
    // Ends come seldom, or nothing else would happen.
    const ends =
      instruction >= 0xf3 && instruction !== 0xf4 && instruction !== 0xf5 && instruction !== 0xfa
    if (ends && random.below(6) !== 0) continue
    for (let word = 0; word < takes; word++) code.push(...push(random))
    code.push(instruction)
  }
  return toHex(Uint8Array.from(code))
}

/** Mostly small numbers: large ones are offsets that cost everything. */
function push(random: SeededRandom): readonly number[] {
  const kind = random.below(20)
  if (kind === 0) return [0x7f, ...Array.from({ length: 32 }, () => random.below(256))]
  if (kind === 1) return [0x61, random.below(8), random.below(256)]
  if (kind === 2) return [0x5a]
  if (kind === 3) return [0x30]
  return [0x60, random.below(64)]
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
