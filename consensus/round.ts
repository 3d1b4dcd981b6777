/**
 * Moves of the machine that several rules share: into a round, and to a step with its vote. Also what
 * of the past a round keeps, and which values it looks for.
 */
import type { Hash } from '../primitives/hash.ts'
import { type Effect, type State, Step, type Transition } from './machineState.ts'
import { VoteKind } from './messages.ts'
import { quorumHash, tallyOf } from './votes.ts'

/** Rounds behind us whose votes are still of use, besides those that a claim or proposal names. */
export const keptRounds = 64

/** L11-L21. The proposer gets a timeout too: its builder may fail, and it must not wait for ever. */
export function startRound(state: State, round: number): Transition {
  const begun: State = {
    ...state,
    round,
    step: Step.Propose,
    seen: { anyPrevotes: false, polka: false, anyPrecommits: false },
  }
  const effects: Effect[] = [{ type: 'startRound', round }]
  const { self, proposer } = state.rules
  if (self !== null && proposer(round) === self)
    effects.push({ type: 'propose', round, value: state.valid })
  effects.push({ type: 'scheduleTimeout', step: Step.Propose, round })
  return { state: forgetPast(begun), effects }
}

/** Enter `next` and cast the vote that leads there. */
export function stepTo(
  state: State,
  next: typeof Step.Prevote | typeof Step.Precommit,
  hash: Hash | null,
): Transition {
  const kind = next === Step.Prevote ? VoteKind.Prevote : VoteKind.Precommit
  return {
    state: { ...state, step: next },
    effects: [{ type: 'vote', kind, round: state.round, hash }],
  }
}

/** Whether votes of `round` are of use. Rounds ahead are bounded per voter elsewhere. */
export function keepsRound(state: State, round: number): boolean {
  return (
    round > state.round - keptRounds ||
    round === state.locked?.round ||
    round === state.valid?.round ||
    round === state.candidates.get(state.round)?.proposal.validRound
  )
}

/**
 * Values whose bytes (and verdict) could move the machine, most urgent first: one that more than two
 * thirds precommitted, one that they prevoted in this round, the proposals at hand, our own claims.
 */
export function wantedValues(state: State): readonly Hash[] {
  const { total } = state.rules
  const quorums = [...state.votes.values()].map(({ precommit }) => quorumHash(precommit, total))
  const polka = quorumHash(tallyOf(state.votes, state.round, VoteKind.Prevote), total)
  const proposed = [state.round, state.round + 1].map(
    (round) => state.candidates.get(round)?.proposal.envelopeHash,
  )
  const claimed = [state.locked?.value, state.valid?.value]
  const wanted = [...quorums, polka, ...proposed, ...claimed]
  return [...new Set(wanted.filter((hash) => hash !== undefined && hash !== null))]
}

/** Bounded memory: votes, proposals and verdicts that nothing refers to any more go. */
function forgetPast(state: State): State {
  const candidates = new Map([...state.candidates].filter(([round]) => round >= state.round))
  const current = { ...state, candidates }
  const votes = new Map([...state.votes].filter(([round]) => keepsRound(current, round)))
  const kept = { ...current, votes }
  const wanted = new Set(wantedValues(kept))
  return { ...kept, verdicts: new Map([...state.verdicts].filter(([hash]) => wanted.has(hash))) }
}
