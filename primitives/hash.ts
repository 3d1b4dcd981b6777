/**
 * Digests: 32 bytes as lowercase hex, made by SHA-256 with a role tag or by Ethereum's Keccak-256.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { Brand } from './brand.ts'
import { concatBytes, fromHex, toHex, uintBytes, utf8ToBytes } from './bytes.ts'
import { invariant, ok, type Result, refuse } from './result.ts'

/** 32-byte digest as lowercase 0x-hex: compares with `===`, keys a Map, prints as itself. */
export type Hash = Brand<`0x${string}`, 'Hash'>

export type HashFault = { readonly code: 'hash/malformed'; readonly got: string }

/** The digest that names nothing. */
export const zeroHash: Hash = `0x${'00'.repeat(32)}` as Hash

/** The one door from JSON, RPC and disk into {@link Hash}. */
export function parseHash(text: string): Result<Hash, HashFault> {
  return /^0x[0-9a-f]{64}$/.test(text)
    ? ok(text as Hash)
    : refuse({ code: 'hash/malformed', got: text.slice(0, 80) })
}

/** A digest whose 32 bytes are at hand. */
export function hashFromBytes(bytes: Uint8Array): Hash {
  invariant(bytes.length === 32, `hashFromBytes: ${bytes.length} bytes`)
  return toHex(bytes) as Hash
}

/**
 * Digest `parts` in the role named by `tag`.
 *
 * Tag and parts are each length-prefixed (4 bytes, big-endian), so neither a different split nor a
 * different role of the same bytes can collide.
 */
export function hashOf(tag: string, ...parts: readonly Uint8Array[]): Hash {
  const framed = [utf8ToBytes(tag), ...parts].flatMap((part) => [uintBytes(part.length, 4), part])
  return hashFromBytes(sha256(concatBytes(...framed)))
}

/** Plain SHA-256. */
export function sha256Hash(bytes: Uint8Array): Hash {
  return hashFromBytes(sha256(bytes))
}

/** Ethereum's Keccak-256. */
export function keccakHash(bytes: Uint8Array): Hash {
  return hashFromBytes(keccak_256(bytes))
}

export function hashBytes(hash: Hash): Uint8Array {
  return fromHex(hash)
}

/** A digest read as a big-endian integer, for draws. */
export function hashToUint(hash: Hash): bigint {
  return BigInt(hash)
}
