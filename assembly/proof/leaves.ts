/**
 * Leaves of the fraction tree from integers.
 */
import { elementBytes, mulLanes, scatter, slot, subLanes } from './lanes'

const recordBytes: usize = 40

/** Four signed integers of magnitude below p, canonical; 0 where there is no vector. */
// @ts-ignore: decorator
@inline
function fieldAt(vector: usize, index: i32): v128 {
  if (vector == 0) return i32x4.splat(0)
  const raw = v128.load(vector + (<usize>index << 2))
  return v128.min<u32>(raw, v128.add<i32>(raw, i32x4.splat(0x78000001)))
}

/**
 * Records `(numerator, base − c1 − β·c2 − β²·c3)` of `lines × length` cells; lines of records are
 * padded to an even length by what `out` holds. An address of 0 stands for 1 as numerator, for 0 as
 * c2 and c3. Reads up to three cells past the last.
 *
 * @param constants - base; then β and β² times `2^32`: an element each.
 */
export function leaves(
  out: usize,
  lines: i32,
  length: i32,
  c1: usize,
  c2: usize,
  c3: usize,
  numerators: usize,
  constants: usize,
): void {
  for (let line = 0; line < lines; line++) {
    const to = out + <usize>(line * (length + (length & 1))) * recordBytes
    for (let i = 0; i < length; i += 4) {
      fourLeaves(line * length + i, c1, c2, c3, numerators, constants)
      const at = to + <usize>i * recordBytes
      if (length - i >= 4) {
        scatter(at, recordBytes, slot(0))
        scatter(at + elementBytes, recordBytes, slot(1))
        continue
      }
      scatter(slot(2), recordBytes, slot(0))
      scatter(slot(2) + elementBytes, recordBytes, slot(1))
      memory.copy(at, slot(2), <usize>(length - i) * recordBytes)
    }
  }
}

// @ts-ignore: decorator
@inline
function fourLeaves(
  cell: i32,
  c1: usize,
  c2: usize,
  c3: usize,
  numerators: usize,
  constants: usize,
): void {
  const second = fieldAt(c2, cell)
  const third = fieldAt(c3, cell)
  for (let k: usize = 0; k < 5; k++) {
    const at = constants + (k << 2)
    let sum = v128.load32_splat(at)
    if (c2 != 0) sum = subLanes(sum, mulLanes(second, v128.load32_splat(at + elementBytes)))
    if (c3 != 0) sum = subLanes(sum, mulLanes(third, v128.load32_splat(at + 2 * elementBytes)))
    if (k == 0) sum = subLanes(sum, fieldAt(c1, cell))
    v128.store(slot(1) + (k << 4), sum)
    v128.store(slot(0) + (k << 4), i32x4.splat(0))
  }
  v128.store(slot(0), numerators == 0 ? i32x4.splat(1) : fieldAt(numerators, cell))
}
