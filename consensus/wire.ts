/**
 * Messages between the drivers of two nodes, and their encoding: one byte of kind, then the message.
 * Decoding is total and allocates no more than the message is long.
 */
import { type Commit, decodeCommit, encodeCommit } from '../chain/commit.ts'
import { partBytes } from '../chain/envelope.ts'
import { maxValidators } from '../params/protocol.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import {
  type Proposal,
  readProposal,
  readVote,
  type Vote,
  writeProposal,
  writeVote,
} from './messages.ts'
import { readStatus, type Status, writeStatus } from './status.ts'

/** One part of an encoded envelope, checkable alone: its name binds `size` and `partsRoot`. */
export type EnvelopePart = {
  readonly height: bigint
  readonly value: Hash
  readonly size: number
  readonly partsRoot: Hash
  readonly index: number
  readonly bytes: Uint8Array
  /** Merkle path, 32 bytes each. */
  readonly path: readonly Uint8Array[]
}

export type WireMessage =
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'votes'; readonly votes: readonly Vote[] }
  | { readonly type: 'part'; readonly part: EnvelopePart }
  | {
      readonly type: 'sidecar'
      readonly height: bigint
      readonly value: Hash
      readonly bytes: Uint8Array
    }
  | { readonly type: 'status'; readonly status: Status }
  /** A height that is over: the envelope and the commit that proves it. */
  | { readonly type: 'committed'; readonly commit: Commit; readonly bytes: Uint8Array }

/** Votes of one message: both kinds of two rounds, and a proof of lock. */
export const maxVotesPerMessage: number = 5 * maxValidators
/** Bounds of the encoding; chain parameters are stricter. */
const maxSidecarBytes = 67_108_864
const maxEnvelopeBytes = 8_650_752
const maxPathLength = 8

export function encodeWire(message: WireMessage): Uint8Array {
  const writer = new Writer()
  switch (message.type) {
    case 'proposal':
      return writeProposal(message.proposal, writer.uint(0, 1)).bytes()
    case 'votes':
      return writer.uint(1, 1).list(message.votes, writeVote).bytes()
    case 'part':
      return writePart(message.part, writer.uint(2, 1)).bytes()
    case 'sidecar':
      return writer
        .uint(3, 1)
        .uint(message.height, 8)
        .hash(message.value)
        .blob(message.bytes)
        .bytes()
    case 'status':
      return writeStatus(message.status, writer.uint(4, 1)).bytes()
    case 'committed':
      return writer.uint(5, 1).blob(encodeCommit(message.commit)).blob(message.bytes).bytes()
    default:
      return message satisfies never
  }
}

export function decodeWire(bytes: Uint8Array): Result<WireMessage, CodecFault> {
  return decode(bytes, readWire)
}

function readWire(reader: Reader): WireMessage {
  switch (reader.number(1)) {
    case 0:
      return { type: 'proposal', proposal: readProposal(reader) }
    case 1:
      return { type: 'votes', votes: reader.list(maxVotesPerMessage, readVote) }
    case 2:
      return { type: 'part', part: readPart(reader) }
    case 3:
      return {
        type: 'sidecar',
        height: reader.uint(8),
        value: reader.hash(),
        bytes: reader.blob(maxSidecarBytes),
      }
    case 4:
      return { type: 'status', status: readStatus(reader) }
    case 5: {
      const commit = decodeCommit(reader.blob(256))
      if (!commit.ok) return reader.fail('commit')
      return { type: 'committed', commit: commit.value, bytes: reader.blob(maxEnvelopeBytes) }
    }
    default:
      return reader.fail('message kind')
  }
}

function writePart(part: EnvelopePart, writer: Writer): Writer {
  return writer
    .uint(part.height, 8)
    .hash(part.value)
    .uint(part.size, 4)
    .hash(part.partsRoot)
    .uint(part.index, 2)
    .blob(part.bytes)
    .list(part.path, (digest, to) => to.fixed(digest))
}

function readPart(reader: Reader): EnvelopePart {
  return {
    height: reader.uint(8),
    value: reader.hash(),
    size: reader.number(4),
    partsRoot: reader.hash(),
    index: reader.number(2),
    bytes: reader.blob(partBytes),
    path: reader.list(maxPathLength, (from) => from.fixed(32)),
  }
}
