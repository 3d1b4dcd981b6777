/**
 * The rules of training as gpu.js kernels. gpu.js reads these functions' source and compiles it to WGSL,
 * WebAssembly or JavaScript, so they use nothing but their arguments, `this` and `Math`.
 *
 * Numbers are float32, exact below 2^24 in magnitude. A contraction is therefore split into chunks of at
 * most {@link chunkLength} terms, whose sums are below `127² · 1,024 < 2^24`; sums of chunks are added as
 * integers in two words, `high · 2^12 + low`. Scaling by a power of two and flooring lose nothing.
 */

/** Terms of one partial sum. */
export const chunkLength = 1_024

/** What a kernel sees as `this`: the cell it computes, and its constants. */
type Cell<C> = {
  readonly thread: { readonly x: number; readonly y: number; readonly z: number }
  readonly constants: C
}

type Matrix = readonly (readonly number[])[]
type Partials = readonly Matrix[]

/** `length` is the contraction's. */
type ChunkConstants = { readonly length: number; readonly chunk: number }

/** `[rows, length] × [width, length] → [chunks, rows, width]` */
export function forwardChunks(this: Cell<ChunkConstants>, a: Matrix, w: Matrix): number {
  const from = this.thread.z * this.constants.chunk
  const to = Math.min(from + this.constants.chunk, this.constants.length)
  let sum = 0
  for (let k = from; k < to; k += 1) sum += a[this.thread.y]![k]! * w[this.thread.x]![k]!
  return sum
}

/** `[rows, length] × [length, inner] → [chunks, rows, inner]` */
export function backwardChunks(this: Cell<ChunkConstants>, d: Matrix, w: Matrix): number {
  const from = this.thread.z * this.constants.chunk
  const to = Math.min(from + this.constants.chunk, this.constants.length)
  let sum = 0
  for (let j = from; j < to; j += 1) sum += d[this.thread.y]![j]! * w[j]![this.thread.x]!
  return sum
}

/** `[length, width] × [length, inner] → [chunks, width, inner]` */
export function gradientChunks(this: Cell<ChunkConstants>, d: Matrix, a: Matrix): number {
  const from = this.thread.z * this.constants.chunk
  const to = Math.min(from + this.constants.chunk, this.constants.length)
  let sum = 0
  for (let b = from; b < to; b += 1) sum += d[b]![this.thread.y]! * a[b]![this.thread.x]!
  return sum
}

/** A shift by `s ≤ 12` bits, rounding half up, then a clamp to `[floor, 127]`. */
export type RescaleConstants = {
  readonly chunks: number
  /** `2^(12−s)` */
  readonly highScale: number
  /** `2^−s` */
  readonly lowScale: number
  /** `2^(s−1)` */
  readonly half: number
  /** 0 for ReLU, else −127. */
  readonly floor: number
}

/** `[chunks, rows, width] → [rows, width]` */
export function rescaleSums(this: Cell<RescaleConstants>, partials: Partials): number {
  let high = 0
  let low = 0
  for (let c = 0; c < this.constants.chunks; c++) {
    const part = partials[c]![this.thread.y]![this.thread.x]!
    const upper = Math.floor(part * 0.000244140625)
    high += upper
    low += part - upper * 4096
  }
  const value =
    high * this.constants.highScale +
    Math.floor((low + this.constants.half) * this.constants.lowScale)
  return Math.max(Math.min(value, 127), this.constants.floor)
}

/** `d` where the unit was on, else 0: `[rows, width] × [rows, width] → [rows, width]`. */
export function maskOff(this: Cell<object>, d: Matrix, active: Matrix): number {
  let value = d[this.thread.y]![this.thread.x]!
  if (active[this.thread.y]![this.thread.x]! < 0.5) value = 0
  return value
}

/** `clamp(o − 64·y, ±127)`: `[rows, classes] × [rows] → [rows, classes]`. A row of no class has label −1. */
export function errorOfOutput(this: Cell<object>, o: Matrix, labels: readonly number[]): number {
  let value = o[this.thread.y]![this.thread.x]!
  const distance = Math.abs(labels[this.thread.y]! - this.thread.x)
  if (distance < 0.5) value -= 64
  return Math.max(value, -127)
}

/** The update `2^F·w + rho − 2^u·G`, with `G = high·2^12 + low`. */
export type UpdateConstants = {
  readonly chunks: number
  /** `2^(12+u)`, what one of `high` weighs. */
  readonly highRate: number
  /** `2^u` */
  readonly lowRate: number
  /** `2^F` */
  readonly unit: number
  /** `2^−F` */
  readonly perUnit: number
}

/** `⌊(2^F·w + rho − 2^u·G) / 2^F⌋` before the clamp: `[width, inner]`. Exact wherever it does not saturate. */
export function nextQuotient(
  this: Cell<UpdateConstants>,
  partials: Partials,
  w: Matrix,
  rho: Matrix,
): number {
  let high = 0
  let low = 0
  for (let c = 0; c < this.constants.chunks; c++) {
    const part = partials[c]![this.thread.y]![this.thread.x]!
    const upper = Math.floor(part * 0.000244140625)
    high += upper
    low += part - upper * 4096
  }
  const highUnits = Math.floor(high * this.constants.highRate * this.constants.perUnit)
  const lowUnits = Math.floor(low * this.constants.lowRate * this.constants.perUnit)
  const rest =
    rho[this.thread.y]![this.thread.x]! -
    (high * this.constants.highRate - highUnits * this.constants.unit) -
    (low * this.constants.lowRate - lowUnits * this.constants.unit)
  const borrow = Math.floor(rest * this.constants.perUnit)
  return w[this.thread.y]![this.thread.x]! - highUnits - lowUnits + borrow
}

/** `(2^F·w + rho − 2^u·G) mod 2^F`: `[width, inner]`. */
export function nextFraction(this: Cell<UpdateConstants>, partials: Partials, rho: Matrix): number {
  let high = 0
  let low = 0
  for (let c = 0; c < this.constants.chunks; c++) {
    const part = partials[c]![this.thread.y]![this.thread.x]!
    const upper = Math.floor(part * 0.000244140625)
    high += upper
    low += part - upper * 4096
  }
  const highUnits = Math.floor(high * this.constants.highRate * this.constants.perUnit)
  const lowUnits = Math.floor(low * this.constants.lowRate * this.constants.perUnit)
  const rest =
    rho[this.thread.y]![this.thread.x]! -
    (high * this.constants.highRate - highUnits * this.constants.unit) -
    (low * this.constants.lowRate - lowUnits * this.constants.unit)
  return rest - Math.floor(rest * this.constants.perUnit) * this.constants.unit
}

/** The integer part, saturated: `[width, inner] → [width, inner]`. */
export function clampQuotient(this: Cell<object>, quotient: Matrix): number {
  return Math.max(Math.min(quotient[this.thread.y]![this.thread.x]!, 127), -127)
}

/** Cells of each row that saturate: `[rows, length] → [rows]`. */
export function countSaturated(this: Cell<{ readonly length: number }>, quotient: Matrix): number {
  let count = 0
  for (let i = 0; i < this.constants.length; i++)
    if (Math.abs(quotient[this.thread.x]![i]!) > 127.5) count += 1
  return count
}

/** Zeros of each row: `[rows, length] → [rows]`. */
export function countZeros(this: Cell<{ readonly length: number }>, values: Matrix): number {
  let count = 0
  for (let i = 0; i < this.constants.length; i++)
    if (Math.abs(values[this.thread.x]![i]!) < 0.5) count += 1
  return count
}
