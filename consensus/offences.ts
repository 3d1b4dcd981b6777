/**
 * All evidence that a block may carry, whichever its kind: two votes of one member, or two commits of one
 * round. Whoever is convicted is charged with the vote itself, so that a vote shown in both ways is
 * punished once.
 */
import type { CodecFault } from '../primitives/codec.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import { ok, type Result } from '../primitives/result.ts'
import type { Validator, ValidatorSet } from '../registry/validatorSet.ts'
import {
  type ConflictFault,
  type ConflictingCommits,
  decodeConflictingCommits,
  encodeConflictingCommits,
  verifyConflictingCommits,
} from './conflictingCommits.ts'
import {
  type DuplicateVote,
  decodeDuplicateVote,
  type EvidenceFault,
  encodeDuplicateVote,
  offenceOf,
  offenceOfVote,
  verifyDuplicateVote,
} from './evidence.ts'
import { VoteKind } from './messages.ts'

export type Evidence =
  | { readonly type: 'votes'; readonly pair: DuplicateVote }
  | { readonly type: 'commits'; readonly pair: ConflictingCommits }

/** One offence of one member. */
export type Charge = { readonly name: Hash; readonly guilty: Validator }

/** First byte of an encoded conflict of commits; anything else is read as votes, which says what is wrong. */
const commitsCode = 2

export function encodeEvidence(evidence: Evidence): Uint8Array {
  return evidence.type === 'votes'
    ? encodeDuplicateVote(evidence.pair)
    : encodeConflictingCommits(evidence.pair)
}

export function decodeEvidence(bytes: Uint8Array): Result<Evidence, CodecFault> {
  if (bytes[0] === commitsCode) {
    const pair = decodeConflictingCommits(bytes)
    return pair.ok ? ok({ type: 'commits', pair: pair.value }) : pair
  }
  const pair = decodeDuplicateVote(bytes)
  return pair.ok ? ok({ type: 'votes', pair: pair.value }) : pair
}

/** Height at which the offence was committed. */
export function heightOfEvidence({ pair }: Evidence): bigint {
  return pair.first.height
}

/** Names the matter, not the proof: a second piece about it says nothing new. */
export function matterOf(evidence: Evidence): Hash {
  if (evidence.type === 'votes') return offenceOf(evidence.pair)
  const { height, round } = evidence.pair.first
  return hashOf('waggle/conflict/v1', new TextEncoder().encode(`${height}/${round}`))
}

/**
 * Whom the evidence convicts, at least one. Age limits are the registry's business.
 *
 * @param set - the set that decided the height.
 */
export function judgeEvidence(
  evidence: Evidence,
  set: ValidatorSet,
  chainId: number,
): Result<readonly Charge[], EvidenceFault | ConflictFault> {
  if (evidence.type === 'votes') {
    const guilty = verifyDuplicateVote(evidence.pair, set, chainId)
    return guilty.ok ? ok([{ name: offenceOf(evidence.pair), guilty: guilty.value }]) : guilty
  }
  const convicted = verifyConflictingCommits(evidence.pair, set, chainId)
  if (!convicted.ok) return convicted
  const { height, round, validatorsHash } = evidence.pair.first
  return ok(
    convicted.value.map((guilty) => {
      const index = set.validators.indexOf(guilty)
      const vote = { kind: VoteKind.Precommit, height, round, index, validatorsHash }
      return { name: offenceOfVote(vote), guilty }
    }),
  )
}
