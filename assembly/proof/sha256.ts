/**
 * SHA-256 (FIPS 180-4) of four messages at a time, one to a lane.
 */
import { slot } from './lanes'

// biome-ignore format: a table
const rounds: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])

// @ts-ignore: decorator
@inline
export function constantAt(round: i32): u32 {
  return load<u32>(rounds + (<usize>round << 2))
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(v128.shr<u32>(x, bits), v128.shl<i32>(x, 32 - bits))
}

/** The message words of a block: 64 vectors; the state: 8 vectors. Both in this thread's slots. */
// @ts-ignore: decorator
@inline
function wordAt(index: i32): usize {
  return slot(0) + (<usize>index << 4)
}

// @ts-ignore: decorator
@inline
function stateAt(index: i32): usize {
  return slot(13) + (<usize>index << 4)
}

function begin(): void {
  v128.store(stateAt(0), i32x4.splat(0x6a09e667))
  v128.store(stateAt(1), i32x4.splat(0xbb67ae85))
  v128.store(stateAt(2), i32x4.splat(0x3c6ef372))
  v128.store(stateAt(3), i32x4.splat(0xa54ff53a))
  v128.store(stateAt(4), i32x4.splat(0x510e527f))
  v128.store(stateAt(5), i32x4.splat(0x9b05688c))
  v128.store(stateAt(6), i32x4.splat(0x1f83d9ab))
  v128.store(stateAt(7), i32x4.splat(0x5be0cd19))
}

/** Takes in the block whose first 16 words are in place. */
function compress(): void {
  for (let i = 16; i < 64; i++) {
    const x = v128.load(wordAt(i - 15))
    const y = v128.load(wordAt(i - 2))
    const s0 = v128.xor(v128.xor(rotate(x, 7), rotate(x, 18)), v128.shr<u32>(x, 3))
    const s1 = v128.xor(v128.xor(rotate(y, 17), rotate(y, 19)), v128.shr<u32>(y, 10))
    const older = v128.add<i32>(v128.load(wordAt(i - 16)), v128.load(wordAt(i - 7)))
    v128.store(wordAt(i), v128.add<i32>(v128.add<i32>(s0, s1), older))
  }
  let a = v128.load(stateAt(0))
  let b = v128.load(stateAt(1))
  let c = v128.load(stateAt(2))
  let d = v128.load(stateAt(3))
  let e = v128.load(stateAt(4))
  let f = v128.load(stateAt(5))
  let g = v128.load(stateAt(6))
  let h = v128.load(stateAt(7))
  for (let i = 0; i < 64; i++) {
    const s1 = v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25))
    const choice = v128.xor(g, v128.and(e, v128.xor(f, g)))
    const constant = v128.load32_splat(rounds + (<usize>i << 2))
    const fresh = v128.add<i32>(constant, v128.load(wordAt(i)))
    const t1 = v128.add<i32>(v128.add<i32>(h, s1), v128.add<i32>(choice, fresh))
    const s0 = v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22))
    const majority = v128.or(v128.and(a, b), v128.and(c, v128.or(a, b)))
    h = g
    g = f
    f = e
    e = v128.add<i32>(d, t1)
    d = c
    c = b
    b = a
    a = v128.add<i32>(t1, v128.add<i32>(s0, majority))
  }
  accumulate(0, a)
  accumulate(1, b)
  accumulate(2, c)
  accumulate(3, d)
  accumulate(4, e)
  accumulate(5, f)
  accumulate(6, g)
  accumulate(7, h)
}

// @ts-ignore: decorator
@inline
function accumulate(index: i32, value: v128): void {
  v128.store(stateAt(index), v128.add<i32>(v128.load(stateAt(index)), value))
}

// @ts-ignore: decorator
@inline
function swapBytes(x: v128): v128 {
  return v128.shuffle<i8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

/** Ends the messages of `bytes` bytes; `filled` words of the last block are in place, padding begun. */
function finish(filled: i32, bytes: u32): void {
  let next = filled
  if (next > 14) {
    for (; next < 16; next++) v128.store(wordAt(next), i32x4.splat(0))
    compress()
    next = 0
  }
  for (; next < 14; next++) v128.store(wordAt(next), i32x4.splat(0))
  v128.store(wordAt(14), i32x4.splat(<i32>(bytes >> 29)))
  v128.store(wordAt(15), i32x4.splat(<i32>(bytes << 3)))
  compress()
}

/** Writes the digests of the first `lanes` messages end to end. */
function writeDigests(to: usize, lanes: i32): void {
  for (let i = 0; i < 8; i++) {
    const word = swapBytes(v128.load(stateAt(i)))
    const at = to + (<usize>i << 2)
    v128.store_lane<i32>(at, word, 0)
    if (lanes > 1) v128.store_lane<i32>(at + 32, word, 1)
    if (lanes > 2) v128.store_lane<i32>(at + 64, word, 2)
    if (lanes > 3) v128.store_lane<i32>(at + 96, word, 3)
  }
}

/** Bytes of what four unfinished columns hold: eight words of state and the word before, each in four lanes. */
const heldBytes: usize = 144

/**
 * `SHA256(0x00 ‖ column)` of each column of a matrix of words: `rows` words of 4 bytes, little-endian.
 * `length`, the number of columns, is a multiple of 4; rows lie `stride` words apart.
 *
 * A matrix may come in blocks of rows, all but the last of a multiple of 16: `done` rows came before.
 *
 * @param out - digests, of the last block; else 0. @param held - between blocks; 0 if there is one alone.
 */
export function hashColumns(
  out: usize,
  code: usize,
  rows: i32,
  length: i32,
  stride: i32,
  held: usize,
  done: i32,
): void {
  for (let column = 0; column < length; column += 4) {
    const kept = held + <usize>(column >> 2) * heldBytes
    let before = i32x4.splat(0)
    if (done == 0) begin()
    else {
      for (let i = 0; i < 8; i++) v128.store(stateAt(i), v128.load(kept + (<usize>i << 4)))
      before = v128.load(kept, 128)
    }
    let filled = 0
    let from = code + (<usize>column << 2)
    for (let row = 0; row < rows; row++) {
      const word = v128.load(from)
      from += <usize>stride << 2
      // One byte late: the leading zero is the first.
      put(filled, v128.or(v128.shl<i32>(before, 24), v128.shr<u32>(swapBytes(word), 8)))
      before = v128.shr<u32>(word, 24)
      filled++
      if (filled == 16) {
        compress()
        filled = 0
      }
    }
    if (out == 0) {
      for (let i = 0; i < 8; i++) v128.store(kept + (<usize>i << 4), v128.load(stateAt(i)))
      v128.store(kept, before, 128)
      continue
    }
    put(filled, v128.or(v128.shl<i32>(before, 24), i32x4.splat(0x800000)))
    finish(filled + 1, 1 + 4 * (done + rows))
    writeDigests(out + (<usize>column << 5), 4)
  }
}

// @ts-ignore: decorator
@inline
function put(index: i32, words: v128): void {
  v128.store(wordAt(index), words)
}

/** `SHA256(0x01 ‖ left ‖ right)` of `pairs` pairs of digests that lie end to end. Reads up to 4 pairs. */
export function hashPairs(out: usize, digests: usize, pairs: i32): void {
  for (let pair = 0; pair < pairs; pair += 4) {
    begin()
    const from = digests + (<usize>pair << 6)
    let before = i32x4.splat(1)
    for (let i = 0; i < 16; i++) {
      const at = from + (<usize>i << 2)
      let word = v128.load32_zero(at)
      word = v128.load_lane<i32>(at + 64, word, 1)
      word = v128.load_lane<i32>(at + 128, word, 2)
      word = v128.load_lane<i32>(at + 192, word, 3)
      put(i, v128.or(v128.shl<i32>(before, 24), v128.shr<u32>(swapBytes(word), 8)))
      before = v128.shr<u32>(word, 24)
    }
    compress()
    put(0, v128.or(v128.shl<i32>(before, 24), i32x4.splat(0x800000)))
    finish(1, 65)
    writeDigests(out + (<usize>pair << 5), min(4, pairs - pair))
  }
}
