/**
 * Kernels on vectors of elements: tables of equality, folding, sums of products.
 */
import {
  add,
  clear,
  elementBytes,
  gather,
  mul,
  scatter,
  slot,
  splat,
  sub,
  sumOfLanes,
} from './lanes'

/** Pads what is left of a line: up to eight elements. */
// @ts-ignore: decorator
@inline
function padded(index: usize, from: usize, elements: i32): usize {
  const to = slot(index)
  clear(to)
  clear(to + 80)
  memory.copy(to, from, <usize>elements * elementBytes)
  return to
}

/**
 * One variable more in a table of equality: `(x − x·r, x·r)` from `x`. `half` is a multiple of 4.
 *
 * @param r - times `2^32`.
 */
export function expand(table: usize, half: i32, length: i32, r: usize): void {
  const factor = slot(0)
  const low = slot(1)
  const high = slot(2)
  splat(factor, r)
  for (let i = 0; i < min(half, length); i += 4) {
    const at = table + <usize>i * elementBytes
    gather(low, at, elementBytes)
    mul(high, low, factor)
    sub(low, low, high)
    scatter(at, elementBytes, low)
    if (half + i < length) scatter(at + <usize>half * elementBytes, elementBytes, high)
  }
}

/**
 * Binds variable 0 of every line to `r` (times `2^32`). `out` may be `values`.
 *
 * @param missing - the element that takes the place of a missing last partner; at address 0: zero.
 */
export function fold(
  out: usize,
  values: usize,
  lines: i32,
  length: i32,
  r: usize,
  missing: usize,
): void {
  const factor = slot(0)
  const low = slot(1)
  const high = slot(2)
  splat(factor, r)
  const half = (length + 1) >> 1
  for (let line = 0; line < lines; line++) {
    const to = out + <usize>(line * half) * elementBytes
    const from = values + <usize>(line * length) * elementBytes
    for (let i = 0; i < half; i += 4) {
      const left = length - 2 * i
      let at = from + <usize>(2 * i) * elementBytes
      if (left < 8) {
        at = padded(4, at, left)
        if (missing != 0 && (left & 1) == 1)
          memory.copy(at + <usize>left * elementBytes, missing, elementBytes)
      }
      gather(low, at, 2 * elementBytes)
      gather(high, at + elementBytes, 2 * elementBytes)
      sub(high, high, low)
      mul(high, high, factor)
      add(low, low, high)
      if (left >= 8) {
        scatter(to + <usize>i * elementBytes, elementBytes, low)
        continue
      }
      scatter(slot(4), elementBytes, low)
      memory.copy(to + <usize>i * elementBytes, slot(4), <usize>(half - i) * elementBytes)
    }
  }
}

/**
 * `Σ_pairs a(x)·b(x) / 2^32` at x = 0, 2 and, if `degree` is 3, at 3; one element each into `out`.
 */
export function sumProducts(
  out: usize,
  a: usize,
  b: usize,
  lines: i32,
  length: i32,
  degree: i32,
): void {
  const left = slot(0)
  const right = slot(1)
  const leftHigh = slot(2)
  const rightHigh = slot(3)
  for (let k: usize = 8; k < 11; k++) clear(slot(k))
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i += 8) {
      let atA = a + <usize>(line * length + i) * elementBytes
      let atB = b + <usize>(line * length + i) * elementBytes
      if (length - i < 8) {
        atA = padded(4, atA, length - i)
        atB = padded(6, atB, length - i)
      }
      gather(left, atA, 2 * elementBytes)
      gather(right, atB, 2 * elementBytes)
      gather(leftHigh, atA + elementBytes, 2 * elementBytes)
      gather(rightHigh, atB + elementBytes, 2 * elementBytes)
      mul(slot(11), left, right)
      add(slot(8), slot(8), slot(11))
      // From x = 0 to the difference, then on from 1.
      sub(left, leftHigh, left)
      sub(right, rightHigh, right)
      for (let x = 2; x <= degree; x++) {
        add(leftHigh, leftHigh, left)
        add(rightHigh, rightHigh, right)
        mul(slot(11), leftHigh, rightHigh)
        add(slot(7 + x), slot(7 + x), slot(11))
      }
    }
  }
  for (let k = 0; k < degree; k++)
    sumOfLanes(out + <usize>k * elementBytes, slot(8 + k))
}

/** Adds `factors[row] · vector` (factors times `2^32`) to each row of a matrix of elements. */
export function addOuter(
  matrix: usize,
  rows: i32,
  cols: i32,
  stride: i32,
  factors: usize,
  vector: usize,
): void {
  const factor = slot(0)
  const part = slot(1)
  const sum = slot(2)
  for (let row = 0; row < rows; row++) {
    splat(factor, factors + <usize>row * elementBytes)
    const to = matrix + <usize>(row * stride) * elementBytes
    for (let col = 0; col < cols; col += 4) {
      const at = to + <usize>col * elementBytes
      const from = vector + <usize>col * elementBytes
      const left = cols - col
      if (left >= 4) {
        gather(part, from, elementBytes)
        gather(sum, at, elementBytes)
        mul(part, part, factor)
        add(sum, sum, part)
        scatter(at, elementBytes, sum)
        continue
      }
      gather(part, padded(4, from, left), elementBytes)
      gather(sum, padded(6, at, left), elementBytes)
      mul(part, part, factor)
      add(sum, sum, part)
      scatter(slot(4), elementBytes, sum)
      memory.copy(at, slot(4), <usize>left * elementBytes)
    }
  }
}
