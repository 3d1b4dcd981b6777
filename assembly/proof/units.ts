/**
 * Lookups that count 1 each: their leaves are known by denominators alone, even and odd ones in vectors
 * of their own.
 */
import {
  add,
  clear,
  elementBytes,
  gather,
  mul,
  mulLanes,
  raise,
  scatter,
  slot,
  splat,
  sub,
  subLanes,
  sumOfLanes,
} from './lanes'

const recordBytes: usize = 40

/** Every second of eight signed integers of magnitude below p, canonical. */
// @ts-ignore: decorator
@inline
function everySecond(from: usize, odd: bool): v128 {
  const low = v128.load(from)
  const high = v128.load(from, 16)
  const raw = odd ? v128.shuffle<i32>(low, high, 1, 3, 5, 7) : v128.shuffle<i32>(low, high, 0, 2, 4, 6)
  return v128.min<u32>(raw, v128.add<i32>(raw, i32x4.splat(0x78000001)))
}

/**
 * `base − w1·c1 − w2·c2 − w3·c3` of each cell; of even cells into `evens`, of odd ones into `odds`.
 * Lines are of `length` cells, an even number. An address of 0 stands for a column of zeros. Reads up
 * to seven cells past the last.
 *
 * @param constants - base; then w1, w2, w3 times `2^32`: an element each.
 */
export function fillUnits(
  evens: usize,
  odds: usize,
  cells: i32,
  c1: usize,
  c2: usize,
  c3: usize,
  constants: usize,
): void {
  for (let cell = 0; cell < cells; cell += 8) {
    const pairs = min(4, (cells - cell) >> 1)
    const at = <usize>(cell >> 1) * elementBytes
    fillFour(evens + at, pairs, cell, false, c1, c2, c3, constants)
    fillFour(odds + at, pairs, cell, true, c1, c2, c3, constants)
  }
}

// @ts-ignore: decorator
@inline
function fillFour(
  to: usize,
  amount: i32,
  cell: i32,
  odd: bool,
  c1: usize,
  c2: usize,
  c3: usize,
  constants: usize,
): void {
  const bytes = <usize>cell << 2
  const first = everySecond(c1 + bytes, odd)
  let second = i32x4.splat(0)
  let third = second
  if (c2 != 0) second = everySecond(c2 + bytes, odd)
  if (c3 != 0) third = everySecond(c3 + bytes, odd)
  for (let k: usize = 0; k < 5; k++) {
    const at = constants + (k << 2)
    let sum = v128.load32_splat(at)
    sum = subLanes(sum, mulLanes(first, v128.load32_splat(at + elementBytes)))
    if (c2 != 0) sum = subLanes(sum, mulLanes(second, v128.load32_splat(at + 2 * elementBytes)))
    if (c3 != 0) sum = subLanes(sum, mulLanes(third, v128.load32_splat(at + 3 * elementBytes)))
    v128.store(slot(0) + (k << 4), sum)
  }
  if (amount == 4) {
    scatter(to, elementBytes, slot(0))
    return
  }
  scatter(slot(1), elementBytes, slot(0))
  memory.copy(to, slot(1), <usize>amount * elementBytes)
}

/** Up to four elements at slot `index`. */
// @ts-ignore: decorator
@inline
function fewer(index: usize, from: usize, elements: i32): usize {
  const to = slot(index)
  clear(to)
  memory.copy(to, from, <usize>elements * elementBytes)
  return to
}

/**
 * Records `(even + odd, even·odd)`, in lines of `length` padded to an even number by what `out` holds.
 */
export function combinePairs(
  out: usize,
  evens: usize,
  odds: usize,
  lines: i32,
  length: i32,
): void {
  for (let line = 0; line < lines; line++) {
    const to = out + <usize>(line * (length + (length & 1))) * recordBytes
    const from = <usize>(line * length) * elementBytes
    for (let i = 0; i < length; i += 4) {
      const left = length - i
      const at = from + <usize>i * elementBytes
      gather(slot(0), left < 4 ? fewer(4, evens + at, left) : evens + at, elementBytes)
      gather(slot(1), left < 4 ? fewer(5, odds + at, left) : odds + at, elementBytes)
      add(slot(2), slot(0), slot(1))
      raise(slot(0), slot(0))
      mul(slot(0), slot(0), slot(1))
      const record = to + <usize>i * recordBytes
      const place = left < 4 ? slot(6) : record
      scatter(place, recordBytes, slot(2))
      scatter(place + elementBytes, recordBytes, slot(0))
      if (left < 4) memory.copy(record, place, <usize>left * recordBytes)
    }
  }
}

/** Up to eight elements at slot `index`, missing ones as given. */
function padded(index: usize, from: usize, elements: i32, missing: usize): usize {
  const to = slot(index)
  memory.copy(to, from, <usize>elements * elementBytes)
  for (let i = elements; i < 8; i++)
    memory.copy(to + <usize>i * elementBytes, missing, elementBytes)
  return to
}

/**
 * `Σ_lines ofLine · Σ_pairs inLine · even·odd` at 0 and of the leading coefficient, both over `2^96`;
 * two elements into `out`.
 *
 * @param missing - the element that takes the place of a missing partner.
 */
export function sumPairs(
  out: usize,
  evens: usize,
  odds: usize,
  lines: i32,
  length: i32,
  inLine: usize,
  ofLine: usize,
  missing: usize,
): void {
  const left = slot(0)
  const right = slot(1)
  const high = slot(2)
  clear(slot(9))
  clear(slot(10))
  for (let line = 0; line < lines; line++) {
    clear(slot(7))
    clear(slot(8))
    for (let i = 0; i < length; i += 8) {
      const rest = length - i
      const offset = <usize>(line * length + i) * elementBytes
      let a = evens + offset
      let b = odds + offset
      let weights = inLine + <usize>(i >> 1) * elementBytes
      if (rest < 8) {
        a = padded(12, a, rest, missing)
        b = padded(14, b, rest, missing)
        weights = fewer(11, weights, (rest + 1) >> 1)
      }
      gather(left, a, 2 * elementBytes)
      gather(right, b, 2 * elementBytes)
      gather(slot(3), weights, elementBytes)
      mul(slot(4), left, right)
      mul(slot(4), slot(4), slot(3))
      add(slot(7), slot(7), slot(4))
      gather(high, a + elementBytes, 2 * elementBytes)
      sub(left, high, left)
      gather(high, b + elementBytes, 2 * elementBytes)
      sub(right, high, right)
      mul(slot(4), left, right)
      mul(slot(4), slot(4), slot(3))
      add(slot(8), slot(8), slot(4))
    }
    splat(slot(0), ofLine + <usize>line * elementBytes)
    mul(slot(7), slot(7), slot(0))
    add(slot(9), slot(9), slot(7))
    mul(slot(8), slot(8), slot(0))
    add(slot(10), slot(10), slot(8))
  }
  sumOfLanes(out, slot(9))
  sumOfLanes(out + elementBytes, slot(10))
}
