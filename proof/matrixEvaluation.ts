/**
 * Extensions of integer columns at a point, without lifting a cell into E.
 */
import { degree, type Element, type Elements } from './extension.ts'
import { innerProduct, type Matrix, weightColumns, weightRows } from './linear.ts'
import { eqTable } from './multilinear.ts'

/** How much of a matrix counts, and how its index splits. */
export type Extent = { readonly rows: number; readonly cols: number; readonly colBits: number }

/** The extension of a matrix's first `rows × cols` cells; the point's low `colBits` name the column. */
export function evaluateMatrix(
  matrix: Matrix,
  { rows, cols, colBits }: Extent,
  point: Elements,
): Element {
  const byRow = eqTable(point.subarray(degree * colBits), rows)
  const byCol = eqTable(point.subarray(0, degree * colBits), cols)
  const counted = { ...matrix, rows, cols }
  // One row is a single sum; otherwise adding up rows keeps the sums in long runs.
  return rows === 1
    ? innerProduct(weightColumns(counted, byCol), byRow)
    : innerProduct(weightRows(counted, byRow), byCol)
}
