/**
 * Words below p in 31 bits each, lowest bit first, end to end: a thirty-second less than words of their
 * own. Rule P-90 of docs/spec/proof.md.
 */
import { littleEndian, order } from './babyBear.ts'

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
  const packed = wholeWords(bytes)
  const words = new Uint32Array(amount)
  for (let i = 0; i < amount; i++) {
    // Word i begins i bits before word i of 32 bits.
    const at = i - ((i + 31) >>> 5)
    const bit = (32 - (i & 31)) & 31
    const low = packed[at]! >>> bit
    const word = (bit < 2 ? low : low | (packed[at + 1]! << (32 - bit))) & 0x7fffffff
    if (word >= order) return { badWord: i }
    words[i] = word
  }
  const spare = 8 * bytes.length - wordBits * amount
  if (spare > 0 && bytes.at(-1)! >>> (8 - spare) !== 0) return { badWord: amount }
  return { words }
}

/** Little-endian words of the bytes, and at least one of zeros. */
function wholeWords(bytes: Uint8Array): Uint32Array {
  const padded = new Uint8Array(4 * Math.ceil(bytes.length / 4) + 4)
  padded.set(bytes)
  if (littleEndian) return new Uint32Array(padded.buffer)
  const view = new DataView(padded.buffer)
  return Uint32Array.from({ length: padded.length / 4 }, (_, i) => view.getUint32(4 * i, true))
}
