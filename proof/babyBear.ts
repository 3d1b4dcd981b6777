/**
 * The base field of the step proof: integers modulo `p = 2^31 − 2^27 + 1` (BabyBear), as canonical
 * numbers in `[0, p)`. No BigInt: products go through a double's quotient and two 32-bit products.
 */
import { babyBear } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'

/** `p`. */
export const order = babyBear
/** `1/p`, for quotients; relative error below 2^-53. */
export const inverseOrder: number = 1 / babyBear
/** Generates the multiplicative group. */
const generator = 31

export function addMod(a: number, b: number): number {
  const sum = a + b
  return sum >= order ? sum - order : sum
}

export function subMod(a: number, b: number): number {
  return a >= b ? a - b : a - b + order
}

/**
 * `a·b mod p` of canonical factors. The double quotient is off by at most one, and only next to a
 * multiple of `p`, so the 32-bit remainder lies in `[−2^11, p + 2^11]`.
 */
export function mulMod(a: number, b: number): number {
  const quotient = (a * b * inverseOrder) | 0
  const rest = (Math.imul(a, b) - Math.imul(quotient, order)) | 0
  if (rest < 0) return rest + order
  return rest >= order ? rest - order : rest
}

export function powMod(base: number, exponent: number): number {
  let result = 1
  let square = base
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = mulMod(result, square)
    square = mulMod(square, square)
  }
  return result
}

/** @throws {Bug} for 0. */
export function inverseMod(value: number): number {
  invariant(value !== 0, 'inverseMod: zero')
  return powMod(value, order - 2)
}

/** The canonical representative of an integer of magnitude below 2^53. */
export function toField(integer: number): number {
  const rest = integer % order
  return rest < 0 ? rest + order : rest + 0
}

/** A root of unity of order `size`, a power of two up to 2^27. */
export function rootOfUnity(size: number): number {
  invariant(size >= 1 && (order - 1) % size === 0, `rootOfUnity: ${size}`)
  return powMod(generator, (order - 1) / size)
}

/** `2^(−exponent)`. */
export function halfPower(exponent: number): number {
  return powMod((order + 1) / 2, exponent)
}

export const littleEndian: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** Words as 4-byte little-endian integers. */
export function encodeWords(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * words.length)
  if (littleEndian) new Uint32Array(bytes.buffer).set(words)
  else {
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < words.length; i++) view.setUint32(4 * i, words[i]!, true)
  }
  return bytes
}

/** The same, as a view where the machine's own order is that. */
export function wordBytes(words: Uint32Array): Uint8Array {
  if (!littleEndian) return encodeWords(words)
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
