/**
 * From claims at many points to one value of each column at one point. Rules P-70 to P-74 of
 * docs/spec/proof.md. Dead cells have weight 0 in every claim, so what they hold is of no account.
 */

import { endPoints, type FindColumn, instancesOf, leafClaims } from './circuit.ts'
import {
  at,
  degree,
  type Element,
  type Elements,
  element,
  join,
  mulInto,
  powersOf,
  span,
  sumOf,
  times,
} from './extension.ts'
import type { Kernels } from './kernels.ts'
import { liftAll, type Matrix } from './linear.ts'
import { evaluateMatrix } from './matrixEvaluation.ts'
import { eqTable } from './multilinear.ts'
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

/**
 * Proves the claims; gives the columns' values at the end point as well.
 *
 * Columns of one shape, row bits included, share the point of their leaf claims, so their weighted sum
 * is one summand; a column's further claims are another. The messages are those of the sum over all
 * columns.
 */
export function proveReduction(
  kernels: Kernels,
  shape: ProofShape,
  columns: readonly Matrix[],
  claims: readonly Claim[],
  gamma: Element,
  challenge: Challenge,
): Proven & { readonly values: Elements } {
  const powers = powersOf(gamma, claims.length)
  const groups = new Map<string, Weighed[]>()
  const others = new Map<number, Weighed[]>()
  const seen = new Set<number>()
  for (const [i, claim] of claims.entries()) {
    const { index, rows, cols, rowBits, colBits, variables } = claim.column
    const matrix = columns[index]!
    const entry = { claim, matrix, weight: at(powers, i) }
    const key = [rows, cols, rowBits, colBits, variables, matrix.rows, matrix.stride].join()
    if (seen.has(index)) append(others, index, entry)
    else append(groups, key, entry)
    seen.add(index)
  }
  const summands = [
    ...[...groups.values()].map((group) => groupSummand(kernels, group)),
    ...[...others.values()].map((entries) => columnSummand(kernels, entries)),
  ]
  const proven = proveSums(kernels, summands, roundsOf(shape), 2, challenge)
  const values = shape.columns.map(({ index, colBits, variables }) => {
    const matrix = columns[index]!
    const stored = { rows: matrix.rows, cols: matrix.cols, colBits }
    return evaluateMatrix(kernels, matrix, stored, span(proven.point, 0, variables))
  })
  return { ...proven, values: join(values) }
}

/** A claim on a column, with the power of γ' that weighs it. */
type Weighed = { readonly claim: Claim; readonly matrix: Matrix; readonly weight: Element }

function append<K>(lists: Map<K, Weighed[]>, key: K, entry: Weighed): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [entry])
  else list.push(entry)
}

/** Rounds of the reduction: variables of the largest column. */
export function roundsOf({ columns }: ProofShape): number {
  return Math.max(...columns.map(({ variables }) => variables))
}

/** `Σ_x (Σ_i weight_i · column_i(x)) · live(x)·eq(point, x)` of columns claimed at one point. */
function groupSummand(kernels: Kernels, group: readonly Weighed[]): Summand {
  const [{ claim, matrix }] = group as [Weighed]
  const sums = kernels.rowSums(matrix.values.length)
  for (const { matrix: own, weight } of group)
    sums.add(weight, 0, own.values, 0, own.values.length, 0)
  const weights = kernels.words(degree * matrix.values.length)
  addEquality(kernels, weights, claim, matrix, element(1))
  return summandOf(claim.column, matrix, sums.total(), weights)
}

/** `Σ_x column(x) · Σ_i weight_i · live(x)·eq(point_i, x)` of claims on one column. */
function columnSummand(kernels: Kernels, entries: readonly Weighed[]): Summand {
  const [{ claim, matrix }] = entries as [Weighed]
  const weights = kernels.words(degree * matrix.values.length)
  for (const entry of entries) addEquality(kernels, weights, entry.claim, matrix, entry.weight)
  return summandOf(claim.column, matrix, liftAll(matrix.values), weights)
}

/** As stored: a column may hold more than its live cells; their weight is 0. */
function summandOf(
  { colBits, variables }: PlacedColumn,
  { rows, stride }: Matrix,
  values: Elements,
  weights: Elements,
): Summand {
  return {
    coefficient: element(1),
    factors: [values, weights],
    coarse: null,
    lines: rows,
    length: stride,
    lineBits: colBits,
    variables,
  }
}

/** Adds `weight · eq(point, x)` at every live cell. */
function addEquality(
  kernels: Kernels,
  weights: Elements,
  { column, point }: Claim,
  { stride }: Matrix,
  weight: Element,
) {
  const { colBits, variables, rows, cols } = column
  const byCol = kernels.eqTable(span(point, 0, colBits), cols)
  const byRow = eqTable(span(point, colBits, variables), rows)
  const factors = new Uint32Array(byRow.length)
  for (let i = 0; i < byRow.length; i += degree) mulInto(factors, i, byRow, i, weight, 0)
  kernels.addOuter(weights, stride, factors, byCol)
}
