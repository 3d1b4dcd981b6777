/**
 * Extensions of integer columns at a point, without lifting a cell into E.
 */
import { count, degree, type Element, type Elements, span } from './extension.ts'
import type { Kernels } from './kernels.ts'
import { innerProduct, type Matrix } from './linear.ts'
import { eqTable } from './multilinear.ts'

/** How much of a matrix counts, and how its index splits. */
export type Extent = { readonly rows: number; readonly cols: number; readonly colBits: number }

/** The extension of a matrix's first `rows × cols` cells; the point's low `colBits` name the column. */
export function evaluateMatrix(
  kernels: Kernels,
  matrix: Matrix,
  { rows, cols, colBits }: Extent,
  point: Elements,
): Element {
  const { values, stride } = matrix
  if (rows === 1) return evaluateRow(kernels, values.subarray(0, cols), point, colBits)
  return kernels.scope(() => {
    const byRow = eqTable(span(point, colBits, count(point)), rows)
    const sums = kernels.rowSums(cols)
    for (let row = 0; row < rows; row++)
      sums.add(byRow, degree * row, values, row * stride, cols, 0)
    return innerProduct(sums.total(), eqTable(span(point, 0, colBits), cols))
  })
}

/** A single row, cut into runs of at most this many bits. */
const runBits = 10

function evaluateRow(
  kernels: Kernels,
  values: Int32Array,
  point: Elements,
  colBits: number,
): Element {
  const low = Math.min(runBits, colBits)
  const run = 2 ** low
  const runs = Math.ceil(values.length / run)
  // Variables above the row's bits are those of its number, 0.
  const byRun = eqTable(span(point, low, count(point)), runs)
  return kernels.scope(() => {
    const sums = kernels.rowSums(run)
    for (let i = 0; i < runs; i++) {
      const length = Math.min(run, values.length - i * run)
      sums.add(byRun, degree * i, values, i * run, length, 0)
    }
    return innerProduct(sums.total(), eqTable(span(point, 0, low)))
  })
}
