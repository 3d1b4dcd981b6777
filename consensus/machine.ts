/**
 * Tendermint as a pure function. Line numbers (L..) are those of Algorithm 1, arXiv:1807.04938v3.
 *
 * The machine never signs, sends, waits or stores: it says so in effects and `driver.ts` obeys. Its
 * inputs are facts that the driver has checked; the rules that combine them are in `rules.ts`.
 */
import {
  andThen,
  type Candidate,
  type HeightRules,
  type Input,
  type State,
  Step,
  stay,
  type Transition,
} from './machineState.ts'
import type { Vote } from './messages.ts'
import { keepsRound, startRound, stepTo } from './round.ts'
import { rules } from './rules.ts'
import { addVote, forgetVoter, votersOf } from './votes.ts'

/** L1-L10: a height begins with its round 0. */
export function startHeight(heightRules: HeightRules): Transition {
  const state: State = {
    rules: heightRules,
    round: 0,
    step: Step.Propose,
    locked: null,
    valid: null,
    candidates: new Map(),
    verdicts: new Map(),
    votes: new Map(),
    seen: { anyPrevotes: false, polka: false, anyPrecommits: false },
    decided: null,
  }
  return andThen(startRound(state, 0), settle)
}

/** Apply one input. One that no rule admits leaves the state as it was, with no effects. */
export function step(state: State, input: Input): Transition {
  if (state.decided !== null) return stay(state)
  return andThen(take(state, input), settle)
}

function take(state: State, input: Input): Transition {
  switch (input.type) {
    case 'proposal':
      return stay(onProposal(state, input))
    case 'complete':
      return stay(onComplete(state, input))
    case 'judged':
      return stay(onJudged(state, input))
    case 'vote':
      return onVote(state, input.vote)
    case 'timeout':
      return onTimeout(state, input)
    default:
      return input satisfies never
  }
}

/** Apply rules until none fires. Each firing uses up a step, a round or a first time, so this ends. */
function settle(state: State): Transition {
  let transition = stay(state)
  for (;;) {
    const current = transition.state
    if (current.decided !== null) return transition
    const fired = firstToFire(current)
    if (fired === null) return transition
    transition = andThen(transition, () => fired)
  }
}

function firstToFire(state: State): Transition | null {
  for (const rule of rules) {
    const fired = rule(state)
    if (fired !== null) return fired
  }
  return null
}

type InputOf<T extends Input['type']> = Extract<Input, { type: T }>

/** The first proposal of a round is the round's; a proposer that sends two helps nobody. */
function onProposal(state: State, { proposal, timely }: InputOf<'proposal'>): State {
  const { round } = proposal
  const near = round === state.round || round === state.round + 1
  if (!near || state.candidates.has(round)) return state
  const candidate: Candidate = { proposal, timely }
  return { ...state, candidates: new Map(state.candidates).set(round, candidate) }
}

function onComplete(state: State, { value }: InputOf<'complete'>): State {
  if (state.verdicts.has(value)) return state
  return { ...state, verdicts: new Map(state.verdicts).set(value, { type: 'complete' }) }
}

/** A verdict needs a value in hand, and once given it stands. */
function onJudged(state: State, { value, time }: InputOf<'judged'>): State {
  if (state.verdicts.get(value)?.type !== 'complete') return state
  const verdict = time === null ? { type: 'invalid' as const } : { type: 'valid' as const, time }
  return { ...state, verdicts: new Map(state.verdicts).set(value, verdict) }
}

function onVote(state: State, vote: Vote): Transition {
  const power = state.rules.powers[vote.index]
  if (power === undefined || !keepsRound(state, vote.round)) return stay(state)
  const added = addVote(state.votes, vote, power, seeks(state, vote))
  if (added.type !== 'added') return stay(state)
  const next = boundFuture({ ...state, votes: added.book }, vote)
  if (added.conflict === null) return stay(next)
  return {
    state: next,
    effects: [{ type: 'evidence', first: added.conflict, second: vote }],
  }
}

/** Rounds ahead of the next one that each member may fill with votes: its newest ones. */
export const futureRounds = 2

/** The proposal at hand rests on this very vote (L28). */
function seeks(state: State, vote: Vote): boolean {
  const proposal = state.candidates.get(state.round)?.proposal
  return proposal?.validRound === vote.round && proposal.envelopeHash === vote.hash
}

/** Forget the voter's oldest rounds ahead, so that a liar fills two rounds at most, in its own name. */
function boundFuture(state: State, { index }: Vote): State {
  const ahead = [...state.votes.keys()]
    .filter((round) => round > state.round + 1 && votersOf(state.votes, round).has(index))
    .toSorted((a, b) => b - a)
  const power = state.rules.powers[index]!
  const votes = ahead
    .slice(futureRounds)
    .reduce((book, round) => forgetVoter(book, round, index, power), state.votes)
  return { ...state, votes }
}

/** L57-L60, L61-L64, L65-L67 */
function onTimeout(state: State, timeout: InputOf<'timeout'>): Transition {
  if (timeout.round !== state.round) return stay(state)
  if (timeout.step === Step.Precommit) return startRound(state, state.round + 1)
  if (timeout.step !== state.step) return stay(state)
  return timeout.step === Step.Propose
    ? stepTo(state, Step.Prevote, null)
    : stepTo(state, Step.Precommit, null)
}
