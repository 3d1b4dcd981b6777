/**
 * A commit: one aggregate signature by more than two thirds of a set's power over one value. Data and
 * encoding only; `consensus/` verifies it, against the set that signed it.
 */

import { maxValidators } from '../params/protocol.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'

export type Commit = {
  readonly height: bigint
  readonly round: number
  /** Name of the committed value; see `chain/envelope.ts`. */
  readonly envelopeHash: Hash
  /** Hash of the set whose members signed. */
  readonly validatorsHash: Hash
  /** One bit per member in canonical order, least significant bit of the first byte first. */
  readonly bitmap: Uint8Array
  /** Aggregate BLS signature, compressed G2, 96 bytes. */
  readonly signature: Uint8Array
}

export function encodeCommit(commit: Commit): Uint8Array {
  return new Writer()
    .uint(commit.height, 8)
    .uint(commit.round, 4)
    .hash(commit.envelopeHash)
    .hash(commit.validatorsHash)
    .blob(commit.bitmap)
    .fixed(commit.signature)
    .bytes()
}

export function decodeCommit(bytes: Uint8Array): Result<Commit, CodecFault> {
  return decode(bytes, readCommit)
}

function readCommit(reader: Reader): Commit {
  return {
    height: reader.uint(8),
    round: reader.number(4),
    envelopeHash: reader.hash(),
    validatorsHash: reader.hash(),
    bitmap: reader.blob(Math.ceil(maxValidators / 8)),
    signature: reader.fixed(96),
  }
}

/** Whether member `index` of the set signed. */
export function hasSigned(commit: Commit, index: number): boolean {
  return ((commit.bitmap[index >> 3] ?? 0) >> (index & 7)) % 2 === 1
}
