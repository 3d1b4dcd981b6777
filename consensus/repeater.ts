/**
 * Repetition: what to tell a peer about ourselves, and which signed messages a peer's status shows it
 * to lack. Without it one lost message could stop the chain; with it, whatever one honest node has,
 * every connected node soon has too. Pure; the driver sends, on connect and every second.
 */
import { bitmapOf, hasBit } from './bitmap.ts'
import type { State } from './machineState.ts'
import { type Proposal, type Vote, VoteKind } from './messages.ts'
import type { ProofWant, Status, ValueWant } from './status.ts'
import { type Tally, tallyOf, votesFor, votesOf } from './votes.ts'
import { maxVotesPerMessage } from './wire.ts'

/** @param want - what we look for, from the value store. */
export function statusOf(state: State, want: ValueWant | null, ask: boolean): Status {
  const { rules, round, step, votes } = state
  const members = (kind: VoteKind) => {
    const tally = tallyOf(votes, round, kind)
    return bitmapOf(rules.powers.length, (index) => tally.byMember.has(index))
  }
  return {
    height: rules.height,
    round,
    step,
    hasProposal: state.candidates.has(round),
    prevotes: members(VoteKind.Prevote),
    precommits: members(VoteKind.Precommit),
    proof: proofWant(state),
    want,
    ask,
  }
}

/** What a peer at our height lacks of the signed messages that we hold, and is to have from us. */
export type Reply = { readonly proposal: Proposal | null; readonly votes: readonly Vote[] }

/**
 * Everybody repeats what it has signed itself; of others' messages only the few that are asked do, or a
 * node of a large network would get each vote it lacks from every one of its peers.
 */
export function replyTo(state: State, status: Status): Reply {
  const votes = new Set<Vote>()
  const { self } = state.rules
  const add = (found: readonly Vote[], known: Uint8Array | null) => {
    for (const vote of found) {
      const told = status.ask || vote.index === self
      if (told && (known === null || !hasBit(known, vote.index))) votes.add(vote)
    }
  }
  if (status.proof !== null) {
    const tally = tallyOf(state.votes, status.proof.round, VoteKind.Prevote)
    add(votesFor(tally, status.proof.value), status.proof.prevotes)
  }
  add(tallyVotes(state, status.round, VoteKind.Prevote), status.prevotes)
  add(tallyVotes(state, status.round, VoteKind.Precommit), status.precommits)
  // A peer in an earlier round follows when it sees more than a third of the power here (L55).
  if (state.round > status.round)
    for (const kind of [VoteKind.Prevote, VoteKind.Precommit])
      add(tallyVotes(state, state.round, kind), null)
  const proposal = state.candidates.get(status.round)?.proposal ?? null
  const told = status.ask || proposal?.proposer === self
  return {
    proposal: status.hasProposal || !told ? null : proposal,
    votes: [...votes].slice(0, maxVotesPerMessage),
  }
}

function tallyVotes(state: State, round: number, kind: VoteKind): readonly Vote[] {
  return votesOf(tallyOf(state.votes, round, kind))
}

/** The prevotes that L28 waits for; they are asked for by value, since a liar may have cast two. */
function proofWant(state: State): ProofWant | null {
  const proposal = state.candidates.get(state.round)?.proposal
  if (proposal === undefined || proposal.validRound < 0) return null
  const { validRound: round, envelopeHash: value } = proposal
  const tally: Tally = tallyOf(state.votes, round, VoteKind.Prevote)
  const known = new Set(votesFor(tally, value).map((vote) => vote.index))
  const prevotes = bitmapOf(state.rules.powers.length, (index) => known.has(index))
  return { round, value, prevotes }
}
