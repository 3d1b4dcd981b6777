/**
 * Reed–Solomon rows: number-theoretic transforms in the base field, in place.
 */
import { addLanes, mulLanes, subLanes } from './lanes'

/**
 * Stages of half-widths from `first` up to half of `size`, on bit-reversed values.
 *
 * @param twiddles - of all stages, times `2^32`: that of half-width h takes words `[h, 2h)`.
 */
function transform(values: usize, size: i32, first: i32, twiddles: usize): void {
  let half = first
  for (; half < min(4, size); half <<= 1) narrowStage(values, size, half, twiddles)
  for (; half << 2 <= size; half <<= 2) twoStages(values, size, half, twiddles)
  if (half < size) oneStage(values, size, half, twiddles)
}

/** The stage of half-width `half`, a multiple of 4. */
function oneStage(values: usize, size: i32, half: i32, twiddles: usize): void {
  const bytes = <usize>half << 2
  for (let start = values; start < values + (<usize>size << 2); start += bytes << 1) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const low = v128.load(start + i)
      const term = mulLanes(v128.load(start + bytes + i), v128.load(twiddles + bytes + i))
      v128.store(start + i, addLanes(low, term))
      v128.store(start + bytes + i, subLanes(low, term))
    }
  }
}

/** The stages of half-widths `half`, a multiple of 4, and twice that, in one pass. */
function twoStages(values: usize, size: i32, half: i32, twiddles: usize): void {
  const bytes = <usize>half << 2
  for (let start = values; start < values + (<usize>size << 2); start += bytes << 2) {
    for (let i: usize = 0; i < bytes; i += 16) {
      const at0 = start + i
      const at1 = at0 + bytes
      const at2 = at1 + bytes
      const at3 = at2 + bytes
      const narrow = v128.load(twiddles + bytes + i)
      const wide = twiddles + (bytes << 1) + i
      const x0 = v128.load(at0)
      const x1 = mulLanes(v128.load(at1), narrow)
      const x2 = v128.load(at2)
      const x3 = mulLanes(v128.load(at3), narrow)
      const y0 = addLanes(x0, x1)
      const y1 = subLanes(x0, x1)
      const y2 = mulLanes(addLanes(x2, x3), v128.load(wide))
      const y3 = mulLanes(subLanes(x2, x3), v128.load(wide + bytes))
      v128.store(at0, addLanes(y0, y2))
      v128.store(at1, addLanes(y1, y3))
      v128.store(at2, subLanes(y0, y2))
      v128.store(at3, subLanes(y1, y3))
    }
  }
}

/** Half-widths 1 and 2, four values at a time. */
function narrowStage(values: usize, size: i32, half: i32, twiddles: usize): void {
  const one = v128.load32_splat(twiddles + 4)
  const two = v128.load64_splat(twiddles + 8)
  for (let at = values; at < values + (<usize>size << 2); at += 16) {
    const all = v128.load(at)
    if (half == 1) {
      const low = v128.shuffle<i32>(all, all, 0, 0, 2, 2)
      const term = mulLanes(v128.shuffle<i32>(all, all, 1, 1, 3, 3), one)
      v128.store(at, v128.shuffle<i32>(addLanes(low, term), subLanes(low, term), 0, 5, 2, 7))
    } else {
      const low = v128.shuffle<i32>(all, all, 0, 1, 0, 1)
      const term = mulLanes(v128.shuffle<i32>(all, all, 2, 3, 2, 3), two)
      v128.store(at, v128.shuffle<i32>(addLanes(low, term), subLanes(low, term), 0, 1, 6, 7))
    }
  }
}

/**
 * The first values: coefficient `order[g]` (0 if there is none) in `run` places, for each group g. Coefficients are signed,
 * of magnitude below p.
 */
function spread(
  values: usize,
  groups: i32,
  run: i32,
  order: usize,
  coefficients: usize,
  length: u32,
): void {
  let to = values
  for (let group = 0; group < groups; group++) {
    const source = load<u32>(order + (<usize>group << 2))
    let value = source < length ? load<i32>(coefficients + (<usize>source << 2)) : 0
    if (value < 0) value += 0x78000001
    for (let i = 0; i < run; i++) {
      store<i32>(to, value)
      to += 4
    }
  }
}

/** The code words of `rows` messages of `width` coefficients, `stride` words apart. */
export function encodeRows(
  out: usize,
  size: i32,
  rows: i32,
  messages: usize,
  width: i32,
  run: i32,
  order: usize,
  twiddles: usize,
  stride: i32,
): void {
  for (let row = 0; row < rows; row++) {
    const to = out + (<usize>(row * stride) << 2)
    spread(to, size / run, run, order, messages + (<usize>(row * width) << 2), width)
    transform(to, size, run, twiddles)
  }
}

/**
 * Adds `weights[k] · values` (weights times `2^32`) to five planes of `width` words. Values are signed
 * integers of magnitude below p.
 */
export function addWeighted(
  planes: usize,
  width: i32,
  to: i32,
  values: usize,
  length: i32,
  weights: usize,
): void {
  for (let i = 0; i < length; i += 4) {
    const left = length - i
    const from = values + (<usize>i << 2)
    let raw = i32x4.splat(0)
    if (left >= 4) raw = v128.load(from)
    else {
      raw = v128.load32_zero(from)
      if (left > 1) raw = v128.load_lane<i32>(from + 4, raw, 1)
      if (left > 2) raw = v128.load_lane<i32>(from + 8, raw, 2)
    }
    const value = v128.min<u32>(raw, v128.add<i32>(raw, i32x4.splat(0x78000001)))
    for (let k: usize = 0; k < 5; k++) {
      const at = planes + ((<usize>width * k + <usize>(to + i)) << 2)
      const part = mulLanes(value, v128.load32_splat(weights + (k << 2)))
      if (left >= 4) {
        v128.store(at, addLanes(v128.load(at), part))
        continue
      }
      for (let j = 0; j < left; j++) {
        const sum = load<u32>(at + (<usize>j << 2)) + lane(part, j)
        store<u32>(at + (<usize>j << 2), sum >= 0x78000001 ? sum - 0x78000001 : sum)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function lane(vector: v128, index: i32): u32 {
  if (index == 0) return <u32>v128.extract_lane<i32>(vector, 0)
  if (index == 1) return <u32>v128.extract_lane<i32>(vector, 1)
  return <u32>v128.extract_lane<i32>(vector, 2)
}
