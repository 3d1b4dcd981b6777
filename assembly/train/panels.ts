/**
 * Storing a tile of 4 rows by 8 columns of int8 values (held as int16x8 rows) into packed operands.
 *
 * A matrix `[R, C]` is packed for the product that contracts over its columns ("rows", each row is an
 * output) or over its rows ("cols"), as a left or a right operand. `R` is a multiple of 4, `C` of 8;
 * as a right operand contracted over columns, `R` too is padded to a multiple of 8.
 *
 *   rowsLeft   panel of 4 rows, 8·C bytes      colsLeft   panel of 4 columns, 8·R bytes
 *   rowsRight  panel of 8 rows, 8·C bytes      colsRight  panel of 8 columns, 8·R bytes
 */

/** Place of the tile at (`row`, `column`) in a left operand contracted over `columns`. */
// @ts-ignore: decorator
@inline
export function rowsLeftAt(base: usize, row: i32, column: i32, columns: i32): usize {
  return base + (<usize>row >> 2) * (<usize>columns << 3) + (<usize>column << 3)
}

/** Place of the tile's first four columns in a left operand contracted over `rows`. */
// @ts-ignore: decorator
@inline
export function colsLeftAt(base: usize, row: i32, column: i32, rows: i32): usize {
  return base + (<usize>column >> 2) * (<usize>rows << 3) + (<usize>row << 3)
}

/** Place of the tile in a right operand contracted over `rows`. */
// @ts-ignore: decorator
@inline
export function colsRightAt(base: usize, row: i32, column: i32, rows: i32): usize {
  return base + (<usize>column >> 3) * (<usize>rows << 3) + (<usize>row << 3)
}

/** Place of the tile in a right operand contracted over `columns`; two tiles share its panel. */
// @ts-ignore: decorator
@inline
export function rowsRightAt(base: usize, row: i32, column: i32, columns: i32): usize {
  const panel = base + (<usize>row >> 3) * (<usize>columns << 3)
  return panel + (<usize>column << 3) + ((<usize>row & 4) << 1)
}

/** 64 bytes: for each pair of columns, the pair of each row. A transposition of 32-bit units. */
// @ts-ignore: decorator
@inline
export function storeRowsLeft(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5)
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5)
  const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7)
  const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
  v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 48)
}

/** 32 bytes in each of two panels, `stride` apart: for each pair of rows, the pair of each column. */
// @ts-ignore: decorator
@inline
export function storeColsLeft(
  to: usize,
  stride: usize,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
): void {
  v128.store(to, v128.shuffle<i16>(r0, r1, 0, 8, 1, 9, 2, 10, 3, 11))
  v128.store(to, v128.shuffle<i16>(r2, r3, 0, 8, 1, 9, 2, 10, 3, 11), 16)
  to += stride
  v128.store(to, v128.shuffle<i16>(r0, r1, 4, 12, 5, 13, 6, 14, 7, 15))
  v128.store(to, v128.shuffle<i16>(r2, r3, 4, 12, 5, 13, 6, 14, 7, 15), 16)
}

/** 32 bytes: for each pair of rows, the pair of each column, as int8. */
// @ts-ignore: decorator
@inline
export function storeColsRight(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const n01 = i8x16.narrow_i16x8_s(r0, r1)
  const n23 = i8x16.narrow_i16x8_s(r2, r3)
  v128.store(to, v128.shuffle<i8>(n01, n01, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15))
  v128.store(
    to,
    v128.shuffle<i8>(n23, n23, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15),
    16,
  )
}

/** Half of each of four 16-byte pieces: for each pair of columns, the pair of each row, as int8. */
// @ts-ignore: decorator
@inline
export function storeRowsRight(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const n01 = i8x16.narrow_i16x8_s(r0, r1)
  const n23 = i8x16.narrow_i16x8_s(r2, r3)
  const low = v128.shuffle<i16>(n01, n23, 0, 4, 8, 12, 1, 5, 9, 13)
  const high = v128.shuffle<i16>(n01, n23, 2, 6, 10, 14, 3, 7, 11, 15)
  v128.store_lane<i64>(to, low, 0)
  v128.store_lane<i64>(to, low, 1, 16)
  v128.store_lane<i64>(to, high, 0, 32)
  v128.store_lane<i64>(to, high, 1, 48)
}
