/**
 * Evidence of misbehaviour that anyone can check later: two votes of one member for different values
 * in the same height, round and kind.
 */
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type Validator, type ValidatorSet, validatorSetHash } from '../registry/validatorSet.ts'
import { verifyBatch } from './bls.ts'
import { readVote, type Vote, voteSignBytes, writeVote } from './messages.ts'

/** `first.hash` sorts before `second.hash` (nil first), so a pair has one encoding. */
export type DuplicateVote = { readonly first: Vote; readonly second: Vote }

export type EvidenceFault =
  /** Not two votes of one member at one height, round and kind. */
  | {
      readonly code: 'evidence/unrelated'
      readonly field: 'kind' | 'height' | 'round' | 'index' | 'validatorsHash'
    }
  | { readonly code: 'evidence/order' }
  | { readonly code: 'evidence/set'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'evidence/member'; readonly index: number; readonly members: number }
  | { readonly code: 'evidence/signature'; readonly index: number }

/** The pair in canonical order. */
export function duplicateVote(a: Vote, b: Vote): DuplicateVote {
  return sortsBefore(a.hash, b.hash) ? { first: a, second: b } : { first: b, second: a }
}

export function encodeDuplicateVote({ first, second }: DuplicateVote): Uint8Array {
  const writer = new Writer().uint(evidenceCode, 1)
  return writeVote(second, writeVote(first, writer)).bytes()
}

export function decodeDuplicateVote(bytes: Uint8Array): Result<DuplicateVote, CodecFault> {
  return decode(bytes, readDuplicateVote)
}

/** Names the offence, not the pair: a liar pays once for a height, round and kind. */
export function offenceOf({ first }: DuplicateVote): Hash {
  return offenceOfVote(first)
}

/** Names the offence of having said something else in the place of this vote. */
export function offenceOfVote(
  vote: Pick<Vote, 'kind' | 'height' | 'round' | 'index' | 'validatorsHash'>,
): Hash {
  const { kind, height, round, index, validatorsHash } = vote
  const bytes = new Writer()
    .hash(validatorsHash)
    .uint(index, 2)
    .uint(height, 8)
    .uint(round, 4)
    .uint(kind === 'prevote' ? 1 : 2, 1)
    .bytes()
  return hashOf('waggle/offence/v1', bytes)
}

/**
 * Whether the pair convicts, and whom. Age limits are the registry's business.
 *
 * @param set - the set that decided the votes' height.
 */
export function verifyDuplicateVote(
  evidence: DuplicateVote,
  set: ValidatorSet,
  chainId: number,
): Result<Validator, EvidenceFault> {
  const { first, second } = evidence
  for (const field of ['kind', 'height', 'round', 'index', 'validatorsHash'] as const)
    if (first[field] !== second[field]) return refuse({ code: 'evidence/unrelated', field })
  if (!sortsBefore(first.hash, second.hash)) return refuse({ code: 'evidence/order' })
  const expected = validatorSetHash(set)
  if (first.validatorsHash !== expected)
    return refuse({ code: 'evidence/set', expected, got: first.validatorsHash })
  const { index } = first
  const member = set.validators[index]
  if (member === undefined)
    return refuse({ code: 'evidence/member', index, members: set.validators.length })
  const checks = [first, second].map((vote) => ({
    publicKey: member.publicKey,
    message: voteSignBytes(chainId, vote),
    signature: vote.signature,
  }))
  return verifyBatch(checks) ? ok(member) : refuse({ code: 'evidence/signature', index })
}

/** First byte of the encoding; other kinds of evidence take other codes. */
const evidenceCode = 1

function readDuplicateVote(reader: Reader): DuplicateVote {
  if (reader.number(1) !== evidenceCode) reader.fail('evidence kind')
  return { first: readVote(reader), second: readVote(reader) }
}

function sortsBefore(a: Hash | null, b: Hash | null): boolean {
  return (a ?? '') < (b ?? '')
}
