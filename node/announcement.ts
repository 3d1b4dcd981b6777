/**
 * How certificates travel between nodes: the signed transaction and its sidecar in one message.
 */
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import type { Result } from '../primitives/result.ts'

export type Announcement = { readonly transaction: Uint8Array; readonly sidecar: Uint8Array }

/** Longest transaction of a certificate. */
const maxTransactionBytes = 131_072

export function encodeAnnouncement({ transaction, sidecar }: Announcement): Uint8Array {
  return new Writer().blob(transaction).blob(sidecar).bytes()
}

export function decodeAnnouncement(
  bytes: Uint8Array,
  maxSidecarBytes: number,
): Result<Announcement, CodecFault> {
  return decode(bytes, (reader) => ({
    transaction: reader.blob(maxTransactionBytes),
    sidecar: reader.blob(maxSidecarBytes),
  }))
}
