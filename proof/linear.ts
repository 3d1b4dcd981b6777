/**
 * Sums of base-field integers weighted by extension elements, exact in doubles and reduced rarely:
 * the work of evaluating columns, folding matrices and combining rows.
 */
import { addMod, toField } from './babyBear.ts'
import {
  count,
  degree,
  type Element,
  type Elements,
  joinHalves,
  reduceDouble,
} from './extension.ts'

/** Integers of magnitude below 2^31. */
export type Integers = Int32Array | Int8Array | Uint32Array

/** Products of a 16-bit half and a word stay below 2^47: this many fit a double's 53 bits. */
const termsPerFlush = 32

/** `Σ_{i<length} values[from + i] · weights[i]`; `length` defaults to all of the weights. */
export function weightedSum(
  values: Integers,
  weights: Elements,
  from = 0,
  length: number = count(weights),
): Element {
  const total = new Uint32Array(degree)
  const high = new Float64Array(degree)
  const low = new Float64Array(degree)
  let at = 0
  for (let start = 0; start < length; start += termsPerFlush) {
    const end = Math.min(start + termsPerFlush, length)
    let h0 = 0
    let h1 = 0
    let h2 = 0
    let h3 = 0
    let h4 = 0
    let l0 = 0
    let l1 = 0
    let l2 = 0
    let l3 = 0
    let l4 = 0
    for (let i = start; i < end; i++) {
      const value = values[from + i]!
      const h = value >> 16
      const l = value & 0xffff
      const w0 = weights[at]!
      const w1 = weights[at + 1]!
      const w2 = weights[at + 2]!
      const w3 = weights[at + 3]!
      const w4 = weights[at + 4]!
      at += degree
      h0 += h * w0
      h1 += h * w1
      h2 += h * w2
      h3 += h * w3
      h4 += h * w4
      l0 += l * w0
      l1 += l * w1
      l2 += l * w2
      l3 += l * w3
      l4 += l * w4
    }
    high.set([h0, h1, h2, h3, h4])
    low.set([l0, l1, l2, l3, l4])
    for (let k = 0; k < degree; k++) total[k] = addMod(total[k]!, joinHalves(high[k]!, low[k]!))
  }
  return total
}

/** Adds weighted rows of integers into one row of elements: `Σ_r weight_r · row_r`. */
export class RowAccumulator {
  readonly #high: Float64Array
  readonly #low: Float64Array
  /** Rows added since the sums were last reduced. */
  #pending = 0

  constructor(width: number) {
    this.#high = new Float64Array(degree * width)
    this.#low = new Float64Array(degree * width)
  }

  /** Add `weights[w..] · values[from..from + length)` at positions `to..`. */
  add(
    weights: Elements,
    w: number,
    values: Integers,
    from: number,
    length: number,
    to: number,
  ): void {
    if (this.#pending === termsPerFlush) this.#reduce()
    this.#pending++
    const w0 = weights[w]!
    const w1 = weights[w + 1]!
    const w2 = weights[w + 2]!
    const w3 = weights[w + 3]!
    const w4 = weights[w + 4]!
    const high = this.#high
    const low = this.#low
    let at = degree * to
    for (let i = from; i < from + length; i++) {
      const value = values[i]!
      const l = value & 0xffff
      low[at] = low[at]! + l * w0
      low[at + 1] = low[at + 1]! + l * w1
      low[at + 2] = low[at + 2]! + l * w2
      low[at + 3] = low[at + 3]! + l * w3
      low[at + 4] = low[at + 4]! + l * w4
      const h = value >> 16
      if (h !== 0) {
        high[at] = high[at]! + h * w0
        high[at + 1] = high[at + 1]! + h * w1
        high[at + 2] = high[at + 2]! + h * w2
        high[at + 3] = high[at + 3]! + h * w3
        high[at + 4] = high[at + 4]! + h * w4
      }
      at += degree
    }
  }

  total(): Elements {
    this.#reduce()
    return Uint32Array.from(this.#low)
  }

  /** Leaves canonical words in `low` and zeros in `high`. */
  #reduce(): void {
    for (let i = 0; i < this.#low.length; i++)
      this.#low[i] = joinHalves(this.#high[i]!, this.#low[i]!)
    this.#high.fill(0)
    this.#pending = 1
  }
}

/** A rectangle of integers, row-major. */
export type Matrix = {
  readonly rows: number
  readonly cols: number
  /** Distance between rows; at least `cols`. */
  readonly stride: number
  readonly values: Int32Array
}

/** `Σ_r weights[r] · row r`: one element for each column. */
export function weightRows({ rows, cols, stride, values }: Matrix, weights: Elements): Elements {
  const sums = new RowAccumulator(cols)
  for (let row = 0; row < rows; row++)
    sums.add(weights, degree * row, values, row * stride, cols, 0)
  return sums.total()
}

/** `Σ_c weights[c] · column c`: one element for each row. */
export function weightColumns({ rows, cols, stride, values }: Matrix, weights: Elements): Elements {
  const sums = new Uint32Array(degree * rows)
  for (let row = 0; row < rows; row++)
    sums.set(weightedSum(values, weights, row * stride, cols), degree * row)
  return sums
}

/** The integers as base-field elements of E. */
export function liftAll(values: Integers): Elements {
  const lifted = new Uint32Array(degree * values.length)
  for (let i = 0; i < values.length; i++) lifted[degree * i] = toField(values[i]!)
  return lifted
}

/** `Σ_i a[i]·b[i]` of two vectors of elements. */
export function innerProduct(a: Elements, b: Elements): Element {
  const sums = new Float64Array(2 * degree)
  const total = new Uint32Array(degree)
  for (let i = 0; i < a.length; i += degree) {
    sums.fill(0)
    for (let j = 0; j < degree; j++) addShifted(sums, a[i + j]!, b, i, j)
    for (let k = 0; k < degree; k++)
      total[k] = reduceDouble(total[k]! + joinHalves(sums[k]!, sums[degree + k]!))
  }
  return total
}

/** Adds `word · b · x^shift` to sums of halves, with `x^5 = 2`. */
function addShifted(sums: Float64Array, word: number, b: Elements, i: number, shift: number): void {
  const high = word >>> 16
  const low = word & 0xffff
  for (let k = 0; k < degree; k++) {
    const wraps = k + shift >= degree
    const value = wraps ? 2 * b[i + k]! : b[i + k]!
    const to = wraps ? k + shift - degree : k + shift
    sums[to] = sums[to]! + high * value
    sums[degree + to] = sums[degree + to]! + low * value
  }
}
