/**
 * From claims at many points to one value of each column at one point. Rules P-70 to P-74 of
 * docs/spec/proof.md. Dead cells have weight 0 in every claim, so what they hold is of no account.
 */

import { endPoints, type FindColumn, instancesOf, leafClaims } from './circuit.ts'
import type { ColumnSums } from './columnSums.ts'
import {
  addInto,
  at,
  count,
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
import { liftAll } from './linear.ts'
import { eqTable } from './multilinear.ts'
import type { PlacedColumn, ProofShape } from './parameters.ts'
import type { Saturation } from './statement.ts'
import { type Challenge, type Proven, proveSums, type Summand, vectorSummand } from './sumcheck.ts'

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
 * The weight of a claim at a cell is a weight of its row times one of its column. So while variables
 * of columns are bound, all that counts is the weighted sum of rows, a vector; then, that of columns:
 * integers are summed, and nothing as large as a column is ever folded. Claims at one point on columns
 * of one shape are one summand. The messages are those of the sum over all columns.
 */
export function proveReduction(
  kernels: Kernels,
  shape: ProofShape,
  sums: ColumnSums,
  claims: readonly Claim[],
  gamma: Element,
  challenge: Challenge,
): Proven & { readonly values: Elements } {
  const powers = powersOf(gamma, claims.length)
  const groups = new Map<string, Weighed[]>()
  for (const [i, claim] of claims.entries()) {
    const { rows, cols, rowBits, colBits, variables } = claim.column
    const matrix = sums.matrix(claim.column)
    const shapes = [rows, cols, rowBits, colBits, variables, matrix.rows, matrix.cols]
    const key = [...shapes, claim.point].join()
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push({ ...claim, weight: at(powers, i) })
  }
  const summands = [...groups.values()].map((group) =>
    group[0]!.column.rows === 1
      ? rowSummand(kernels, sums, group)
      : boxSummand(kernels, sums, group),
  )
  const proven = proveSums(kernels, summands, roundsOf(shape), 2, challenge)
  const values = shape.columns.map((column) =>
    sums.storedValue(column, span(proven.point, 0, column.variables)),
  )
  return { ...proven, values: join(values) }
}

/** A claim, with the power of γ' that weighs it. */
type Weighed = Claim & { readonly weight: Element }

/** Rounds of the reduction: variables of the largest column. */
export function roundsOf({ columns }: ProofShape): number {
  return Math.max(...columns.map(({ variables }) => variables))
}

/** `Σ_j Σ_k (Σ_i weight_i · column_i(j, k)) · live(j)·eq(point, j) · live(k)·eq(point, k)`. */
function boxSummand(kernels: Kernels, sums: ColumnSums, group: readonly Weighed[]): Summand {
  const [{ column, point }] = group as [Weighed]
  const { rows, cols, colBits, variables } = column
  const matrix = sums.matrix(column)
  const byCol = span(point, 0, colBits)
  const byRow = span(point, colBits, variables)
  const overRows = combined(group, (own) => sums.overRows(own, byRow))
  const inLine = vectorSummand(
    element(1),
    [overRows, padded(kernels.eqTable(byCol, cols), matrix.cols)],
    colBits,
  )
  return {
    ...inLine,
    variables,
    // Once the columns' variables are bound, a sum over the lines.
    next: (bound, [, weight]) =>
      vectorSummand(
        weight!,
        [
          combined(group, (own) => sums.overStored(own, bound)),
          padded(kernels.eqTable(byRow, rows), matrix.rows),
        ],
        variables,
      ),
  }
}

/** `Σ_i weight_i · vector_i`. */
function combined(
  group: readonly Weighed[],
  vectorOf: (column: PlacedColumn) => Elements,
): Elements {
  const product = new Uint32Array(degree)
  let total: Elements | null = null
  for (const { column, weight } of group) {
    const vector = vectorOf(column)
    total ??= new Uint32Array(vector.length)
    for (let i = 0; i < vector.length; i += degree) {
      mulInto(product, 0, vector, i, weight, 0)
      addInto(total, i, total, i, product, 0)
    }
  }
  return total!
}

function padded(vector: Elements, length: number): Elements {
  if (count(vector) === length) return vector
  const result = new Uint32Array(degree * length)
  result.set(vector)
  return result
}

/** A single row, as stored: it may hold more than its live cells, which weigh nothing. */
function rowSummand(kernels: Kernels, sums: ColumnSums, group: readonly Weighed[]): Summand {
  const [{ column, point }] = group as [Weighed]
  const { cols, colBits, variables } = column
  const values = combined(group, (own) => liftAll(sums.matrix(own).values))
  // Higher variables number rows: of this one they are 0.
  const above = span(point, colBits, variables)
  const scale = eqTable(above, 1)
  const weights = padded(kernels.eqTable(span(point, 0, colBits), cols), count(values))
  return vectorSummand(scale, [values, weights], variables)
}
