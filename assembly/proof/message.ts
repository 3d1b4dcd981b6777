/**
 * SHA-256 (FIPS 180-4) of one message, for the many short ones of a transcript.
 */
import { constantAt } from './sha256'
import { slot } from './lanes'

// @ts-ignore: decorator
@inline
function rotate(x: u32, bits: u32): u32 {
  return rotr<u32>(x, bits)
}

/** Takes in the block at `from`; the state lies at `state`, 16 words of schedule at `words`. */
function compressOne(state: usize, words: usize, from: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(words + i, bswap<u32>(load<u32>(from + i)))
  let a = load<u32>(state)
  let b = load<u32>(state, 4)
  let c = load<u32>(state, 8)
  let d = load<u32>(state, 12)
  let e = load<u32>(state, 16)
  let f = load<u32>(state, 20)
  let g = load<u32>(state, 24)
  let h = load<u32>(state, 28)
  for (let i = 0; i < 64; i++) {
    const at = words + (<usize>(i & 15) << 2)
    let word = load<u32>(at)
    if (i >= 16) {
      const x = load<u32>(words + (<usize>((i + 1) & 15) << 2))
      const y = load<u32>(words + (<usize>((i + 14) & 15) << 2))
      word += rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)
      word += rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10)
      word += load<u32>(words + (<usize>((i + 9) & 15) << 2))
      store<u32>(at, word)
    }
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const t1 = h + s1 + (g ^ (e & (f ^ g))) + constantAt(i) + word
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const t2 = s0 + ((a & b) | (c & (a | b)))
    h = g
    g = f
    f = e
    e = d + t1
    d = c
    c = b
    b = a
    a = t1 + t2
  }
  store<u32>(state, load<u32>(state) + a)
  store<u32>(state, load<u32>(state, 4) + b, 4)
  store<u32>(state, load<u32>(state, 8) + c, 8)
  store<u32>(state, load<u32>(state, 12) + d, 12)
  store<u32>(state, load<u32>(state, 16) + e, 16)
  store<u32>(state, load<u32>(state, 20) + f, 20)
  store<u32>(state, load<u32>(state, 24) + g, 24)
  store<u32>(state, load<u32>(state, 28) + h, 28)
}

/** The digest of `length` bytes at `from`, which may be overwritten from there on by 128 bytes more. */
export function hashMessage(out: usize, from: usize, length: u32): void {
  const state = slot(0)
  const words = slot(1)
  store<u32>(state, 0x6a09e667)
  store<u32>(state, 0xbb67ae85, 4)
  store<u32>(state, 0x3c6ef372, 8)
  store<u32>(state, 0xa54ff53a, 12)
  store<u32>(state, 0x510e527f, 16)
  store<u32>(state, 0x9b05688c, 20)
  store<u32>(state, 0x1f83d9ab, 24)
  store<u32>(state, 0x5be0cd19, 28)
  const end = from + length
  const padded = ((length + 9 + 63) >> 6) << 6
  memory.fill(end, 0, <usize>(padded - length))
  store<u8>(end, 0x80)
  store<u32>(from + padded - 8, bswap<u32>(length >> 29))
  store<u32>(from + padded - 4, bswap<u32>(length << 3))
  for (let at: usize = 0; at < padded; at += 64) compressOne(state, words, from + at)
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)))
}
