/**
 * Sums of a column's rows, or of its columns, weighted by equality with a point: what claims, products
 * and the reduction all ask for. Each is one pass over integers, made once.
 */
import { at, count, type Element, type Elements, isZero, span } from './extension.ts'
import type { Kernels } from './kernels.ts'
import type { Matrix } from './linear.ts'
import { evaluateRow } from './matrixEvaluation.ts'
import type { PlacedColumn } from './parameters.ts'

export class ColumnSums {
  readonly #kernels: Kernels
  readonly #columns: readonly Matrix[]
  readonly #known = new Map<string, Elements>()

  constructor(kernels: Kernels, columns: readonly Matrix[]) {
    this.#kernels = kernels
    this.#columns = columns
  }

  matrix({ index }: PlacedColumn): Matrix {
    return this.#columns[index]!
  }

  /** `Σ_j eq(point, j)·row j` over live rows: one element for each stored column. */
  overRows(column: PlacedColumn, point: Elements): Elements {
    return this.#once(['rows', column.index, point], () => {
      const { cols, stride, values } = this.matrix(column)
      const { weightRows, eqTable, scope } = this.#kernels
      return scope(() => {
        const weights = eqTable(point, column.rows)
        // A vertex weighs one row alone.
        const { from, to } = nonZero(weights)
        const rows = { rows: to - from, cols, stride, values: values.subarray(from * stride) }
        return weightRows(rows, span(weights, from, to))
      })
    })
  }

  /** `Σ_k eq(point, k)·column k` over live columns: one element for each stored row. */
  overColumns(column: PlacedColumn, point: Elements): Elements {
    return this.#overColumns(column, point, column.cols)
  }

  /** The same over all stored columns. */
  overStored(column: PlacedColumn, point: Elements): Elements {
    return this.#overColumns(column, point, this.matrix(column).cols)
  }

  #overColumns(column: PlacedColumn, point: Elements, cols: number): Elements {
    return this.#once([cols, column.index, point], () => {
      const { weightColumns, eqTable, scope } = this.#kernels
      return scope(() => weightColumns({ ...this.matrix(column), cols }, eqTable(point, cols)))
    })
  }

  /** The extension of the column's live cells at `point`. */
  liveValue(column: PlacedColumn, point: Elements): Element {
    const { cols, rows, colBits } = column
    const { values } = this.matrix(column)
    if (rows === 1) return evaluateRow(this.#kernels, values.subarray(0, cols), point, colBits)
    const sums = this.overRows(column, span(point, colBits, count(point)))
    return this.#inner(span(sums, 0, cols), span(point, 0, colBits))
  }

  /** The extension of all stored cells at `point`. */
  storedValue(column: PlacedColumn, point: Elements): Element {
    const { rows, colBits } = column
    const { values } = this.matrix(column)
    if (rows === 1) return evaluateRow(this.#kernels, values, point, colBits)
    const sums = this.overStored(column, span(point, 0, colBits))
    return this.#inner(sums, span(point, colBits, count(point)))
  }

  /** `Σ_i eq(point, i)·vector_i`. */
  #inner(vector: Elements, point: Elements): Element {
    const { scope, eqTable, innerProduct } = this.#kernels
    return scope(() => innerProduct(vector, eqTable(point, count(vector))))
  }

  #once(key: readonly (string | number | Elements)[], make: () => Elements): Elements {
    const name = key.join('/')
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const made = make()
    this.#known.set(name, made)
    return made
  }
}

/** The range of elements beyond which all are zero. */
function nonZero(vector: Elements): { readonly from: number; readonly to: number } {
  let from = 0
  let to = count(vector)
  while (from < to && isZero(at(vector, from))) from++
  while (to > from && isZero(at(vector, to - 1))) to--
  return { from, to }
}
