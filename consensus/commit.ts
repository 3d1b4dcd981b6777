/**
 * Commits: making one from precommits, and checking one against the set that signed it (never the
 * current one). The type and its encoding are in `chain/commit.ts`.
 */
import { type Commit, hasSigned } from '../chain/commit.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { totalPower, type ValidatorSet, validatorSetHash } from '../registry/validatorSet.ts'
import { aggregate, fastAggregateVerify } from './bls.ts'
import { type Vote, VoteKind, voteSignBytes } from './messages.ts'
import { isQuorum } from './votes.ts'

export type CommitFault =
  | { readonly code: 'commit/set'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'commit/bitmapLength'; readonly expected: number; readonly got: number }
  /** A bit beyond the last member of the set. */
  | { readonly code: 'commit/bitmapBit'; readonly index: number; readonly members: number }
  | { readonly code: 'commit/power'; readonly got: bigint; readonly total: bigint }
  | { readonly code: 'commit/signature'; readonly height: bigint; readonly round: number }

/**
 * Add up verified precommits for one value and round.
 *
 * @throws {Bug} if they do not agree with each other: the vote book hands them out by value.
 */
export function makeCommit(precommits: readonly Vote[], set: ValidatorSet): Commit {
  const [first] = precommits
  invariant(first !== undefined && first.hash !== null, 'makeCommit: no precommit for a value')
  const bitmap = new Uint8Array(bitmapLength(set))
  for (const vote of precommits) {
    const same = vote.kind === VoteKind.Precommit && vote.hash === first.hash
    invariant(same && vote.round === first.round, 'makeCommit: precommits disagree')
    bitmap[vote.index >> 3]! |= 1 << (vote.index & 7)
  }
  const inOrder = precommits.toSorted((a, b) => a.index - b.index)
  const signature = aggregate(inOrder.map((vote) => vote.signature))
  invariant(signature !== null, 'makeCommit: a verified precommit has no signature')
  const { height, round, hash: envelopeHash, validatorsHash } = first
  return { height, round, envelopeHash, validatorsHash, bitmap, signature }
}

/**
 * Whether more than two thirds of the power of `set` signed. Cheap checks first; the pairing last.
 *
 * @param set - the set that decides `commit.height`.
 */
export function verifyCommit(
  commit: Commit,
  set: ValidatorSet,
  chainId: number,
): Result<'verified', CommitFault> {
  const expected = validatorSetHash(set)
  if (commit.validatorsHash !== expected)
    return refuse({ code: 'commit/set', expected, got: commit.validatorsHash })
  const shape = bitmapFault(commit.bitmap, set)
  if (shape !== null) return refuse(shape)
  const signers = set.validators.filter((_, index) => hasSigned(commit, index))
  const total = totalPower(set)
  const got = signers.reduce((sum, { power }) => sum + power, 0n)
  if (!isQuorum(got, total)) return refuse({ code: 'commit/power', got, total })
  const { height, round, envelopeHash, validatorsHash } = commit
  const vote = { kind: VoteKind.Precommit, height, round, hash: envelopeHash, validatorsHash }
  const keys = signers.map(({ publicKey }) => publicKey)
  return fastAggregateVerify(keys, voteSignBytes(chainId, vote), commit.signature)
    ? ok('verified')
    : refuse({ code: 'commit/signature', height, round })
}

/** Addresses of the members whose bits are set, in canonical order. */
export function signersOf(commit: Commit, set: ValidatorSet): readonly Address[] {
  return set.validators.filter((_, index) => hasSigned(commit, index)).map(({ address }) => address)
}

function bitmapLength(set: ValidatorSet): number {
  return Math.ceil(set.validators.length / 8)
}

/** One encoding per signer set: the exact length and no stray bits. */
function bitmapFault(bitmap: Uint8Array, set: ValidatorSet): CommitFault | null {
  const expected = bitmapLength(set)
  const members = set.validators.length
  if (bitmap.length !== expected)
    return { code: 'commit/bitmapLength', expected, got: bitmap.length }
  for (let index = members; index < expected * 8; index++)
    if ((bitmap[index >> 3]! >> (index & 7)) % 2 === 1)
      return { code: 'commit/bitmapBit', index, members }
  return null
}
