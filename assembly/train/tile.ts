/**
 * The inner loop of every product: a tile of 4 by 8 sums over one contraction.
 *
 * Operands are packed in panels so that the loop reads both strictly forward. Along the contraction
 * they go in pairs, because one `i32x4.dot_i16x8_s` multiplies and adds a pair for each of four sums:
 *
 *   left panel   [pairs][4 rows][2]     int16, 16 bytes a pair, each row's pair splat over a vector
 *   right panel  [pairs][8 columns][2]  int8,  16 bytes a pair, widened as it is loaded
 *
 * Exact: a pair of products is at most 2 · 127², and a contraction of 61,440 stays below 2^30. Plain
 * SIMD128 on purpose: the relaxed int8 dot product measured no faster (27 against 37 GMAC/s for this loop on a Zen 3 core),
 * and needs one operand to be non-negative.
 */

/** Where {@link dotTile} leaves its sums: 128 bytes of this thread's own. Set once per instance. */
export let scratch: usize = 0

export function setScratch(address: usize): void {
  scratch = address
}

/** Sums `[4, 8]` int32, row-major, of one left and one right panel, into {@link scratch}. */
export function dotTile(left: usize, right: usize, pairs: i32): void {
  let c00 = i32x4.splat(0)
  let c01 = i32x4.splat(0)
  let c10 = i32x4.splat(0)
  let c11 = i32x4.splat(0)
  let c20 = i32x4.splat(0)
  let c21 = i32x4.splat(0)
  let c30 = i32x4.splat(0)
  let c31 = i32x4.splat(0)
  const end = left + (<usize>pairs << 4)
  while (left < end) {
    const b0 = v128.load_ext<i8>(right)
    const b1 = v128.load_ext<i8>(right, 8)
    let x = v128.load32_splat(left)
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x, b0))
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x, b1))
    x = v128.load32_splat(left, 4)
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x, b0))
    c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x, b1))
    x = v128.load32_splat(left, 8)
    c20 = i32x4.add(c20, i32x4.dot_i16x8_s(x, b0))
    c21 = i32x4.add(c21, i32x4.dot_i16x8_s(x, b1))
    x = v128.load32_splat(left, 12)
    c30 = i32x4.add(c30, i32x4.dot_i16x8_s(x, b0))
    c31 = i32x4.add(c31, i32x4.dot_i16x8_s(x, b1))
    left += 16
    right += 16
  }
  const to = scratch
  v128.store(to, c00)
  v128.store(to, c01, 16)
  v128.store(to, c10, 32)
  v128.store(to, c11, 48)
  v128.store(to, c20, 64)
  v128.store(to, c21, 80)
  v128.store(to, c30, 96)
  v128.store(to, c31, 112)
}
