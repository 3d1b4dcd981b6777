/**
 * The reduction, verifier's side: what its last claim must be. Rules P-70 to P-73 of
 * docs/spec/proof.md.
 */
import { halfPower } from './babyBear.ts'
import {
  at,
  count,
  type Element,
  type Elements,
  element,
  equalElements,
  plus,
  powersOf,
  scaled,
  span,
  sumOf,
  times,
} from './extension.ts'
import { eqBelow } from './multilinear.ts'
import type { ProofShape } from './parameters.ts'
import type { Claim } from './reduction.ts'

/** What the columns' values at `r*` must add up to, by their claims' weights there. */
export function valueAtEnd(
  shape: ProofShape,
  claims: readonly Claim[],
  gamma: Element,
  point: Elements,
  values: Elements,
): Element {
  const powers = powersOf(gamma, claims.length)
  const weights = shape.columns.map(() => element(0))
  const weigh = claimWeights(point)
  for (const [i, claim] of claims.entries()) {
    const { index } = claim.column
    weights[index] = plus(weights[index]!, times(at(powers, i), weigh(claim)))
  }
  const rounds = count(point)
  return sumOf(
    shape.columns.map(({ index, variables }) =>
      scaled(times(at(values, index), weights[index]!), halfPower(rounds - variables)),
    ),
  )
}

/**
 * `Σ live(x)·eq(claimed, x)·eq(end, x)` of claims. Most claims share shape and point with others, and
 * are weighed once.
 */
function claimWeights(end: Elements): (claim: Claim) => Element {
  const known = new Map<string, { readonly point: Elements; readonly weight: Element }[]>()
  return ({ column: { rows, cols, colBits, variables }, point }) => {
    const key = [rows, cols, colBits, variables].join()
    const entries = known.get(key) ?? []
    const found = entries.find((entry) => equalElements(entry.point, point))
    if (found !== undefined) return found.weight
    const weight = times(
      eqBelow(cols, span(point, 0, colBits), span(end, 0, colBits)),
      eqBelow(rows, span(point, colBits, variables), span(end, colBits, variables)),
    )
    known.set(key, [...entries, { point, weight }])
    return weight
  }
}
