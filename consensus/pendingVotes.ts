/**
 * Votes whose signatures have not been looked at. One check costs a millisecond, a batch over one
 * message little more, and votes beyond a quorum change nothing: so they wait here until, were all of
 * them right, a rule of the machine could fire, or somebody seems to lie. What waits longer is taken by
 * the driver's tick, so a second is all that anything can be held up.
 */
import type { PeerId } from './driverModules.ts'
import type { State } from './machineState.ts'
import { type Vote, VoteKind } from './messages.ts'
import { keepsRound } from './round.ts'
import { isQuorum, isThird, tallyOf, votersOf } from './votes.ts'

/** A vote of the right shape, and the peer that brought it and answers for its signature. */
export type ClaimedVote = { readonly peer: PeerId; readonly vote: Vote }

export type PendingVotes = {
  /** Keep a vote; a second copy of the same signature is dropped. */
  readonly add: (claimed: ClaimedVote) => void
  /** Those that could move the machine from `state`, each handed out once. */
  readonly takeDue: (state: State) => readonly ClaimedVote[]
  /** Everything that waits and is still of use. */
  readonly takeAll: (state: State) => readonly ClaimedVote[]
}

/** With more than this waiting all are due, so that nobody fills the memory with rounds to come. */
export const maxPendingVotes = 2_048

export function createPendingVotes(): PendingVotes {
  let waiting: readonly ClaimedVote[] = []

  /** Takes `due` out, and forgets what the machine has no use for. */
  function take(state: State, due: ReadonlySet<ClaimedVote>): readonly ClaimedVote[] {
    waiting = waiting.filter((one) => !due.has(one) && isUseful(state, one.vote))
    return [...due].filter(({ vote }) => isUseful(state, vote))
  }

  return {
    add: (claimed) => {
      const known = waiting.some(({ vote }) => isCopy(vote, claimed.vote))
      if (!known) waiting = [...waiting, claimed]
    },
    takeDue: (state) => {
      if (waiting.length === 0) return []
      return take(
        state,
        waiting.length > maxPendingVotes ? new Set(waiting) : dueOf(state, waiting),
      )
    },
    takeAll: (state) => take(state, new Set(waiting)),
  }
}

/** The machine would take the vote, and does not have it. */
function isUseful(state: State, { round, kind, index, hash }: Vote): boolean {
  const known = tallyOf(state.votes, round, kind).byMember.get(index) ?? []
  return (
    state.decided === null && keepsRound(state, round) && known.every((one) => one.hash !== hash)
  )
}

function dueOf(state: State, waiting: readonly ClaimedVote[]): ReadonlySet<ClaimedVote> {
  const due = new Set<ClaimedVote>()
  for (const [round, votes] of Map.groupBy(waiting, ({ vote }) => vote.round)) {
    for (const claimed of votes) if (isContested(state, claimed, votes)) due.add(claimed)
    if (round > state.round) {
      const voters = [...votersOf(state.votes, round), ...votes.map(({ vote }) => vote.index)]
      if (isThird(powerOf(state, voters), state.rules.total)) add(votes)
    } else
      for (const kind of [VoteKind.Prevote, VoteKind.Precommit])
        add(
          completing(
            state,
            round,
            votes.filter(({ vote }) => vote.kind === kind),
          ),
        )
  }
  return due

  function add(votes: readonly ClaimedVote[]): void {
    for (const claimed of votes) due.add(claimed)
  }
}

/** Another vote or another signature in the same name: one of them is evidence, or forged. */
function isContested(state: State, { vote }: ClaimedVote, others: readonly ClaimedVote[]): boolean {
  const { round, kind, index, hash } = vote
  const known = tallyOf(state.votes, round, kind).byMember.get(index) ?? []
  return (
    known.some((other) => other.hash !== hash) ||
    others.some(
      ({ vote: other }) =>
        other !== vote && other.kind === kind && other.index === index && !isCopy(other, vote),
    )
  )
}

/** Of votes of one round and kind, those that may complete a quorum (L28, L34, L36, L44, L47, L49). */
function completing(
  state: State,
  round: number,
  votes: readonly ClaimedVote[],
): readonly ClaimedVote[] {
  const [first] = votes
  if (first === undefined) return []
  const { total } = state.rules
  const tally = tallyOf(state.votes, round, first.vote.kind)
  const voters = [...tally.byMember.keys(), ...votes.map(({ vote }) => vote.index)]
  if (!isQuorum(powerOf(state, voters), total)) return []
  if (!isQuorum(tally.power, total)) return votes
  return [...Map.groupBy(votes, ({ vote }) => vote.hash)].flatMap(([hash, same]) => {
    const verified = tally.byHash.get(hash) ?? 0n
    const claimed = powerOf(
      state,
      same.map(({ vote }) => vote.index),
    )
    return !isQuorum(verified, total) && isQuorum(verified + claimed, total) ? same : []
  })
}

/** Power of members, each counted once. */
function powerOf(state: State, members: readonly number[]): bigint {
  return [...new Set(members)].reduce((sum, index) => sum + state.rules.powers[index]!, 0n)
}

function isCopy(a: Vote, b: Vote): boolean {
  return (
    a.kind === b.kind &&
    a.round === b.round &&
    a.index === b.index &&
    a.hash === b.hash &&
    a.signature.every((byte, i) => byte === b.signature[i])
  )
}
