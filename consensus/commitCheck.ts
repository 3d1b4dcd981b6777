/**
 * Whether a commit holds, with the signature library passed in: the node checks with the fast one
 * (`commit.ts`), a light client with the portable one (`lightClient.ts`).
 */
import { type Commit, hasSigned } from '../chain/commit.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { totalPower, type Voters, validatorSetHash } from '../registry/validatorSet.ts'
import { VoteKind, voteSignBytes } from './messages.ts'
import { isQuorum } from './votes.ts'

export type CommitFault =
  | { readonly code: 'commit/set'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'commit/bitmapLength'; readonly expected: number; readonly got: number }
  /** A bit beyond the last member of the set. */
  | { readonly code: 'commit/bitmapBit'; readonly index: number; readonly members: number }
  | { readonly code: 'commit/power'; readonly got: bigint; readonly total: bigint }
  | { readonly code: 'commit/signature'; readonly height: bigint; readonly round: number }

/** Whether `signature` adds up the signatures of all `publicKeys` over one `message`. */
export type AggregateCheck = (
  publicKeys: readonly Hex[],
  message: Uint8Array,
  signature: Uint8Array,
) => boolean

/**
 * Whether more than two thirds of the power of `set` signed. Cheap checks first; the pairing last.
 *
 * @param set - the set that decides `commit.height`.
 */
export function checkCommit(
  commit: Commit,
  set: Voters,
  chainId: number,
  holds: AggregateCheck,
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
  return holds(keys, voteSignBytes(chainId, vote), commit.signature)
    ? ok('verified')
    : refuse({ code: 'commit/signature', height, round })
}

export function bitmapLength(set: Voters): number {
  return Math.ceil(set.validators.length / 8)
}

/** One encoding per signer set: the exact length and no stray bits. */
function bitmapFault(bitmap: Uint8Array, set: Voters): CommitFault | null {
  const expected = bitmapLength(set)
  const members = set.validators.length
  if (bitmap.length !== expected)
    return { code: 'commit/bitmapLength', expected, got: bitmap.length }
  for (let index = members; index < expected * 8; index++)
    if ((bitmap[index >> 3]! >> (index & 7)) % 2 === 1)
      return { code: 'commit/bitmapBit', index, members }
  return null
}
