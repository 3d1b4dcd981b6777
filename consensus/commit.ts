/**
 * Commits: making one from precommits, and checking one against the set that signed it (never the
 * current one). The type and its encoding are in `chain/commit.ts`.
 */
import { type Commit, hasSigned } from '../chain/commit.ts'
import type { Address } from '../primitives/address.ts'
import { invariant, type Result } from '../primitives/result.ts'
import type { ValidatorSet } from '../registry/validatorSet.ts'
import { aggregate, fastAggregateVerify } from './bls.ts'
import { bitmapLength, type CommitFault, checkCommit } from './commitCheck.ts'
import { type Vote, VoteKind } from './messages.ts'

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
 * Whether more than two thirds of the power of `set` signed.
 *
 * @param set - the set that decides `commit.height`.
 */
export function verifyCommit(
  commit: Commit,
  set: ValidatorSet,
  chainId: number,
): Result<'verified', CommitFault> {
  return checkCommit(commit, set, chainId, fastAggregateVerify)
}

/** Addresses of the members whose bits are set, in canonical order. */
export function signersOf(commit: Commit, set: ValidatorSet): readonly Address[] {
  return set.validators.filter((_, index) => hasSigned(commit, index)).map(({ address }) => address)
}
