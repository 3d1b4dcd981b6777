/**
 * Leaves of lookups that count 1 each. Denominators follow from integers with one multiplication per
 * column, so they are made when they are needed and never stored, even and odd ones apart.
 */
import {
  at,
  degree,
  type Element,
  type Elements,
  element,
  minus,
  plus,
  reduceDouble,
  scaled,
  span,
  times,
} from './extension.ts'
import { even } from './fractionTree.ts'
import type { QuadSums } from './kernels.ts'

/** `base − Σ weight_k · part_k` of even and of odd cells. @param constants - base and weights. */
export function fillUnits(
  evens: Elements,
  odds: Elements,
  parts: readonly Int32Array[],
  constants: Elements,
): void {
  const cells = parts[0]!.length
  const zeros = new Int32Array(0)
  const [c1 = zeros, c2 = zeros, c3 = zeros] = parts
  const base = span(constants, 0, 1)
  const sums = new Uint32Array(degree)
  for (let cell = 0; cell < cells; cell++) {
    sums.set(base)
    subtractInto(sums, constants, 1, c1[cell] ?? 0)
    subtractInto(sums, constants, 2, c2[cell] ?? 0)
    subtractInto(sums, constants, 3, c3[cell] ?? 0)
    ;(cell % 2 === 0 ? evens : odds).set(sums, degree * (cell >>> 1))
  }
}

function subtractInto(sums: Element, constants: Elements, k: number, value: number): void {
  if (value === 0) return
  const weighted = scaled(at(constants, k), value)
  for (let i = 0; i < degree; i++) sums[i] = reduceDouble(sums[i]! - weighted[i]!)
}

/** Records `(even + odd, even·odd)`, lines padded to an even length by what `out` holds. */
export function combinePairs(
  out: Elements,
  evens: Elements,
  odds: Elements,
  lines: number,
  length: number,
): void {
  for (let i = 0; i < lines * length; i++) {
    const to = 2 * degree * (Math.floor(i / length) * even(length) + (i % length))
    out.set(plus(at(evens, i), at(odds, i)), to)
    out.set(times(at(evens, i), at(odds, i)), to + degree)
  }
}

/** `Σ_lines ofLine · Σ_pairs inLine · even·odd` at 0 and of the leading coefficient. */
export function sumPairs(
  evens: Elements,
  odds: Elements,
  lines: number,
  length: number,
  inLine: Elements,
  ofLine: Elements,
  missing: Element,
): QuadSums {
  let atZero = element(0)
  let leading = element(0)
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i += 2) {
      const low = line * length + i
      const weight = times(at(ofLine, line), at(inLine, i >>> 1))
      const rise = (vector: Elements) =>
        minus(i + 1 < length ? at(vector, low + 1) : missing, at(vector, low))
      atZero = plus(atZero, times(weight, times(at(evens, low), at(odds, low))))
      leading = plus(leading, times(weight, times(rise(evens), rise(odds))))
    }
  return { atZero, leading }
}
