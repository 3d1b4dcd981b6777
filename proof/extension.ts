/**
 * The challenge field `E = F_p[x]/(x^5 − 2)` of about 2^154.5 elements.
 *
 * An element is five canonical words, lowest power first; a vector is its elements end to end. The
 * kernels (`…Into`) work in place on vectors for the prover; the others return a new element.
 *
 * Products are exact in doubles: the left factor is split into 16-bit halves, so the nine terms of a
 * coefficient stay below 2^51 and are reduced once.
 */
import { invariant } from '../primitives/result.ts'
import { inverseMod, inverseOrder, mulMod, order, powMod, toField } from './babyBear.ts'

/** Five words. */
export type Element = Uint32Array
/** `5·n` words. */
export type Elements = Uint32Array

export const degree = 5

/** `out[o..] = a[i..] · b[j..]`; offsets in words. `out` may be a factor. */
export function mulInto(
  out: Elements,
  o: number,
  a: Elements,
  i: number,
  b: Elements,
  j: number,
): void {
  const a0 = a[i]!
  const a1 = a[i + 1]!
  const a2 = a[i + 2]!
  const a3 = a[i + 3]!
  const a4 = a[i + 4]!
  const b0 = b[j]!
  const b1 = b[j + 1]!
  const b2 = b[j + 2]!
  const b3 = b[j + 3]!
  const b4 = b[j + 4]!
  const h0 = a0 >>> 16
  const h1 = a1 >>> 16
  const h2 = a2 >>> 16
  const h3 = a3 >>> 16
  const h4 = a4 >>> 16
  const l0 = a0 & 0xffff
  const l1 = a1 & 0xffff
  const l2 = a2 & 0xffff
  const l3 = a3 & 0xffff
  const l4 = a4 & 0xffff
  // x^5 = 2: terms that pass the top come back doubled.
  const d1 = 2 * b1
  const d2 = 2 * b2
  const d3 = 2 * b3
  const d4 = 2 * b4
  out[o] = joinHalves(
    h0 * b0 + h1 * d4 + h2 * d3 + h3 * d2 + h4 * d1,
    l0 * b0 + l1 * d4 + l2 * d3 + l3 * d2 + l4 * d1,
  )
  out[o + 1] = joinHalves(
    h0 * b1 + h1 * b0 + h2 * d4 + h3 * d3 + h4 * d2,
    l0 * b1 + l1 * b0 + l2 * d4 + l3 * d3 + l4 * d2,
  )
  out[o + 2] = joinHalves(
    h0 * b2 + h1 * b1 + h2 * b0 + h3 * d4 + h4 * d3,
    l0 * b2 + l1 * b1 + l2 * b0 + l3 * d4 + l4 * d3,
  )
  out[o + 3] = joinHalves(
    h0 * b3 + h1 * b2 + h2 * b1 + h3 * b0 + h4 * d4,
    l0 * b3 + l1 * b2 + l2 * b1 + l3 * b0 + l4 * d4,
  )
  out[o + 4] = joinHalves(
    h0 * b4 + h1 * b3 + h2 * b2 + h3 * b1 + h4 * b0,
    l0 * b4 + l1 * b3 + l2 * b2 + l3 * b1 + l4 * b0,
  )
}

/** `out[o..] = a[i..] + r·(b[j..] − a[i..])`: binds a variable. */
export function lerpInto(
  out: Elements,
  o: number,
  a: Elements,
  i: number,
  b: Elements,
  j: number,
  r: Element,
): void {
  for (let k = 0; k < degree; k++) {
    const gap = b[j + k]! - a[i + k]!
    step[k] = gap < 0 ? gap + order : gap
  }
  mulInto(step, 0, r, 0, step, 0)
  for (let k = 0; k < degree; k++) {
    const sum = a[i + k]! + step[k]!
    out[o + k] = sum >= order ? sum - order : sum
  }
}

const step = new Uint32Array(degree)

/** `high·2^16 + low mod p`, canonical, for integers of magnitude up to 2^52 (high) and 2^51 (low). */
export function joinHalves(high: number, low: number): number {
  const rest = high - Math.floor(high * inverseOrder) * order
  return reduceDouble(rest * 65536 + low)
}

/** An integer of magnitude up to 2^53, canonical. */
export function reduceDouble(value: number): number {
  const rest = value - Math.floor(value * inverseOrder) * order
  if (rest >= order) return rest - order
  return rest < 0 ? rest + order : rest
}

export function addInto(
  out: Elements,
  o: number,
  a: Elements,
  i: number,
  b: Elements,
  j: number,
): void {
  for (let k = 0; k < degree; k++) {
    const sum = a[i + k]! + b[j + k]!
    out[o + k] = sum >= order ? sum - order : sum
  }
}

export function subInto(
  out: Elements,
  o: number,
  a: Elements,
  i: number,
  b: Elements,
  j: number,
): void {
  for (let k = 0; k < degree; k++) {
    const difference = a[i + k]! - b[j + k]!
    out[o + k] = difference < 0 ? difference + order : difference
  }
}

/** `out[o..] = a[i..] · factor` with a canonical base factor. */
export function scaleInto(out: Elements, o: number, a: Elements, i: number, factor: number): void {
  for (let k = 0; k < degree; k++) out[o + k] = mulMod(a[i + k]!, factor)
}

/** The integer `value` as an element. */
export function element(value: number): Element {
  const result = new Uint32Array(degree)
  result[0] = toField(value)
  return result
}

/** Element `index` of a vector, as a view. */
export function at(vector: Elements, index: number): Element {
  return vector.subarray(degree * index, degree * index + degree)
}

/** Elements `[from, to)` of a vector, as a view. */
export function span(vector: Elements, from: number, to: number): Elements {
  return vector.subarray(degree * from, degree * to)
}

export function count(vector: Elements): number {
  return vector.length / degree
}

export function join(vectors: readonly Elements[]): Elements {
  const result = new Uint32Array(vectors.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const vector of vectors) {
    result.set(vector, offset)
    offset += vector.length
  }
  return result
}

export function plus(a: Element, b: Element): Element {
  const result = new Uint32Array(degree)
  addInto(result, 0, a, 0, b, 0)
  return result
}

export function minus(a: Element, b: Element): Element {
  const result = new Uint32Array(degree)
  subInto(result, 0, a, 0, b, 0)
  return result
}

export function times(a: Element, b: Element): Element {
  const result = new Uint32Array(degree)
  mulInto(result, 0, a, 0, b, 0)
  return result
}

/** Times an integer of magnitude below 2^53. */
export function scaled(a: Element, integer: number): Element {
  const result = new Uint32Array(degree)
  scaleInto(result, 0, a, 0, toField(integer))
  return result
}

/** `1 − a`. */
export function complement(a: Element): Element {
  return minus(element(1), a)
}

export function sumOf(terms: readonly Element[]): Element {
  return terms.reduce(plus, element(0))
}

export function productOf(factors: readonly Element[]): Element {
  return factors.reduce(times, element(1))
}

export function equalElements(a: Element, b: Element): boolean {
  return a.every((word, k) => word === b[k])
}

export function isZero(a: Element): boolean {
  return a.every((word) => word === 0)
}

/** `1, a, a², …`: `length` of them. */
export function powersOf(a: Element, length: number): Elements {
  const result = new Uint32Array(degree * length)
  if (length > 0) result[0] = 1
  for (let i = 1; i < length; i++) mulInto(result, degree * i, result, degree * (i - 1), a, 0)
  return result
}

/** `2^((p−1)/5)`: a fifth root of unity, so `x^p = root · x`. */
const frobeniusRoot = powMod(2, (order - 1) / degree)

/** The automorphism `a ↦ a^(p^times)`. */
function conjugate(a: Element, repeats: number): Element {
  const result = new Uint32Array(degree)
  const root = powMod(frobeniusRoot, repeats)
  for (let k = 0; k < degree; k++) result[k] = mulMod(a[k]!, powMod(root, k))
  return result
}

/**
 * `1/a`: the product of the four conjugates over the norm, which lies in the base field (Itoh and
 * Tsujii).
 *
 * @throws {Bug} for 0.
 */
export function inverse(a: Element): Element {
  invariant(!isZero(a), 'inverse: zero')
  const conjugates = productOf([1, 2, 3, 4].map((repeats) => conjugate(a, repeats)))
  return scaled(conjugates, inverseMod(times(a, conjugates)[0]!))
}

/** Inverses of all elements with one inversion. @throws {Bug} if one is 0. */
export function batchInverse(vector: Elements): Elements {
  const length = count(vector)
  const prefixes = new Uint32Array(vector.length + degree)
  prefixes[0] = 1
  for (let i = 0; i < length; i++)
    mulInto(prefixes, degree * (i + 1), prefixes, degree * i, vector, degree * i)
  const result = new Uint32Array(vector.length)
  let rest = inverse(at(prefixes, length))
  for (let i = length - 1; i >= 0; i--) {
    mulInto(result, degree * i, prefixes, degree * i, rest, 0)
    rest = times(rest, at(vector, i))
  }
  return result
}
