/**
 * The "upon" rules of Algorithm 1, arXiv:1807.04938v3, one function each: the transition if the rule
 * may fire in this state, else null. A commit comes first, then a round skip, then the rest in order.
 *
 * Two departures, both towards less: a value with a quorum counts as proposed (an honest third must have
 * seen its proposal), and L49 needs the value's bytes but no verdict of ours, since admissibility is not
 * judged at commit and a value whose execution fails stops the node there.
 */
import { type Effect, type State, Step, type Transition } from './machineState.ts'
import { VoteKind } from './messages.ts'
import { startRound, stepTo } from './round.ts'
import { hasQuorum, isQuorum, isThird, quorumHash, tallyOf, votersOf } from './votes.ts'

type Rule = (state: State) => Transition | null

/** L49-L54: more than 2/3 precommits of any one round for a value in hand. */
function decide(state: State): Transition | null {
  for (const [round, { precommit }] of state.votes) {
    const value = quorumHash(precommit, state.rules.total)
    if (value === undefined || value === null || !state.verdicts.has(value)) continue
    return {
      state: { ...state, decided: { value, round } },
      effects: [{ type: 'commit', round, value }],
    }
  }
  return null
}

/** L55-L56: more than 1/3 of the power is in a later round; of several, the latest. */
function skipRound(state: State): Transition | null {
  const { powers, total } = state.rules
  const later = [...state.votes.keys()].filter((round) => round > state.round)
  for (const round of later.toSorted((a, b) => b - a)) {
    let power = 0n
    for (const voter of votersOf(state.votes, round)) power += powers[voter]!
    if (isThird(power, total)) return startRound(state, round)
  }
  return null
}

/** L22-L27: a new value. A nil that is certain need not wait for the verdict. */
function prevoteNew(state: State): Transition | null {
  const candidate = state.candidates.get(state.round)
  if (state.step !== Step.Propose || candidate?.proposal.validRound !== -1) return null
  const { envelopeHash: value, time } = candidate.proposal
  const free = state.locked === null || state.locked.value === value
  if (!free || !candidate.timely) return stepTo(state, Step.Prevote, null)
  const verdict = state.verdicts.get(value)
  if (verdict === undefined || verdict.type === 'complete') return null
  const good = verdict.type === 'valid' && verdict.time === time
  return stepTo(state, Step.Prevote, good ? value : null)
}

/** L28-L33: a value proposed again, with more than 2/3 prevotes of an earlier round behind it. */
function prevoteAgain(state: State): Transition | null {
  const proposal = state.candidates.get(state.round)?.proposal
  if (state.step !== Step.Propose || proposal === undefined) return null
  const { validRound, envelopeHash: value } = proposal
  if (validRound < 0 || validRound >= state.round) return null
  if (!hasQuorum(tallyOf(state.votes, validRound, VoteKind.Prevote), value, state.rules.total))
    return null
  const { locked } = state
  const free = locked === null || locked.round <= validRound || locked.value === value
  if (!free) return stepTo(state, Step.Prevote, null)
  const verdict = state.verdicts.get(value)
  if (verdict === undefined || verdict.type === 'complete') return null
  return stepTo(state, Step.Prevote, verdict.type === 'valid' ? value : null)
}

/** L36-L43: more than 2/3 prevotes for a value found valid: lock it, if still in time to. */
function lock(state: State): Transition | null {
  if (state.seen.polka || state.step === Step.Propose) return null
  const tally = tallyOf(state.votes, state.round, VoteKind.Prevote)
  const value = quorumHash(tally, state.rules.total)
  if (value === undefined || value === null) return null
  if (state.verdicts.get(value)?.type !== 'valid') return null
  const claim = { value, round: state.round }
  const known: State = { ...state, valid: claim, seen: { ...state.seen, polka: true } }
  return state.step === Step.Prevote
    ? stepTo({ ...known, locked: claim }, Step.Precommit, value)
    : { state: known, effects: [] }
}

/** L44-L46: more than 2/3 prevotes for nil. */
function precommitNil(state: State): Transition | null {
  const tally = tallyOf(state.votes, state.round, VoteKind.Prevote)
  if (state.step !== Step.Prevote || !hasQuorum(tally, null, state.rules.total)) return null
  return stepTo(state, Step.Precommit, null)
}

/** L34-L35: more than 2/3 prevotes, but not for one value yet. */
function awaitPrevotes(state: State): Transition | null {
  if (state.step !== Step.Prevote || state.seen.anyPrevotes) return null
  if (!anyQuorum(state, VoteKind.Prevote)) return null
  return {
    state: { ...state, seen: { ...state.seen, anyPrevotes: true } },
    effects: [timeoutOf(state, Step.Prevote)],
  }
}

/** L47-L48: more than 2/3 precommits, but not for one value in hand yet. */
function awaitPrecommits(state: State): Transition | null {
  if (state.seen.anyPrecommits || !anyQuorum(state, VoteKind.Precommit)) return null
  return {
    state: { ...state, seen: { ...state.seen, anyPrecommits: true } },
    effects: [timeoutOf(state, Step.Precommit)],
  }
}

/** In the order in which they are tried. */
export const rules: readonly Rule[] = [
  decide,
  skipRound,
  prevoteNew,
  prevoteAgain,
  lock,
  precommitNil,
  awaitPrevotes,
  awaitPrecommits,
]

function anyQuorum(state: State, kind: VoteKind): boolean {
  return isQuorum(tallyOf(state.votes, state.round, kind).power, state.rules.total)
}

function timeoutOf(state: State, step: Step): Effect {
  return { type: 'scheduleTimeout', step, round: state.round }
}
