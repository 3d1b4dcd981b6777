/**
 * Keccak-256 in WebAssembly. Trie nodes, addresses and storage keys make it the most frequent work of
 * execution after the interpreter; the JavaScript of `@noble/hashes`, which it is tested against, takes
 * about eight times as long.
 */
import { createKeccak } from 'hash-wasm'

const hasher = await createKeccak(256)

/** @returns 32 bytes of their own. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest('binary')
}
