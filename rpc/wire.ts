/**
 * Wire spelling of values: integers as Ethereum quantities, byte strings as lowercase hex.
 */
import { type Hex, toHex } from '../primitives/bytes.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/** A non-negative integer without leading zeros, `0x0` for zero. @see EIP-1474 */
export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

/** A 32-byte word. */
export function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}

/** `quantity`, or null for what is not there. */
export function maybeQuantity(value: bigint | number | null): Hex | null {
  return value === null ? null : quantity(value)
}

/**
 * Plain data as JSON: integers of both kinds become quantities, bytes become hex, `undefined` fields
 * are left out, everything else stays. Used where the view's own shape is the wire's shape.
 */
export function toWire(value: unknown): Json {
  if (typeof value === 'bigint' || typeof value === 'number') return quantity(value)
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(toWire)
  if (typeof value !== 'object' || value === null) return null
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([key, field]) => [key, toWire(field)]))
}

/** `fields` without those that are null: for fields that exist from some fork on. */
export function present(fields: Readonly<Record<string, Json>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}
