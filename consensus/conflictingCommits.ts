/**
 * Evidence that needs no log: two commits of one height and round for different values. Whoever signed
 * both voted twice. Commits of different rounds convict nobody by themselves; see `forensics.ts`.
 */
import { type Commit, decodeCommit, encodeCommit, hasSigned } from '../chain/commit.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Validator, ValidatorSet } from '../registry/validatorSet.ts'
import { verifyCommit } from './commit.ts'
import type { CommitFault } from './commitCheck.ts'

/** `first.envelopeHash` sorts before the second's, so a pair has one encoding. */
export type ConflictingCommits = { readonly first: Commit; readonly second: Commit }

export type ConflictFault =
  | CommitFault
  | { readonly code: 'conflict/unrelated'; readonly field: 'height' | 'round' }
  | { readonly code: 'conflict/order' }

/** First byte of the encoding; 1 is a duplicate vote. */
const evidenceCode = 2
/** Bound on an encoded commit: its fixed fields, and a bitmap of the largest set. */
const maxCommitBytes = 4_096

/** The pair in canonical order. */
export function conflictingCommits(a: Commit, b: Commit): ConflictingCommits {
  return a.envelopeHash < b.envelopeHash ? { first: a, second: b } : { first: b, second: a }
}

export function encodeConflictingCommits({ first, second }: ConflictingCommits): Uint8Array {
  return new Writer()
    .uint(evidenceCode, 1)
    .blob(encodeCommit(first))
    .blob(encodeCommit(second))
    .bytes()
}

export function decodeConflictingCommits(
  bytes: Uint8Array,
): Result<ConflictingCommits, CodecFault> {
  const blobs = decode(bytes, (reader) => {
    if (reader.number(1) !== evidenceCode) reader.fail('evidence kind')
    return [reader.blob(maxCommitBytes), reader.blob(maxCommitBytes)] as const
  })
  if (!blobs.ok) return blobs
  const first = decodeCommit(blobs.value[0])
  if (!first.ok) return first
  const second = decodeCommit(blobs.value[1])
  return second.ok ? ok({ first: first.value, second: second.value }) : second
}

/**
 * Whom the pair convicts: always more than a third of the power.
 *
 * @param set - the set that decided the height.
 */
export function verifyConflictingCommits(
  { first, second }: ConflictingCommits,
  set: ValidatorSet,
  chainId: number,
): Result<readonly Validator[], ConflictFault> {
  for (const field of ['height', 'round'] as const)
    if (first[field] !== second[field]) return refuse({ code: 'conflict/unrelated', field })
  if (first.envelopeHash >= second.envelopeHash) return refuse({ code: 'conflict/order' })
  for (const commit of [first, second]) {
    const checked = verifyCommit(commit, set, chainId)
    if (!checked.ok) return checked
  }
  return ok(set.validators.filter((_, i) => hasSigned(first, i) && hasSigned(second, i)))
}
