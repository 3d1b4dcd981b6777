/**
 * Matrices of integers against vectors of elements, without lifting a cell into E. Values are signed
 * integers of magnitude below p.
 */
import { add, clear, elementBytes, gather, mul, reduced, roomFor, scatter, slot, sumOfLanes } from './lanes'

// @ts-ignore: decorator
@inline
function fieldAt(address: usize): v128 {
  const raw = v128.load(address)
  return v128.min<u32>(raw, v128.add<i32>(raw, i32x4.splat(0x78000001)))
}

/** `sum + a·b` on the low half, of a sum that has room. */
// @ts-ignore: decorator
@inline
function lowSum(sum: v128, a: v128, b: v128): v128 {
  return v128.add<i64>(sum, i64x2.extmul_low_i32x4_u(a, b))
}

// @ts-ignore: decorator
@inline
function highSum(sum: v128, a: v128, b: v128): v128 {
  return v128.add<i64>(sum, i64x2.extmul_high_i32x4_u(a, b))
}

/** The elements of five pairs of halves, into slot 0. */
// @ts-ignore: decorator
@inline
function storeSums(
  low0: v128, high0: v128, low1: v128, high1: v128, low2: v128, high2: v128,
  low3: v128, high3: v128, low4: v128, high4: v128,
): void {
  v128.store(slot(0), reduced(low0, high0))
  v128.store(slot(0) + 16, reduced(low1, high1))
  v128.store(slot(0) + 32, reduced(low2, high2))
  v128.store(slot(0) + 48, reduced(low3, high3))
  v128.store(slot(0) + 64, reduced(low4, high4))
}

/**
 * `Σ_row weights[row] · values[row]`: one element for each column. Reads up to three cells past a row.
 */
export function weighRows(
  out: usize,
  values: usize,
  rows: i32,
  cols: i32,
  stride: i32,
  weights: usize,
): void {
  const bytes = <usize>stride << 2
  for (let col = 0; col < cols; col += 4) {
    let low0 = i64x2.splat(0)
    let low1 = low0
    let low2 = low0
    let low3 = low0
    let low4 = low0
    let high0 = low0
    let high1 = low0
    let high2 = low0
    let high3 = low0
    let high4 = low0
    let at = values + (<usize>col << 2)
    let weight = weights
    for (let row = 0; row < rows; row++) {
      const value = fieldAt(at)
      const w0 = v128.load32_splat(weight)
      const w1 = v128.load32_splat(weight, 4)
      const w2 = v128.load32_splat(weight, 8)
      const w3 = v128.load32_splat(weight, 12)
      const w4 = v128.load32_splat(weight, 16)
      // Two products fit beside a sum with room.
      if ((row & 1) == 0) {
        low0 = roomFor(low0)
        low1 = roomFor(low1)
        low2 = roomFor(low2)
        low3 = roomFor(low3)
        low4 = roomFor(low4)
        high0 = roomFor(high0)
        high1 = roomFor(high1)
        high2 = roomFor(high2)
        high3 = roomFor(high3)
        high4 = roomFor(high4)
      }
      low0 = lowSum(low0, value, w0)
      low1 = lowSum(low1, value, w1)
      low2 = lowSum(low2, value, w2)
      low3 = lowSum(low3, value, w3)
      low4 = lowSum(low4, value, w4)
      high0 = highSum(high0, value, w0)
      high1 = highSum(high1, value, w1)
      high2 = highSum(high2, value, w2)
      high3 = highSum(high3, value, w3)
      high4 = highSum(high4, value, w4)
      at += bytes
      weight += elementBytes
    }
    storeSums(low0, high0, low1, high1, low2, high2, low3, high3, low4, high4)
    const to = out + <usize>col * elementBytes
    if (cols - col >= 4) {
      scatter(to, elementBytes, slot(0))
      continue
    }
    scatter(slot(1), elementBytes, slot(0))
    memory.copy(to, slot(1), <usize>(cols - col) * elementBytes)
  }
}

/**
 * `Σ_col weights[col] · values[row][col]`: one element for each row. Reads up to three cells past a row.
 *
 * @param planes - five vectors of `⌈cols / 4⌉·4` words, one for each power of x, zeros past the weights.
 */
export function weighColumns(
  out: usize,
  values: usize,
  rows: i32,
  cols: i32,
  stride: i32,
  planes: usize,
): void {
  const plane = <usize>((cols + 3) & ~3) << 2
  for (let row = 0; row < rows; row++) {
    let low0 = i64x2.splat(0)
    let low1 = low0
    let low2 = low0
    let low3 = low0
    let low4 = low0
    let high0 = low0
    let high1 = low0
    let high2 = low0
    let high3 = low0
    let high4 = low0
    const from = values + (<usize>row * <usize>stride << 2)
    for (let at: usize = 0; at < plane; at += 16) {
      const value = fieldAt(from + at)
      if ((at & 16) == 0) {
        low0 = roomFor(low0)
        low1 = roomFor(low1)
        low2 = roomFor(low2)
        low3 = roomFor(low3)
        low4 = roomFor(low4)
        high0 = roomFor(high0)
        high1 = roomFor(high1)
        high2 = roomFor(high2)
        high3 = roomFor(high3)
        high4 = roomFor(high4)
      }
      let weights = planes + at
      let weight = v128.load(weights)
      low0 = lowSum(low0, value, weight)
      high0 = highSum(high0, value, weight)
      weights += plane
      weight = v128.load(weights)
      low1 = lowSum(low1, value, weight)
      high1 = highSum(high1, value, weight)
      weights += plane
      weight = v128.load(weights)
      low2 = lowSum(low2, value, weight)
      high2 = highSum(high2, value, weight)
      weights += plane
      weight = v128.load(weights)
      low3 = lowSum(low3, value, weight)
      high3 = highSum(high3, value, weight)
      weights += plane
      weight = v128.load(weights)
      low4 = lowSum(low4, value, weight)
      high4 = highSum(high4, value, weight)
    }
    storeSums(low0, high0, low1, high1, low2, high2, low3, high3, low4, high4)
    sumOfLanes(out + <usize>row * elementBytes, slot(0))
  }
}

/** Elements as the planes that {@link weighColumns} takes. */
export function toPlanes(out: usize, elements: usize, length: i32): void {
  const plane = <usize>((length + 3) & ~3) << 2
  for (let i = 0; i < length; i += 4) {
    let from = elements + <usize>i * elementBytes
    if (length - i < 4) {
      clear(slot(1))
      memory.copy(slot(1), from, <usize>(length - i) * elementBytes)
      from = slot(1)
    }
    gather(slot(0), from, elementBytes)
    for (let k: usize = 0; k < 5; k++)
      v128.store(out + plane * k + (<usize>i << 2), v128.load(slot(0) + (k << 4)))
  }
}

/** `Σ a_i·b_i / 2^32`, an element. */
export function innerProduct(out: usize, a: usize, b: usize, length: i32): void {
  clear(slot(2))
  for (let i = 0; i < length; i += 4) {
    let left = a + <usize>i * elementBytes
    let right = b + <usize>i * elementBytes
    if (length - i < 4) {
      clear(slot(3))
      memory.copy(slot(3), left, <usize>(length - i) * elementBytes)
      left = slot(3)
      clear(slot(4))
      memory.copy(slot(4), right, <usize>(length - i) * elementBytes)
      right = slot(4)
    }
    gather(slot(0), left, elementBytes)
    gather(slot(1), right, elementBytes)
    mul(slot(0), slot(0), slot(1))
    add(slot(2), slot(2), slot(0))
  }
  sumOfLanes(out, slot(2))
}
