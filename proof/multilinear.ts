/**
 * Multilinear extensions: of equality with a point, of "index below n" and of columns. Variable 0 is
 * the least significant bit of an index. Points are vectors of elements.
 */
import { addMod, toField } from './babyBear.ts'
import {
  addInto,
  at,
  complement,
  count,
  degree,
  type Element,
  type Elements,
  element,
  lerpInto,
  minus,
  mulInto,
  plus,
  productOf,
  scaleInto,
  subInto,
  times,
} from './extension.ts'

/** `eq(point, i)` for `i < length` (default: all). */
export function eqTable(point: Elements, length: number = 2 ** count(point)): Elements {
  const table = new Uint32Array(degree * length)
  if (length > 0) table[0] = 1
  let half = 1
  for (let variable = 0; variable < count(point); variable++) {
    for (let i = Math.min(half, length) - 1; i >= 0; i--) {
      // (x·r, x − x·r) from x; the upper half may lie beyond the wanted entries
      const upper = scratch
      mulInto(upper, 0, table, degree * i, point, degree * variable)
      if (half + i < length) table.set(upper, degree * (half + i))
      subInto(table, degree * i, table, degree * i, upper, 0)
    }
    half *= 2
  }
  return table
}

const scratch = new Uint32Array(degree)

/** `eq(point, i)` for `first ≤ i < first + length`, from the top variable down. */
export function eqRange(point: Elements, first: number, length: number): Elements {
  if (length === 0) return new Uint32Array(0)
  let table: Elements = element(1)
  let start = 0
  for (let variable = count(point) - 1; variable >= 0; variable--) {
    const from = Math.floor(first / 2 ** variable)
    const to = Math.floor((first + length - 1) / 2 ** variable)
    const next = new Uint32Array(degree * (to - from + 1))
    const factors = [complement(at(point, variable)), at(point, variable)]
    for (let i = from; i <= to; i++)
      mulInto(
        next,
        degree * (i - from),
        table,
        degree * (Math.floor(i / 2) - start),
        factors[i % 2]!,
        0,
      )
    table = next
    start = from
  }
  return table
}

/** `eq(a, b)` of two points of equal length. */
export function eqPoints(a: Elements, b: Elements): Element {
  let result = element(1)
  for (let i = 0; i < count(a); i++) result = times(result, eqOne(at(a, i), at(b, i)))
  return result
}

/** `(1 − a)(1 − b) + ab`. */
export function eqOne(a: Element, b: Element): Element {
  const both = times(a, b)
  return plus(minus(element(1), plus(a, b)), plus(both, both))
}

/** `eq(point, index)`. */
export function eqIndex(point: Elements, index: number): Element {
  let rest = index
  const factors: Element[] = []
  for (let i = 0; i < count(point); i++) {
    factors.push(rest % 2 === 1 ? at(point, i) : complement(at(point, i)))
    rest = Math.floor(rest / 2)
  }
  return productOf(factors)
}

/** `Σ_{i<n} eq(point, i)`: the extension of "below n". O(variables). */
export function lt(n: number, point: Elements): Element {
  const variables = count(point)
  if (n >= 2 ** variables) return element(1)
  const total = element(0)
  const prefix = element(1)
  for (let t = variables - 1; t >= 0; t--) {
    mulInto(scratch, 0, prefix, 0, point, degree * t)
    subInto(prefix, 0, prefix, 0, scratch, 0)
    if (Math.floor(n / 2 ** t) % 2 === 0) continue
    addInto(total, 0, total, 0, prefix, 0)
    prefix.set(scratch)
  }
  return total
}

/** `Σ_{i<n} i·eq(point, i)`. O(variables). */
export function ltLin(n: number, point: Elements): Element {
  const variables = count(point)
  /** Entry t: the extension of the number that the variables below t spell. */
  const low = new Uint32Array(point.length + degree)
  for (let t = 0; t < variables; t++) {
    scaleInto(scratch, 0, point, degree * t, toField(2 ** t))
    addInto(low, degree * (t + 1), low, degree * t, scratch, 0)
  }
  if (n >= 2 ** variables) return low.slice(point.length)
  const total = element(0)
  const prefix = element(1)
  let base = 0
  for (let t = variables - 1; t >= 0; t--) {
    mulInto(scratch, 0, prefix, 0, point, degree * t)
    subInto(prefix, 0, prefix, 0, scratch, 0)
    if (Math.floor(n / 2 ** t) % 2 === 0) continue
    // Numbers that agree with n above t and have a 0 there.
    low[degree * t] = addMod(low[degree * t]!, toField(base))
    mulInto(prefix, 0, prefix, 0, low, degree * t)
    addInto(total, 0, total, 0, prefix, 0)
    prefix.set(scratch)
    base += 2 ** t
  }
  return total
}

/** `Σ_{i<n} eq(a, i)·eq(b, i)`: equality of two points restricted to indices below n. O(variables). */
export function eqBelow(n: number, a: Elements, b: Elements): Element {
  const variables = count(a)
  const ones = new Uint32Array(a.length)
  const zeros = new Uint32Array(a.length)
  /** Entry t: the sum over all settings of the variables below t. */
  const low = new Uint32Array(a.length + degree)
  low[0] = 1
  for (let i = 0; i < a.length; i += degree) {
    mulInto(ones, i, a, i, b, i)
    subInto(zeros, i, one, 0, a, i)
    subInto(zeros, i, zeros, i, b, i)
    addInto(zeros, i, zeros, i, ones, i)
    addInto(scratch, 0, ones, i, zeros, i)
    mulInto(low, i + degree, low, i, scratch, 0)
  }
  if (n >= 2 ** variables) return low.slice(a.length)
  const total = element(0)
  const prefix = element(1)
  for (let t = variables - 1; t >= 0; t--) {
    const i = degree * t
    mulInto(scratch, 0, prefix, 0, zeros, i)
    if (Math.floor(n / 2 ** t) % 2 === 0) {
      prefix.set(scratch)
      continue
    }
    mulInto(scratch, 0, scratch, 0, low, i)
    addInto(total, 0, total, 0, scratch, 0)
    mulInto(prefix, 0, prefix, 0, ones, i)
  }
  return total
}

/**
 * Bind variable 0 to `r`: entry i becomes `v(2i) + r·(v(2i+1) − v(2i))`. Lines of `length` elements
 * each are folded on their own.
 *
 * @param missing - takes the place of a missing last partner.
 */
export function foldLines(
  values: Elements,
  lines: number,
  length: number,
  r: Element,
  missing: Element = zero,
): Elements {
  const half = (length + 1) >>> 1
  const folded = new Uint32Array(degree * lines * half)
  const whole = length >>> 1
  for (let line = 0; line < lines; line++) {
    let from = degree * line * length
    let to = degree * line * half
    for (let i = 0; i < whole; i++) {
      lerpInto(folded, to, values, from, values, from + degree, r)
      from += 2 * degree
      to += degree
    }
    if (whole < half) lerpInto(folded, to, values, from, missing, 0, r)
  }
  return folded
}

const zero: Element = element(0)
const one: Element = element(1)

/** The extension of `values` (missing ones 0) at `point`. */
export function evaluate(values: Elements, point: Elements): Element {
  let rest = values
  for (let t = 0; t < count(point); t++) rest = foldLines(rest, 1, count(rest), at(point, t))
  return count(rest) === 0 ? element(0) : rest.slice(0, degree)
}
