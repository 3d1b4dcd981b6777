/**
 * Parsers of arguments: a wrong one is a usage error that names what was wanted.
 */
import { InvalidArgumentError } from 'commander'
import { parseEther } from 'viem'
import { type Address, parseAddress } from '../primitives/address.ts'
import { type Hex, parseHex } from '../primitives/bytes.ts'
import { type Hash, parseHash } from '../primitives/hash.ts'

/** A whole number in [min, max]. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
  }
}

/** A number above 0 with a fraction, e.g. of epochs. */
export function positiveNumber(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value < 2 ** 31) return value
  throw new InvalidArgumentError('Expected a number above 0.')
}

/** Wei, all digits. */
export function weiAmount(text: string): bigint {
  if (/^\d{1,39}$/.test(text)) return BigInt(text)
  throw new InvalidArgumentError('Expected a whole number of wei.')
}

/** Coins with up to 18 decimals, as wei. */
export function coinAmount(text: string): bigint {
  if (/^\d{1,21}(\.\d{1,18})?$/.test(text)) return parseEther(text)
  throw new InvalidArgumentError('Expected coins, such as 12 or 0.5.')
}

/** A percentage with up to two decimals, as basis points. */
export function percentAmount(text: string): number {
  const value = /^\d{1,3}(\.\d{1,2})?$/.test(text) ? Math.round(Number(text) * 100) : Number.NaN
  if (value <= 10_000) return value
  throw new InvalidArgumentError('Expected a percentage from 0 to 100, such as 5 or 2.5.')
}

/** `bytes` bytes of hex. */
export function hexArgument(bytes: number): (text: string) => Hex {
  return (text) => {
    const parsed = parseHex(text, bytes)
    if (parsed.ok && parsed.value.length === bytes) return text.toLowerCase() as Hex
    throw new InvalidArgumentError(`Expected ${bytes} bytes of 0x hex.`)
  }
}

export function hashArgument(text: string): Hash {
  const parsed = parseHash(text.toLowerCase())
  if (parsed.ok) return parsed.value
  throw new InvalidArgumentError('Expected 32 bytes as 0x and 64 hex digits.')
}

export function addressArgument(text: string): Address {
  const parsed = parseAddress(text)
  if (parsed.ok) return parsed.value
  throw new InvalidArgumentError(
    'Expected 20 bytes as 0x and 40 hex digits, with a right checksum if the case is mixed.',
  )
}

/** Widths of a model, `784,128,64,10`. */
export function layerList(text: string): readonly number[] {
  const layers = text.split(',').map(Number)
  const fits = layers.length >= 2 && layers.length <= 33
  if (fits && layers.every((n) => Number.isInteger(n) && n >= 1 && n <= 61_440)) return layers
  throw new InvalidArgumentError('Expected 2 to 33 widths from 1 to 61440, like 784,128,64,10.')
}

/** An `http` or `https` URL. */
export function httpUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text.replace(/\/$/, '')
  throw new InvalidArgumentError('Expected a URL like http://127.0.0.1:8545.')
}

/** Collects an option that may be given several times. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text]
}

/** A comma-separated list; may also be given several times. */
export function collectList(text: string, before: readonly string[]): readonly string[] {
  const items = text.split(',').map((item) => item.trim())
  if (items.every((item) => item !== '')) return [...before, ...items]
  throw new InvalidArgumentError('Expected a list like a,b,c.')
}

/** A list of web origins, each `*` or scheme, host and port alone. */
export function originList(text: string, before: readonly string[]): readonly string[] {
  const origins = collectList(text, before)
  const wrong = origins.find((origin) => origin !== '*' && !isOrigin(origin))
  if (wrong === undefined) return origins
  throw new InvalidArgumentError(`${wrong} is no origin like https://explorer.example:8443, or *.`)
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text.toLowerCase()
}
