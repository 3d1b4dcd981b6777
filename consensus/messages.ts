/**
 * What validators sign: proposals and votes, the bytes of each signature, and their encodings.
 *
 * Votes carry no time, so all precommits for one value sign the same bytes and add up to one
 * signature. A hash of zeros stands for nil.
 */

import { maxValidators } from '../params/protocol.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'

export const VoteKind = { Prevote: 'prevote', Precommit: 'precommit' } as const
export type VoteKind = (typeof VoteKind)[keyof typeof VoteKind]

export type Vote = {
  readonly kind: VoteKind
  readonly height: bigint
  readonly round: number
  /** Name of the envelope, null for nil. */
  readonly hash: Hash | null
  /** Hash of the set that decides this height. */
  readonly validatorsHash: Hash
  /** Place of the voter in the set. */
  readonly index: number
  /** BLS, 96 bytes. */
  readonly signature: Uint8Array
}

export type Proposal = {
  readonly height: bigint
  readonly round: number
  /** Round in which more than 2/3 prevoted for the value; −1 for a new value. */
  readonly validRound: number
  readonly envelopeHash: Hash
  /** Bytes of the encoded envelope. */
  readonly size: number
  /** Merkle root over the envelope's parts; with `size` it makes up `envelopeHash`. */
  readonly partsRoot: Hash
  /** Timestamp of the block, Unix seconds. */
  readonly time: bigint
  readonly validatorsHash: Hash
  /** Place of the proposer in the set. */
  readonly proposer: number
  /** BLS, 96 bytes. */
  readonly signature: Uint8Array
}

export type UnsignedVote = Omit<Vote, 'signature'>
export type UnsignedProposal = Omit<Proposal, 'signature'>

/** Bound on rounds: 2^31 rounds of a second each are 68 years. */
export const maxRound: number = 2 ** 31

const signDomain = utf8ToBytes('waggle/consensus/v1')
const kindCodes = { proposal: 0, prevote: 1, precommit: 2 } as const

/** The bytes of a vote's signature: domain, chain, kind, height, round, hash, set. */
export function voteSignBytes(chainId: number, vote: Omit<UnsignedVote, 'index'>): Uint8Array {
  return new Writer()
    .fixed(signDomain)
    .uint(chainId, 8)
    .uint(kindCodes[vote.kind], 1)
    .uint(vote.height, 8)
    .uint(vote.round, 4)
    .hash(vote.hash ?? zeroHash)
    .hash(vote.validatorsHash)
    .bytes()
}

/** The bytes of a proposal's signature. Size and root of the parts are bound by the hash. */
export function proposalSignBytes(chainId: number, proposal: UnsignedProposal): Uint8Array {
  return new Writer()
    .fixed(signDomain)
    .uint(chainId, 8)
    .uint(kindCodes.proposal, 1)
    .uint(proposal.height, 8)
    .uint(proposal.round, 4)
    .hash(proposal.envelopeHash)
    .hash(proposal.validatorsHash)
    .uint(proposal.validRound + 1, 4)
    .uint(proposal.time, 8)
    .bytes()
}

export function writeVote(vote: Vote, writer: Writer): Writer {
  return writer
    .uint(kindCodes[vote.kind], 1)
    .uint(vote.height, 8)
    .uint(vote.round, 4)
    .hash(vote.hash ?? zeroHash)
    .hash(vote.validatorsHash)
    .uint(vote.index, 2)
    .fixed(vote.signature)
}

export function readVote(reader: Reader): Vote {
  return {
    kind: voteKinds[reader.number(1)] ?? reader.fail('vote kind'),
    height: reader.uint(8),
    round: reader.number(4, maxRound),
    hash: readOptionalHash(reader),
    validatorsHash: reader.hash(),
    index: reader.number(2, maxValidators - 1),
    signature: reader.fixed(96),
  }
}

export function writeProposal(proposal: Proposal, writer: Writer): Writer {
  return writer
    .uint(proposal.height, 8)
    .uint(proposal.round, 4)
    .uint(proposal.validRound + 1, 4)
    .hash(proposal.envelopeHash)
    .uint(proposal.size, 4)
    .hash(proposal.partsRoot)
    .uint(proposal.time, 8)
    .hash(proposal.validatorsHash)
    .uint(proposal.proposer, 2)
    .fixed(proposal.signature)
}

export function readProposal(reader: Reader): Proposal {
  return {
    height: reader.uint(8),
    round: reader.number(4, maxRound),
    validRound: reader.number(4, maxRound) - 1,
    envelopeHash: reader.hash(),
    size: reader.number(4),
    partsRoot: reader.hash(),
    time: reader.uint(8),
    validatorsHash: reader.hash(),
    proposer: reader.number(2, maxValidators - 1),
    signature: reader.fixed(96),
  }
}

export function encodeVote(vote: Vote): Uint8Array {
  return writeVote(vote, new Writer()).bytes()
}

export function decodeVote(bytes: Uint8Array): Result<Vote, CodecFault> {
  return decode(bytes, readVote)
}

export function encodeProposal(proposal: Proposal): Uint8Array {
  return writeProposal(proposal, new Writer()).bytes()
}

export function decodeProposal(bytes: Uint8Array): Result<Proposal, CodecFault> {
  return decode(bytes, readProposal)
}

const voteKinds: readonly (VoteKind | undefined)[] = [
  undefined,
  VoteKind.Prevote,
  VoteKind.Precommit,
]

function readOptionalHash(reader: Reader): Hash | null {
  const hash = reader.hash()
  return hash === zeroHash ? null : hash
}
