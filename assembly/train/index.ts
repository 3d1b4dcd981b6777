/**
 * Kernels of a training step. Each takes the address of its phase's fields (32-bit words; the order is
 * that of `compute/wasmProgram.ts`) and a range of the phase's units, so that threads may share a
 * phase. Buffers are padded: rows to 4, widths to 8; padding is zero and stays zero by the arithmetic.
 */
import {
  colsLeftAt,
  colsRightAt,
  rowsLeftAt,
  rowsRightAt,
  storeColsLeft,
  storeColsRight,
  storeRowsLeft,
  storeRowsRight,
} from './panels'
import { dotTile, scratch } from './tile'

export { setScratch } from './tile'

/** The `index`-th field of a phase. */
// @ts-ignore: decorator
@inline
function field(phase: usize, index: i32): usize {
  return <usize>load<u32>(phase + (<usize>index << 2))
}

/**
 * Packs an int8 matrix. Unit: 4 rows.
 * Fields: source, rows, columns, rowsLeft, colsLeft, colsRight, rowsRight (0: not wanted).
 */
export function pack(phase: usize, begin: i32, end: i32): void {
  const source = field(phase, 0)
  const rows = <i32>field(phase, 1)
  const columns = <i32>field(phase, 2)
  const rowsLeft = field(phase, 3)
  const colsLeft = field(phase, 4)
  const colsRight = field(phase, 5)
  const rowsRight = field(phase, 6)
  for (let row = begin << 2; row < end << 2; row += 4) {
    for (let column = 0; column < columns; column += 8) {
      const from = source + <usize>row * <usize>columns + <usize>column
      const r0 = v128.load_ext<i8>(from)
      const r1 = v128.load_ext<i8>(from + <usize>columns)
      const r2 = v128.load_ext<i8>(from + (<usize>columns << 1))
      const r3 = v128.load_ext<i8>(from + <usize>columns * 3)
      if (rowsLeft) storeRowsLeft(rowsLeftAt(rowsLeft, row, column, columns), r0, r1, r2, r3)
      if (colsLeft)
        storeColsLeft(colsLeftAt(colsLeft, row, column, rows), <usize>rows << 3, r0, r1, r2, r3)
      if (colsRight) storeColsRight(colsRightAt(colsRight, row, column, rows), r0, r1, r2, r3)
      if (rowsRight) storeRowsRight(rowsRightAt(rowsRight, row, column, columns), r0, r1, r2, r3)
    }
  }
}

/**
 * A bare product: int32 sums, row-major. Unit: 8 columns.
 * Fields: left, right, contraction, rows, columns, sums.
 */
export function product(phase: usize, begin: i32, end: i32): void {
  const left = field(phase, 0)
  const right = field(phase, 1)
  const panel = field(phase, 2) << 3
  const rows = <i32>field(phase, 3)
  const columns = field(phase, 4)
  const sums = field(phase, 5)
  for (let row = 0; row < rows; row += 4) {
    for (let unit = begin; unit < end; unit++) {
      dotTile(left + (<usize>row >> 2) * panel, right + <usize>unit * panel, <i32>(panel >> 4))
      let to = sums + ((<usize>row * columns + (<usize>unit << 3)) << 2)
      for (let from = scratch; from < scratch + 128; from += 32) {
        v128.store(to, v128.load(from))
        v128.store(to, v128.load(from, 16), 16)
        to += columns << 2
      }
    }
  }
}

/** Row `row` of the tile in scratch, rescaled by `shift` with rounding and clamped, as int16x8. */
// @ts-ignore: decorator
@inline
function rescaled(row: usize, half: v128, shift: i32, low: v128, high: v128): v128 {
  const from = scratch + (row << 5)
  const left = i32x4.shr_s(i32x4.add(v128.load(from), half), shift)
  const right = i32x4.shr_s(i32x4.add(v128.load(from, 16), half), shift)
  // The narrowing saturates at ±2^15, which the clamp to ±127 does not notice.
  return i16x8.max_s(i16x8.min_s(i16x8.narrow_i32x4_s(left, right), high), low)
}

/**
 * Forward product with rescale and clamp. Unit: 8 outputs.
 * Fields: left, right, contraction, rows, outputs, shift, lowest, rowsLeft, colsRight, plain (int8
 * row-major; 0: not wanted).
 */
export function forward(phase: usize, begin: i32, end: i32): void {
  const left = field(phase, 0)
  const right = field(phase, 1)
  const panel = field(phase, 2) << 3
  const rows = <i32>field(phase, 3)
  const outputs = <i32>field(phase, 4)
  const shift = <i32>field(phase, 5)
  const low = i16x8.splat(<i16>field(phase, 6))
  const rowsLeft = field(phase, 7)
  const colsRight = field(phase, 8)
  const plain = field(phase, 9)
  const half = i32x4.splat(1 << (shift - 1))
  const high = i16x8.splat(127)
  for (let row = 0; row < rows; row += 4) {
    for (let unit = begin; unit < end; unit++) {
      dotTile(left + (<usize>row >> 2) * panel, right + <usize>unit * panel, <i32>(panel >> 4))
      const r0 = rescaled(0, half, shift, low, high)
      const r1 = rescaled(1, half, shift, low, high)
      const r2 = rescaled(2, half, shift, low, high)
      const r3 = rescaled(3, half, shift, low, high)
      const column = unit << 3
      if (rowsLeft) storeRowsLeft(rowsLeftAt(rowsLeft, row, column, outputs), r0, r1, r2, r3)
      if (colsRight) storeColsRight(colsRightAt(colsRight, row, column, rows), r0, r1, r2, r3)
      if (plain) {
        const to = plain + <usize>row * <usize>outputs + <usize>column
        const n01 = i8x16.narrow_i16x8_s(r0, r1)
        const n23 = i8x16.narrow_i16x8_s(r2, r3)
        v128.store_lane<i64>(to, n01, 0)
        v128.store_lane<i64>(to + <usize>outputs, n01, 1)
        v128.store_lane<i64>(to + (<usize>outputs << 1), n23, 0)
        v128.store_lane<i64>(to + <usize>outputs * 3, n23, 1)
      }
    }
  }
}

/** `o − 64·[label is here]` of 8 outputs, as int16x8. */
// @ts-ignore: decorator
@inline
function difference(from: usize, label: i32, column: i32): v128 {
  const here = i16x8.eq(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>(label - column)))
  return i16x8.sub(v128.load_ext<i8>(from), v128.and(here, i16x8.splat(64)))
}

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): u64 {
  const wide = i64x2.add(i64x2.extend_low_i32x4_u(v), i64x2.extend_high_i32x4_u(v))
  return i64x2.extract_lane(wide, 0) + i64x2.extract_lane(wide, 1)
}

// @ts-ignore: decorator
@inline
function zerosOf(v: v128): i32 {
  return popcnt(i16x8.bitmask(i16x8.eq(v, i16x8.splat(0))))
}

/**
 * Loss, and error of the outputs. Unit: 4 rows. A label of 65,535 is no output's.
 * Fields: outputs (int8 row-major), labels (u32), rows, columns, rowsLeft, colsLeft, loss (u64), zeros.
 */
export function outputError(phase: usize, begin: i32, end: i32): void {
  const outputs = field(phase, 0)
  const labels = field(phase, 1)
  const rows = <i32>field(phase, 2)
  const columns = <i32>field(phase, 3)
  const rowsLeft = field(phase, 4)
  const colsLeft = field(phase, 5)
  const low = i16x8.splat(-127)
  let loss: u64 = 0
  let zeros = 0
  for (let row = begin << 2; row < end << 2; row += 4) {
    const label = labels + (<usize>row << 2)
    for (let column = 0; column < columns; column += 8) {
      const from = outputs + <usize>row * <usize>columns + <usize>column
      const e0 = difference(from, load<i32>(label), column)
      const e1 = difference(from + <usize>columns, load<i32>(label, 4), column)
      const e2 = difference(from + (<usize>columns << 1), load<i32>(label, 8), column)
      const e3 = difference(from + <usize>columns * 3, load<i32>(label, 12), column)
      loss += sumLanes(i32x4.add(i32x4.dot_i16x8_s(e0, e0), i32x4.dot_i16x8_s(e1, e1)))
      loss += sumLanes(i32x4.add(i32x4.dot_i16x8_s(e2, e2), i32x4.dot_i16x8_s(e3, e3)))
      const r0 = i16x8.max_s(e0, low)
      const r1 = i16x8.max_s(e1, low)
      const r2 = i16x8.max_s(e2, low)
      const r3 = i16x8.max_s(e3, low)
      zeros += zerosOf(r0) + zerosOf(r1) + zerosOf(r2) + zerosOf(r3)
      storeRowsLeft(rowsLeftAt(rowsLeft, row, column, columns), r0, r1, r2, r3)
      storeColsLeft(colsLeftAt(colsLeft, row, column, rows), <usize>rows << 3, r0, r1, r2, r3)
    }
  }
  atomic.add<u64>(field(phase, 6), loss)
  atomic.add<i32>(field(phase, 7), zeros)
}

/**
 * Error of the layer below: backward product with rescale, clamp and mask. Unit: 8 units of that layer.
 * Fields: left, right, contraction, rows, columns, shift, active (colsRight of the activations),
 * rowsLeft, colsLeft, zeros.
 */
export function backward(phase: usize, begin: i32, end: i32): void {
  const left = field(phase, 0)
  const right = field(phase, 1)
  const panel = field(phase, 2) << 3
  const rows = <i32>field(phase, 3)
  const columns = <i32>field(phase, 4)
  const shift = <i32>field(phase, 5)
  const active = field(phase, 6)
  const rowsLeft = field(phase, 7)
  const colsLeft = field(phase, 8)
  const half = i32x4.splat(1 << (shift - 1))
  const low = i16x8.splat(-127)
  const high = i16x8.splat(127)
  const none = i16x8.splat(0)
  let zeros = 0
  for (let row = 0; row < rows; row += 4) {
    for (let unit = begin; unit < end; unit++) {
      dotTile(left + (<usize>row >> 2) * panel, right + <usize>unit * panel, <i32>(panel >> 4))
      const column = unit << 3
      // Activations lie in 0..127, two rows interleaved: each 16-bit lane holds one of either.
      const from = colsRightAt(active, row, column, rows)
      const a01 = v128.load(from)
      const a23 = v128.load(from, 16)
      const byte = i16x8.splat(127)
      const m0 = i16x8.gt_s(v128.and(a01, byte), none)
      const m1 = i16x8.gt_s(i16x8.shr_s(a01, 8), none)
      const m2 = i16x8.gt_s(v128.and(a23, byte), none)
      const m3 = i16x8.gt_s(i16x8.shr_s(a23, 8), none)
      const r0 = v128.and(rescaled(0, half, shift, low, high), m0)
      const r1 = v128.and(rescaled(1, half, shift, low, high), m1)
      const r2 = v128.and(rescaled(2, half, shift, low, high), m2)
      const r3 = v128.and(rescaled(3, half, shift, low, high), m3)
      zeros += zerosOf(r0) + zerosOf(r1) + zerosOf(r2) + zerosOf(r3)
      if (rowsLeft) storeRowsLeft(rowsLeftAt(rowsLeft, row, column, columns), r0, r1, r2, r3)
      storeColsLeft(colsLeftAt(colsLeft, row, column, rows), <usize>rows << 3, r0, r1, r2, r3)
    }
  }
  atomic.add<i32>(field(phase, 9), zeros)
}

/**
 * Moves 8 weights of a row: `U −= 2^shift · sums`, the integer part saturates, the fraction is kept.
 * Returns the integer parts before saturation as int16x8; at ±2^15 they still differ from the kept.
 */
// @ts-ignore: decorator
@inline
function moved(at: usize, sums: usize, fraction: i32, shift: i32, mask: v128): v128 {
  const low = i32x4.splat(-127)
  const high = i32x4.splat(127)
  const left = i32x4.sub(v128.load(at), i32x4.shl(v128.load(sums), shift))
  const right = i32x4.sub(v128.load(at, 16), i32x4.shl(v128.load(sums, 16), shift))
  const q0 = i32x4.shr_s(left, fraction)
  const q1 = i32x4.shr_s(right, fraction)
  const k0 = i32x4.shl(i32x4.max_s(i32x4.min_s(q0, high), low), fraction)
  const k1 = i32x4.shl(i32x4.max_s(i32x4.min_s(q1, high), low), fraction)
  v128.store(at, v128.or(k0, v128.and(left, mask)))
  v128.store(at, v128.or(k1, v128.and(right, mask)), 16)
  return i16x8.narrow_i32x4_s(q0, q1)
}

// @ts-ignore: decorator
@inline
function kept(quotients: v128): v128 {
  return i16x8.max_s(i16x8.min_s(quotients, i16x8.splat(127)), i16x8.splat(-127))
}

// @ts-ignore: decorator
@inline
function differing(a: v128, b: v128): i32 {
  return popcnt(i16x8.bitmask(i16x8.ne(a, b)))
}

/**
 * Weight-gradient product with the update of the state and of both packed forms of `w`. Unit: 4 outputs.
 * Fields: left (colsLeft of the error), right (colsRight of the input), contraction, outputs, inputs,
 * state (int32 `2^F·w + rho`, row-major), fraction bits, shift, rowsRight, colsRight (0: not wanted),
 * saturated.
 *
 * The caller's bound `256·2^F + 2^shift·127²·rows < 2^31` keeps every sum in int32.
 */
export function update(phase: usize, begin: i32, end: i32): void {
  const left = field(phase, 0)
  const right = field(phase, 1)
  const panel = field(phase, 2) << 3
  const outputs = <i32>field(phase, 3)
  const inputs = <i32>field(phase, 4)
  const state = field(phase, 5)
  const fraction = <i32>field(phase, 6)
  const shift = <i32>field(phase, 7)
  const rowsRight = field(phase, 8)
  const colsRight = field(phase, 9)
  const mask = i32x4.splat((1 << fraction) - 1)
  const stride = <usize>inputs << 2
  let saturated = 0
  for (let column = 0; column < inputs; column += 8) {
    for (let unit = begin; unit < end; unit++) {
      dotTile(
        left + <usize>unit * panel,
        right + (<usize>column >> 3) * panel,
        <i32>(panel >> 4),
      )
      const row = unit << 2
      const at = state + <usize>row * stride + (<usize>column << 2)
      const q0 = moved(at, scratch, fraction, shift, mask)
      const q1 = moved(at + stride, scratch + 32, fraction, shift, mask)
      const q2 = moved(at + (stride << 1), scratch + 64, fraction, shift, mask)
      const q3 = moved(at + stride * 3, scratch + 96, fraction, shift, mask)
      const r0 = kept(q0)
      const r1 = kept(q1)
      const r2 = kept(q2)
      const r3 = kept(q3)
      saturated += differing(q0, r0) + differing(q1, r1) + differing(q2, r2) + differing(q3, r3)
      storeRowsRight(rowsRightAt(rowsRight, row, column, inputs), r0, r1, r2, r3)
      if (colsRight) storeColsRight(colsRightAt(colsRight, row, column, outputs), r0, r1, r2, r3)
    }
  }
  atomic.add<i32>(field(phase, 10), saturated)
}
