/**
 * Words below p in 31 bits each, lowest bit first, end to end: a thirty-second less than words of their
 * own. Rule P-90 of docs/spec/proof.md.
 */
import { order } from './babyBear.ts'

const wordBits = 31

export function packedLength(words: number): number {
  return Math.ceil((wordBits * words) / 8)
}

export function packWords(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(packedLength(words.length))
  let at = 0
  let filled = 0
  /** Bits that wait for their byte; fewer than 8. */
  let pending = 0
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    // 31 bits behind fewer than 8: the lowest 32 of them, and up to 6 more.
    let low = (pending | (word << filled)) >>> 0
    const high = filled === 0 ? 0 : word >>> (32 - filled)
    let bits = filled + wordBits
    let above = high
    for (; bits >= 8; bits -= 8) {
      bytes[at++] = low
      low = ((low >>> 8) | (above << 24)) >>> 0
      above >>>= 8
    }
    pending = low
    filled = bits
  }
  if (filled > 0) bytes[at] = pending
  return bytes
}

/** Reads `amount` canonical words from {@link packedLength} bytes; the index of the first that is not. */
export function unpackWords(
  bytes: Uint8Array,
  amount: number,
): { readonly words: Uint32Array } | { readonly badWord: number } {
  // Words are read from four bytes and one more.
  const padded = new Uint8Array(bytes.length + 8)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  const words = new Uint32Array(amount)
  for (let i = 0; i < amount; i++) {
    const bit = (wordBits * i) % 8
    const at = (wordBits * i - bit) / 8
    const low = view.getUint32(at, true) >>> bit
    const word = (bit === 0 ? low : low | (padded[at + 4]! << (32 - bit))) & 0x7fffffff
    if (word >= order) return { badWord: i }
    words[i] = word
  }
  const spare = 8 * bytes.length - wordBits * amount
  if (spare > 0 && bytes.at(-1)! >>> (8 - spare) !== 0) return { badWord: amount }
  return { words }
}
