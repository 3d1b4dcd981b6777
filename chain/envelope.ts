/**
 * An envelope: what consensus agrees on. An Ethereum block with the proof that its parent was
 * committed, the proposer's randomness reveal, and evidence of misbehaviour.
 *
 * Its name is a Merkle root over fixed parts of its bytes, so that every part can be checked alone
 * and no two byte strings share a name.
 */

import { uintBytes } from '../primitives/bytes.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import { merkleLeaf, merkleRoot } from '../primitives/merkle.ts'
import type { Result } from '../primitives/result.ts'

export type Envelope = {
  /** Ethereum RLP. */
  readonly block: Uint8Array
  /** Encoded commit of the parent; empty in block 1, whose parent is genesis. */
  readonly parentCommit: Uint8Array
  /** The proposer's BLS signature over the height, 96 bytes. */
  readonly reveal: Uint8Array
  /** Encoded evidence; see `consensus/evidence.ts`. */
  readonly evidence: readonly Uint8Array[]
}

/** Bytes of one part; the last may be shorter. */
export const partBytes = 65_536

/** Bounds of the encoding; `ChainParams.maxBlockBytes` is stricter. */
const maxBlockBytes = 8_388_608
const maxCommitBytes = 256
const maxEvidence = 16
const maxEvidenceBytes = 4_096

export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return new Writer()
    .blob(envelope.block)
    .blob(envelope.parentCommit)
    .fixed(envelope.reveal)
    .list(envelope.evidence, (item, writer) => writer.blob(item))
    .bytes()
}

export function decodeEnvelope(bytes: Uint8Array): Result<Envelope, CodecFault> {
  return decode(bytes, readEnvelope)
}

function readEnvelope(reader: Reader): Envelope {
  return {
    block: reader.blob(maxBlockBytes),
    parentCommit: reader.blob(maxCommitBytes),
    reveal: reader.fixed(96),
    evidence: reader.list(maxEvidence, (from) => from.blob(maxEvidenceBytes)),
  }
}

/** The parts of an encoded envelope, in order; views, not copies. */
export function partsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += partBytes)
    parts.push(bytes.subarray(at, at + partBytes))
  return parts
}

/** Name of an envelope from its size in bytes and the Merkle root over its parts. */
export function envelopeName(size: number, partsRoot: Hash): Hash {
  return hashOf('waggle/envelope/v1', uintBytes(size, 4), hashBytes(partsRoot))
}

/** Name of an encoded envelope. */
export function envelopeHashOf(bytes: Uint8Array): Hash {
  return envelopeName(bytes.length, merkleRoot(partsOf(bytes).map(merkleLeaf)))
}
