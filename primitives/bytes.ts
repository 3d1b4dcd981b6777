/**
 * Byte strings: hexadecimal text, comparison and fixed-width integers.
 */
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { invariant, ok, type Result, refuse } from './result.ts'

export { concatBytes, utf8ToBytes }

/** Lowercase or mixed-case hexadecimal with a `0x` prefix. */
export type Hex = `0x${string}`

export type HexFault = {
  readonly code: 'hex/malformed'
  readonly got: string
  readonly maxBytes: number
}

/** `bytes` as lowercase 0x-hex. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`
}

/** Bytes of hex that this program made itself; text from outside goes through {@link parseHex}. */
export function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex.startsWith('0x') ? hex.slice(2) : hex)
}

/** The door for hexadecimal text from outside: even length, `0x` prefix, at most `maxBytes`. */
export function parseHex(text: string, maxBytes: number): Result<Uint8Array, HexFault> {
  const fits = text.length <= 2 + 2 * maxBytes && text.length % 2 === 0
  return fits && /^0x[0-9a-fA-F]*$/.test(text)
    ? ok(hexToBytes(text.slice(2)))
    : refuse({ code: 'hex/malformed', got: text.slice(0, 80), maxBytes })
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A plain copy without `Buffer`'s aliasing `slice`: what the disk and sockets hand out passes here. */
export function plainBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}

/** Big-endian unsigned integer of exactly `width` bytes. */
export function uintBytes(value: bigint | number, width: number): Uint8Array {
  if (width === 4 && typeof value === 'number' && value >>> 0 === value) return wordBytes(value)
  let rest = BigInt(value)
  invariant(rest >= 0n && rest < 1n << BigInt(8 * width), `uintBytes: ${value} in ${width} bytes`)
  const bytes = new Uint8Array(width)
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The case of lengths and counts, without big integers. */
function wordBytes(word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word)
}

/** The big-endian unsigned integer that `bytes` spell; empty is zero. */
export function bytesToUint(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytesToHex(bytes)}`)
}
