/**
 * What a blob store may refuse with.
 */
import { toHex } from '../primitives/bytes.ts'
import type { CodecFault } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import type { DiskFault } from './files.ts'

export type BlobFault =
  | { readonly code: 'blob/missing'; readonly hash: Hash }
  | { readonly code: 'blob/present'; readonly hash: Hash }
  /** This node's operator does not keep it. */
  | { readonly code: 'blob/refused'; readonly hash: Hash }
  | { readonly code: 'blob/tooLarge'; readonly maxBytes: number; readonly got: number }
  | {
      readonly code: 'blob/range'
      readonly size: number
      readonly offset: number
      readonly length: number
    }
  | { readonly code: 'blob/manifest'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'blob/chunkIndex'; readonly chunks: number; readonly got: number }
  | { readonly code: 'blob/chunkSize'; readonly expected: number; readonly got: number }
  | {
      readonly code: 'blob/chunk'
      readonly index: number
      readonly expected: string
      readonly got: string
    }
  | { readonly code: 'blob/incomplete'; readonly missing: number }
  /** The arrival was completed, closed or discarded meanwhile. */
  | { readonly code: 'blob/closed'; readonly hash: Hash }
  /** A stored chunk no longer has its digest: the disk lost it. */
  | { readonly code: 'blob/corrupt'; readonly hash: Hash; readonly index: number }
  | DiskFault
  | CodecFault

export function chunkFault(index: number, expected: Uint8Array, got: Uint8Array): BlobFault {
  return { code: 'blob/chunk', index, expected: toHex(expected), got: toHex(got) }
}
