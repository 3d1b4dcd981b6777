/**
 * Four elements of E at a time. A slot is 80 bytes of scratch: five vectors, one for each power of x,
 * with one element to a lane. Words are canonical; a product carries a factor `2^−32` (Montgomery 1985),
 * so one factor comes multiplied by `2^32`, or the caller puts the power right at the end.
 */

/** `p`, its inverse modulo `2^32`, and `2^64 mod p`. */
const order: u32 = 0x78000001
const inverse: u32 = 0x88000001
const radixSquared: u32 = 1172168163
/** `2·p²`. */
const twoSquares: u64 = 8106479337319956482

/** Bytes of an element in memory. */
export const elementBytes: usize = 20
/** Bytes of a slot. */
export const slotBytes: usize = 80

/** This thread's slots. */
let scratch: usize = 0

export function setScratch(address: usize): void {
  scratch = address
}

// @ts-ignore: decorator
@inline
export function slot(index: usize): usize {
  return scratch + index * slotBytes
}

// @ts-ignore: decorator
@inline
export function addLanes(a: v128, b: v128): v128 {
  const sum = v128.add<i32>(a, b)
  return v128.min<u32>(sum, v128.sub<i32>(sum, i32x4.splat(order)))
}

// @ts-ignore: decorator
@inline
export function subLanes(a: v128, b: v128): v128 {
  const difference = v128.sub<i32>(a, b)
  return v128.min<u32>(difference, v128.add<i32>(difference, i32x4.splat(order)))
}

/** `sums / 2^32 mod p`, canonical, of four unsigned 64-bit sums in two vectors. */
// @ts-ignore: decorator
@inline
function reduce(low: v128, high: v128): v128 {
  const quotient = v128.mul<i32>(
    v128.shuffle<i32>(low, high, 0, 2, 4, 6),
    i32x4.splat(inverse),
  )
  const lowProduct = i64x2.extmul_low_i32x4_u(quotient, i32x4.splat(order))
  const highProduct = i64x2.extmul_high_i32x4_u(quotient, i32x4.splat(order))
  const multiple = v128.shuffle<i32>(lowProduct, highProduct, 1, 3, 5, 7)
  // Below 2^32 < 3p, so two steps make it canonical.
  let top = v128.shuffle<i32>(low, high, 1, 3, 5, 7)
  top = v128.min<u32>(top, v128.sub<i32>(top, i32x4.splat(order)))
  top = v128.min<u32>(top, v128.sub<i32>(top, i32x4.splat(order)))
  return subLanes(top, multiple)
}

/** `a·b / 2^32` in the base field. */
// @ts-ignore: decorator
@inline
export function mulLanes(a: v128, b: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(a, b)
  const high = i64x2.extmul_high_i32x4_u(a, b)
  const quotient = v128.mul<i32>(v128.mul<i32>(a, b), i32x4.splat(inverse))
  const lowProduct = i64x2.extmul_low_i32x4_u(quotient, i32x4.splat(order))
  const highProduct = i64x2.extmul_high_i32x4_u(quotient, i32x4.splat(order))
  return subLanes(
    v128.shuffle<i32>(low, high, 1, 3, 5, 7),
    v128.shuffle<i32>(lowProduct, highProduct, 1, 3, 5, 7),
  )
}

/** A sum with its top bit set loses `2p²`: then there is room for two more products. */
// @ts-ignore: decorator
@inline
export function roomFor(sum: v128): v128 {
  const full = v128.lt<i64>(sum, i64x2.splat(0))
  return v128.sub<i64>(sum, v128.and(full, i64x2.splat(twoSquares)))
}

/** `a0·b0 + … + a3·b3` of the low halves: just fits 64 bits. */
// @ts-ignore: decorator
@inline
function fourLow(
  a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128,
): v128 {
  return v128.add<i64>(
    v128.add<i64>(i64x2.extmul_low_i32x4_u(a0, b0), i64x2.extmul_low_i32x4_u(a1, b1)),
    v128.add<i64>(i64x2.extmul_low_i32x4_u(a2, b2), i64x2.extmul_low_i32x4_u(a3, b3)),
  )
}

// @ts-ignore: decorator
@inline
function fourHigh(
  a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128,
): v128 {
  return v128.add<i64>(
    v128.add<i64>(i64x2.extmul_high_i32x4_u(a0, b0), i64x2.extmul_high_i32x4_u(a1, b1)),
    v128.add<i64>(i64x2.extmul_high_i32x4_u(a2, b2), i64x2.extmul_high_i32x4_u(a3, b3)),
  )
}

/** `Σ a_i·b_i / 2^32` of five products. */
// @ts-ignore: decorator
@inline
function dot(
  a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128, a4: v128, b4: v128,
): v128 {
  const low = fourLow(a0, b0, a1, b1, a2, b2, a3, b3)
  const high = fourHigh(a0, b0, a1, b1, a2, b2, a3, b3)
  return reduce(
    v128.add<i64>(roomFor(low), i64x2.extmul_low_i32x4_u(a4, b4)),
    v128.add<i64>(roomFor(high), i64x2.extmul_high_i32x4_u(a4, b4)),
  )
}

/** Slot `to` becomes `a·b / 2^32`; it may be a factor. */
export function mul(to: usize, a: usize, b: usize): void {
  const a0 = v128.load(a)
  const a1 = v128.load(a, 16)
  const a2 = v128.load(a, 32)
  const a3 = v128.load(a, 48)
  const a4 = v128.load(a, 64)
  const b0 = v128.load(b)
  const b1 = v128.load(b, 16)
  const b2 = v128.load(b, 32)
  const b3 = v128.load(b, 48)
  const b4 = v128.load(b, 64)
  // x^5 = 2: terms that pass the top come back doubled.
  const d1 = addLanes(b1, b1)
  const d2 = addLanes(b2, b2)
  const d3 = addLanes(b3, b3)
  const d4 = addLanes(b4, b4)
  v128.store(to, dot(a0, b0, a1, d4, a2, d3, a3, d2, a4, d1))
  v128.store(to, dot(a0, b1, a1, b0, a2, d4, a3, d3, a4, d2), 16)
  v128.store(to, dot(a0, b2, a1, b1, a2, b0, a3, d4, a4, d3), 32)
  v128.store(to, dot(a0, b3, a1, b2, a2, b1, a3, b0, a4, d4), 48)
  v128.store(to, dot(a0, b4, a1, b3, a2, b2, a3, b1, a4, b0), 64)
}

/** The value of four unsigned 64-bit sums, canonical. */
// @ts-ignore: decorator
@inline
export function reduced(low: v128, high: v128): v128 {
  return mulLanes(reduce(low, high), i32x4.splat(radixSquared))
}

/** Two more products on both halves of a sum that has room for them. */
// @ts-ignore: decorator
@inline
function twoLow(sum: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.add<i64>(
    roomFor(sum),
    v128.add<i64>(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_low_i32x4_u(c, d)),
  )
}

// @ts-ignore: decorator
@inline
function twoHigh(sum: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.add<i64>(
    roomFor(sum),
    v128.add<i64>(i64x2.extmul_high_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(c, d)),
  )
}

/**
 * One coefficient of `a·b + c·d`: the factors of a's and c's coefficients, lowest first.
 */
// @ts-ignore: decorator
@inline
function pairDot(
  a: usize, c: usize,
  b0: v128, b1: v128, b2: v128, b3: v128, b4: v128,
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128,
): v128 {
  const a0 = v128.load(a)
  const a1 = v128.load(a, 16)
  const a2 = v128.load(a, 32)
  const a3 = v128.load(a, 48)
  const a4 = v128.load(a, 64)
  let low = fourLow(a0, b0, a1, b1, a2, b2, a3, b3)
  let high = fourHigh(a0, b0, a1, b1, a2, b2, a3, b3)
  const c0 = v128.load(c)
  low = twoLow(low, a4, b4, c0, d0)
  high = twoHigh(high, a4, b4, c0, d0)
  const c1 = v128.load(c, 16)
  const c2 = v128.load(c, 32)
  low = twoLow(low, c1, d1, c2, d2)
  high = twoHigh(high, c1, d1, c2, d2)
  const c3 = v128.load(c, 48)
  const c4 = v128.load(c, 64)
  return reduce(twoLow(low, c3, d3, c4, d4), twoHigh(high, c3, d3, c4, d4))
}

/** Slot `to` becomes `(a·b + c·d) / 2^32`; it may be any of them. */
export function mulAdd(to: usize, a: usize, b: usize, c: usize, d: usize): void {
  const b0 = v128.load(b)
  const b1 = v128.load(b, 16)
  const b2 = v128.load(b, 32)
  const b3 = v128.load(b, 48)
  const b4 = v128.load(b, 64)
  const d0 = v128.load(d)
  const d1 = v128.load(d, 16)
  const d2 = v128.load(d, 32)
  const d3 = v128.load(d, 48)
  const d4 = v128.load(d, 64)
  // x^5 = 2: terms that pass the top come back doubled.
  const bb1 = addLanes(b1, b1)
  const bb2 = addLanes(b2, b2)
  const bb3 = addLanes(b3, b3)
  const bb4 = addLanes(b4, b4)
  const dd1 = addLanes(d1, d1)
  const dd2 = addLanes(d2, d2)
  const dd3 = addLanes(d3, d3)
  const dd4 = addLanes(d4, d4)
  const r0 = pairDot(a, c, b0, bb4, bb3, bb2, bb1, d0, dd4, dd3, dd2, dd1)
  const r1 = pairDot(a, c, b1, b0, bb4, bb3, bb2, d1, d0, dd4, dd3, dd2)
  const r2 = pairDot(a, c, b2, b1, b0, bb4, bb3, d2, d1, d0, dd4, dd3)
  const r3 = pairDot(a, c, b3, b2, b1, b0, bb4, d3, d2, d1, d0, dd4)
  const r4 = pairDot(a, c, b4, b3, b2, b1, b0, d4, d3, d2, d1, d0)
  v128.store(to, r0)
  v128.store(to, r1, 16)
  v128.store(to, r2, 32)
  v128.store(to, r3, 48)
  v128.store(to, r4, 64)
}

// @ts-ignore: decorator
@inline
export function add(to: usize, a: usize, b: usize): void {
  for (let k: usize = 0; k < slotBytes; k += 16)
    v128.store(to + k, addLanes(v128.load(a + k), v128.load(b + k)))
}

// @ts-ignore: decorator
@inline
export function sub(to: usize, a: usize, b: usize): void {
  for (let k: usize = 0; k < slotBytes; k += 16)
    v128.store(to + k, subLanes(v128.load(a + k), v128.load(b + k)))
}

/** Multiplies by `2^32`: what a later product takes away. */
// @ts-ignore: decorator
@inline
export function raise(to: usize, a: usize): void {
  for (let k: usize = 0; k < slotBytes; k += 16)
    v128.store(to + k, mulLanes(v128.load(a + k), i32x4.splat(radixSquared)))
}

// @ts-ignore: decorator
@inline
export function clear(to: usize): void {
  for (let k: usize = 0; k < slotBytes; k += 16) v128.store(to + k, i32x4.splat(0))
}

/** Four elements that lie `stride` bytes apart. */
// @ts-ignore: decorator
@inline
export function gather(to: usize, from: usize, stride: usize): void {
  for (let k: usize = 0; k < 5; k++) {
    const at = from + (k << 2)
    let lanes = v128.load32_zero(at)
    lanes = v128.load_lane<i32>(at + stride, lanes, 1)
    lanes = v128.load_lane<i32>(at + 2 * stride, lanes, 2)
    lanes = v128.load_lane<i32>(at + 3 * stride, lanes, 3)
    v128.store(to + (k << 4), lanes)
  }
}

/** One element in all lanes. */
// @ts-ignore: decorator
@inline
export function splat(to: usize, from: usize): void {
  for (let k: usize = 0; k < 5; k++)
    v128.store(to + (k << 4), v128.load32_splat(from + (k << 2)))
}

// @ts-ignore: decorator
@inline
export function scatter(to: usize, stride: usize, from: usize): void {
  for (let k: usize = 0; k < 5; k++) {
    const lanes = v128.load(from + (k << 4))
    const at = to + (k << 2)
    v128.store_lane<i32>(at, lanes, 0)
    v128.store_lane<i32>(at + stride, lanes, 1)
    v128.store_lane<i32>(at + 2 * stride, lanes, 2)
    v128.store_lane<i32>(at + 3 * stride, lanes, 3)
  }
}

/** The sum of the four lanes, as an element in memory. */
export function sumOfLanes(to: usize, from: usize): void {
  for (let k: usize = 0; k < 5; k++) {
    const lanes = v128.load(from + (k << 4))
    const halves = addLanes(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1))
    const whole = addLanes(halves, v128.shuffle<i32>(halves, halves, 1, 0, 3, 2))
    store<u32>(to + (k << 2), <u32>v128.extract_lane<i32>(whole, 0))
  }
}
