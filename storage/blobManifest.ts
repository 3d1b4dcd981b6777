/**
 * The manifest of a blob: its size and the digest of each of its chunks, which together give the
 * blob's name. Whoever holds a manifest can check every chunk alone, from whomever it comes.
 */
import { createHash } from 'node:crypto'
import { chunkBytes, maxBlobBytes } from '../params/protocol.ts'
import { uintBytes } from '../primitives/bytes.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import { merkleRoot } from '../primitives/merkle.ts'
import { invariant, type Result } from '../primitives/result.ts'

export type BlobManifest = {
  /** Bytes, at most `maxBlobBytes`. */
  readonly size: number
  /** One 32-byte Merkle leaf per chunk, in order. */
  readonly leaves: readonly Uint8Array[]
}

/** Longest encoding of a manifest. */
export const maxManifestBytes: number = 8 + 32 * chunkCount(maxBlobBytes)

/** Name of the blob that `manifest` describes. */
export function blobHashOf({ size, leaves }: BlobManifest): Hash {
  return hashOf('waggle/blob/v1', uintBytes(size, 8), hashBytes(merkleRoot(leaves)))
}

/** Leaf of one chunk: `merkleLeaf`, by the native SHA-256, which is several times as fast. */
export function chunkLeaf(chunk: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(Uint8Array.of(0)).update(chunk).digest())
}

export function chunkCount(size: number): number {
  return Math.ceil(size / chunkBytes)
}

/** Bytes of chunk `index` of a blob of `size` bytes; only the last may be short. */
export function chunkLength(size: number, index: number): number {
  invariant(index >= 0 && index < chunkCount(size), `chunkLength: chunk ${index} of ${size} bytes`)
  return Math.min(chunkBytes, size - index * chunkBytes)
}

/** 8 bytes of size, then the leaves: their number follows from the size. */
export function encodeManifest({ size, leaves }: BlobManifest): Uint8Array {
  invariant(leaves.length === chunkCount(size), `encodeManifest: ${leaves.length} of ${size} bytes`)
  const writer = new Writer().uint(size, 8)
  for (const leaf of leaves) writer.fixed(leaf)
  return writer.bytes()
}

export function decodeManifest(bytes: Uint8Array): Result<BlobManifest, CodecFault> {
  return decode(bytes, (reader) => {
    const size = reader.number(8, maxBlobBytes)
    const leaves = Array.from({ length: chunkCount(size) }, () => reader.fixed(32))
    return { size, leaves }
  })
}
