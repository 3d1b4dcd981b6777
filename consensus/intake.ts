/**
 * Checks of signed messages at the door: what passes is a fact to the machine.
 */
import { envelopeName } from '../chain/envelope.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type SignatureCheck, verify, verifyBatch } from './bls.ts'
import type { Electorate } from './electorate.ts'
import { type Proposal, proposalSignBytes, type Vote, voteSignBytes } from './messages.ts'

export type ProposalFault =
  | { readonly code: 'proposal/set'; readonly expected: Hash; readonly got: Hash }
  | {
      readonly code: 'proposal/proposer'
      readonly round: number
      readonly expected: number
      readonly got: number
    }
  | { readonly code: 'proposal/validRound'; readonly round: number; readonly got: number }
  | { readonly code: 'proposal/size'; readonly max: number; readonly got: number }
  | { readonly code: 'proposal/name'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'proposal/signature'; readonly round: number; readonly proposer: number }

export type VoteFault =
  | { readonly code: 'vote/set'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'vote/member'; readonly index: number; readonly members: number }
  | { readonly code: 'vote/signature'; readonly round: number; readonly index: number }

/** A proposal of our height: cheap checks first, the pairing last. */
export function checkProposal(
  electorate: Electorate,
  proposal: Proposal,
): Result<Proposal, ProposalFault> {
  const { setHash, maxEnvelopeBytes: max, set, chainId } = electorate
  const { round, validRound, proposer: got, size } = proposal
  if (proposal.validatorsHash !== setHash)
    return refuse({ code: 'proposal/set', expected: setHash, got: proposal.validatorsHash })
  const expected = electorate.proposer(round)
  if (got !== expected) return refuse({ code: 'proposal/proposer', round, expected, got })
  if (validRound >= round) return refuse({ code: 'proposal/validRound', round, got: validRound })
  if (size < 1 || size > max) return refuse({ code: 'proposal/size', max, got: size })
  const name = envelopeName(size, proposal.partsRoot)
  if (name !== proposal.envelopeHash)
    return refuse({ code: 'proposal/name', expected: proposal.envelopeHash, got: name })
  const { publicKey } = set.validators[expected]!
  return verify(publicKey, proposalSignBytes(chainId, proposal), proposal.signature)
    ? ok(proposal)
    : refuse({ code: 'proposal/signature', round, proposer: got })
}

/** What is wrong with a vote of our height, the signature aside. */
export function voteShapeFault(electorate: Electorate, vote: Vote): VoteFault | null {
  const { setHash, set } = electorate
  const members = set.validators.length
  if (vote.validatorsHash !== setHash)
    return { code: 'vote/set', expected: setHash, got: vote.validatorsHash }
  return vote.index < members ? null : { code: 'vote/member', index: vote.index, members }
}

/**
 * For each vote whether its signature is right. All at once where they are, which is the common case;
 * by halves to find those that are not, so `k` bad ones of `n` cost about `k·log n` batches.
 *
 * @param votes - of a right shape, see {@link voteShapeFault}.
 */
export function checkVoteSignatures(
  electorate: Electorate,
  votes: readonly Vote[],
): readonly boolean[] {
  const checks = votes.map(
    (vote): SignatureCheck => ({
      publicKey: electorate.set.validators[vote.index]!.publicKey,
      message: voteSignBytes(electorate.chainId, vote),
      signature: vote.signature,
    }),
  )
  return checkHalves(checks)
}

function checkHalves(checks: readonly SignatureCheck[]): readonly boolean[] {
  if (verifyBatch(checks)) return checks.map(() => true)
  if (checks.length === 1) return [false]
  const middle = checks.length >> 1
  return [...checkHalves(checks.slice(0, middle)), ...checkHalves(checks.slice(middle))]
}
