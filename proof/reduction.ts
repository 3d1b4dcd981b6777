/**
 * From claims at many points to one value of each column at one point. Rules P-70 to P-74 of
 * docs/spec/proof.md. Dead cells have weight 0 in every claim, so what they hold is of no account.
 */

import { halfPower } from './babyBear.ts'
import { endPoints, type FindColumn, instancesOf, leafClaims } from './circuit.ts'
import {
  addInto,
  at,
  count,
  degree,
  type Element,
  type Elements,
  element,
  mulInto,
  plus,
  powersOf,
  scaled,
  span,
  sumOf,
  times,
} from './extension.ts'
import { liftAll, type Matrix } from './linear.ts'
import { eqBelow, eqTable } from './multilinear.ts'
import type { PlacedColumn, ProofShape } from './parameters.ts'
import type { Saturation } from './statement.ts'
import { type Challenge, type Proven, proveSums, type Summand } from './sumcheck.ts'

/** "The extension of the column's live cells at `point` is `value`." */
export type Claim = {
  readonly column: PlacedColumn
  /** One coordinate for each variable of the column. */
  readonly point: Elements
  readonly value: Element
}

/**
 * All claims on committed columns, in the order of their weights: leaf claims, ends of the products,
 * listed saturations.
 */
export function claimsOf(
  shape: ProofShape,
  find: FindColumn,
  { zeta, sigma }: { readonly zeta: Elements; readonly sigma: Elements },
  leafValues: Elements,
  endValues: Elements,
  saturated: readonly Saturation[],
): readonly Claim[] {
  const leaves = leafClaims(shape).flatMap((claim, i) => {
    if (claim.of !== 'column') return []
    const { rowBits, colBits } = claim.column
    return [
      { column: claim.column, point: span(zeta, 0, rowBits + colBits), value: at(leafValues, i) },
    ]
  })
  const ends = instancesOf(shape)
    .flatMap((instance) => endPoints(shape, find, instance, zeta, sigma))
    .map((end, i) => ({ ...end, value: at(endValues, i) }))
  const cells = saturated.map(({ step, layer, row, col, excess }) => ({
    column: find('w', step + 1, layer),
    point: cellPoint(row, col, shape.nu),
    value: element(excess > 0 ? 127 : -127),
  }))
  return [...leaves, ...ends, ...cells].map((claim) => ({
    ...claim,
    point: extended(claim.point, claim.column.variables),
  }))
}

/** The vertex that names a cell of a weight column. */
export function cellPoint(row: number, col: number, nu: number): Elements {
  const point = new Uint32Array(degree * 2 * nu)
  for (let bit = 0; bit < nu; bit++) {
    point[degree * bit] = (col >>> bit) & 1
    point[degree * (nu + bit)] = (row >>> bit) & 1
  }
  return point
}

/** A point shorter than the column's variables is extended by zeros. */
function extended(point: Elements, variables: number): Elements {
  const result = new Uint32Array(degree * variables)
  result.set(point)
  return result
}

/** `Σ_claims γ^i · value_i`. */
export function combinedClaim(claims: readonly Claim[], gamma: Element): Element {
  const powers = powersOf(gamma, claims.length)
  return sumOf(claims.map(({ value }, i) => times(at(powers, i), value)))
}

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
  for (const [i, { column, point: claimed }] of claims.entries()) {
    const { colBits, rows, cols, variables } = column
    const end = span(point, 0, variables)
    const live = times(
      eqBelow(cols, span(claimed, 0, colBits), span(end, 0, colBits)),
      eqBelow(rows, span(claimed, colBits, variables), span(end, colBits, variables)),
    )
    weights[column.index] = plus(weights[column.index]!, times(at(powers, i), live))
  }
  const rounds = count(point)
  return sumOf(
    shape.columns.map(({ index, variables }) =>
      scaled(times(at(values, index), weights[index]!), halfPower(rounds - variables)),
    ),
  )
}

/** Proves the claims; `ends[c][0]` is column c's value at the end point. */
export function proveReduction(
  shape: ProofShape,
  columns: readonly Matrix[],
  claims: readonly Claim[],
  gamma: Element,
  challenge: Challenge,
): Proven {
  const powers = powersOf(gamma, claims.length)
  const byColumn = new Map<number, { readonly claim: Claim; readonly weight: Element }[]>()
  for (const [i, claim] of claims.entries()) {
    const entry = { claim, weight: at(powers, i) }
    byColumn.set(claim.column.index, [...(byColumn.get(claim.column.index) ?? []), entry])
  }
  const summands = shape.columns.map((column) =>
    columnSummand(column, columns[column.index]!, byColumn.get(column.index) ?? []),
  )
  return proveSums(summands, roundsOf(shape), 2, challenge)
}

/** Rounds of the reduction: variables of the largest column. */
export function roundsOf({ columns }: ProofShape): number {
  return Math.max(...columns.map(({ variables }) => variables))
}

function columnSummand(
  { rows, cols, colBits, variables }: PlacedColumn,
  matrix: Matrix,
  claims: readonly { readonly claim: Claim; readonly weight: Element }[],
): Summand {
  // As stored: a column may hold more than its live cells; their weight is 0.
  const weights = new Uint32Array(degree * matrix.rows * matrix.stride)
  const product = new Uint32Array(degree)
  for (const { claim, weight } of claims) {
    const byCol = eqTable(span(claim.point, 0, colBits), cols)
    const byRow = eqTable(span(claim.point, colBits, variables), rows)
    for (let row = 0; row < rows; row++) {
      const factor = times(weight, at(byRow, row))
      let to = degree * row * matrix.stride
      for (let col = 0; col < cols; col++) {
        mulInto(product, 0, factor, 0, byCol, degree * col)
        addInto(weights, to, weights, to, product, 0)
        to += degree
      }
    }
  }
  return {
    coefficient: element(1),
    factors: [liftAll(matrix.values), weights],
    coarse: null,
    lines: matrix.rows,
    length: matrix.stride,
    lineBits: colBits,
    variables,
  }
}
