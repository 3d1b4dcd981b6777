/**
 * Proofs and keys as bytes: 32-byte big-endian words in the order of the EVM's precompiles, where the
 * second coordinate of the quadratic extension comes first.
 */
import { bytesToUint, concatBytes, uintBytes } from '../primitives/bytes.ts'
import { type Curve, type G1, type G2, isOnCurve, isOnTwist } from './bn254.ts'

export const wordBytes = 32

/** The words of `bytes`; null unless there are exactly `count`. */
export function wordsOf(bytes: Uint8Array, count: number): readonly bigint[] | null {
  if (bytes.length !== count * wordBytes) return null
  return Array.from({ length: count }, (_, i) =>
    bytesToUint(bytes.subarray(i * wordBytes, (i + 1) * wordBytes)),
  )
}

export function bytesOfWords(words: readonly bigint[]): Uint8Array {
  return concatBytes(...words.map((word) => uintBytes(word, wordBytes)))
}

/** The point at word `at`; null if it is at infinity, not reduced or not on the curve. */
export function g1At(words: readonly bigint[], at: number): G1 | null {
  const point = { x: words[at]!, y: words[at + 1]! }
  return isOnCurve(point) ? point : null
}

/** Like {@link g1At}, and in the subgroup. */
export function g2At(curve: Curve, words: readonly bigint[], at: number): G2 | null {
  const [x1, x0, y1, y0] = words.slice(at, at + 4) as [bigint, bigint, bigint, bigint]
  const point: G2 = { x: [x0, x1], y: [y0, y1] }
  return isOnTwist(point) && curve.isInGroup(point) ? point : null
}

export function g1Words({ x, y }: G1): readonly bigint[] {
  return [x, y]
}
