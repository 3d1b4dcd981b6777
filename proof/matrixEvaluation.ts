/**
 * Extensions of integers at a point, without lifting a cell into E.
 */
import { addInto, count, degree, type Element, type Elements, span } from './extension.ts'
import type { Kernels } from './kernels.ts'
import type { Matrix } from './linear.ts'
import { eqTable } from './multilinear.ts'

/** How much of a matrix counts, and how its index splits. */
export type Extent = { readonly rows: number; readonly cols: number; readonly colBits: number }

/** The extension of a matrix's first `rows × cols` cells; the point's low `colBits` name the column. */
export function evaluateMatrix(
  { weightRows, innerProduct, scope }: Kernels,
  { values, stride }: Matrix,
  { rows, cols, colBits }: Extent,
  point: Elements,
): Element {
  return scope(() => {
    const sums = weightRows(
      { rows, cols, stride, values },
      eqTable(span(point, colBits, count(point)), rows),
    )
    return innerProduct(sums, eqTable(span(point, 0, colBits), cols))
  })
}

/** A single row is cut into runs of at most this many bits. */
const runBits = 10

/** The extension of a single row of `2^colBits` places; higher variables number rows, of which it is 0. */
export function evaluateRow(
  { weightRows, innerProduct, scope }: Kernels,
  values: Int32Array,
  point: Elements,
  colBits: number,
): Element {
  const low = Math.min(runBits, colBits)
  const run = 2 ** low
  const whole = Math.floor(values.length / run)
  const rest = values.length - whole * run
  const byRun = eqTable(span(point, low, count(point)), whole + 1)
  return scope(() => {
    const sums = new Uint32Array(degree * run)
    if (whole > 0)
      sums.set(weightRows({ rows: whole, cols: run, stride: run, values }, span(byRun, 0, whole)))
    if (rest > 0) {
      const last = { rows: 1, cols: rest, stride: rest, values: values.subarray(whole * run) }
      const more = weightRows(last, span(byRun, whole, whole + 1))
      addAll(sums, more)
    }
    return innerProduct(sums, eqTable(span(point, 0, low)))
  })
}

function addAll(sums: Elements, more: Elements): void {
  for (let i = 0; i < more.length; i += degree) addInto(sums, i, sums, i, more, i)
}
