/**
 * Progress: from wherever the explorer's system can get, the honest nodes must decide once messages
 * arrive in time and the liars fall silent. The nodes are given books that the liars have filled as
 * badly as they can; what they then hear is what honest nodes repeat.
 */
import { type Effect, type Input, type State, Step } from '../../consensus/machineState.ts'
import { VoteKind } from '../../consensus/messages.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { nameOf } from '../consensus/fixtures.ts'
import type { Local } from './locals.ts'
import {
  ballotOf,
  ballots,
  type Machine,
  proposalInput,
  rulesOf,
  type Scenario,
  type Value,
  values,
  verdictInputs,
  voteInput,
} from './scenario.ts'
import { createSystem, type Global, type System } from './system.ts'

/** Every three rounds an honest proposer has a turn, whoever holds the newest claim. */
const enough = 16

type Peer = { state: State; timeouts: Input[] }

/** The end of a walk of `length` moves drawn from `seed`. */
export function wander(system: System, seed: number, length: number): Global {
  const random = new SeededRandom('walk', nameOf(`walk ${seed}`))
  const draw = <T>(items: readonly T[]): T => items[random.below(items.length)]!
  let global = draw(system.starts())
  for (let i = random.below(length); i > 0; i--) {
    const moves = system.moves(global)
    if (moves.length === 0) break
    global = draw(moves).to
  }
  return global
}

/** What is wrong with a good period that begins here; null if all honest nodes decide in time. */
export function complaint(
  machine: Machine,
  scenario: Scenario,
  system: System,
  from: Global,
): string | null {
  const { honest } = system
  const nodes = from.map(system.locals.at)
  const repeated = repeatedVotes(scenario, nodes)
  const pool: Input[] = nodes.flatMap((node, i) => sentBy(node, honest[i]!))
  const peers: Peer[] = nodes.map(({ state }, i) => ({
    // Nodes that were alike in the explored rounds are themselves again.
    state: { ...state, rules: rulesOf(scenario, honest[i]!) },
    timeouts: [],
  }))

  function feed(member: number, input: Input): void {
    const peer = peers[honest.indexOf(member)]!
    const { state, effects } = machine.step(peer.state, input)
    peer.state = state
    for (const effect of effects) perform(member, peer, effect)
  }

  function perform(member: number, peer: Peer, effect: Effect): void {
    if (effect.type === 'vote' && peer.state.rules.self !== null)
      pool.push(voteInput(effect.kind, member, effect.round, ballotOf(effect.hash)))
    if (effect.type === 'propose') pool.push(offerBy(member, effect))
    if (effect.type === 'scheduleTimeout')
      peer.timeouts.push({ type: 'timeout', step: effect.step, round: effect.round })
  }

  function feedAll(inputs: readonly Input[]): void {
    for (const member of honest) for (const input of inputs) feed(member, input)
  }

  /** What is sent while this goes on is delivered, too. */
  function deliverAll(): void {
    for (const input of pool) feedAll([input, ...verdicts(scenario), ...repeated])
  }

  feedAll(junk(scenario, nodes))
  for (const { state, timeouts } of peers)
    timeouts.push({ type: 'timeout', step: Step.Propose, round: state.round })
  const last = enough + Math.max(...nodes.map(({ state }) => state.round))
  for (;;) {
    deliverAll()
    if (peers.every(({ state }) => state.decided !== null)) return null
    if (peers.some(({ state }) => isBehind(scenario, state, pool))) return 'left behind'
    const due = peers.map((peer) => peer.timeouts.splice(0))
    const stuck = due.every((timeouts) => timeouts.length === 0)
    if (stuck || peers.some(({ state }) => state.round > last)) return 'stalled'
    due.forEach((timeouts, i) => {
      for (const timeout of timeouts) feed(honest[i]!, timeout)
    })
  }
}

/** L55: who has heard a third of the power in a round must not be behind it. */
function isBehind({ powers }: Scenario, state: State, heard: readonly Input[]): boolean {
  if (state.decided !== null) return false
  const ahead = new Map<number, Set<number>>()
  for (const input of heard)
    if (input.type === 'vote' && input.vote.round > state.round) {
      const { round, index } = input.vote
      ahead.set(round, (ahead.get(round) ?? new Set()).add(index))
    }
  const total = powers.reduce((a, b) => a + b, 0n)
  return [...ahead.values()].some(
    (voters) => 3n * [...voters].reduce((sum, index) => sum + powers[index]!, 0n) > total,
  )
}

function offerBy(member: number, effect: Extract<Effect, { type: 'propose' }>): Input {
  const value = (effect.value === null ? 0 : values.indexOf(effect.value.value)) as Value
  return proposalInput({ value, validRound: effect.value?.round ?? -1 }, effect.round, member, true)
}

function verdicts(scenario: Scenario): readonly Input[] {
  return ([0, 1] as const).flatMap((value) => verdictInputs(scenario, value))
}

function sentBy({ sent, offers }: Local, member: number): readonly Input[] {
  const votes = sent.flatMap((ballot, place) =>
    ballot === 0 ? [] : [voteInput(kindAt(place), member, place >> 1, ballot)],
  )
  const proposals = offers.flatMap((offer, round) =>
    offer === null ? [] : [proposalInput(offer, round, member, true)],
  )
  return [...proposals, ...votes]
}

function kindAt(place: number): VoteKind {
  return place % 2 === 0 ? VoteKind.Prevote : VoteKind.Precommit
}

/**
 * Votes of liars that an honest node's claim rests on, or that may have let it leave a round: it has
 * them, and repeats them.
 */
function repeatedVotes({ liars }: Scenario, nodes: readonly Local[]): readonly Input[] {
  const newest = Math.max(...nodes.map(({ state }) => state.round))
  const left = Array.from({ length: newest }, (_, round) => round)
  return liars.flatMap((liar) => [
    ...nodes.flatMap(({ state: { valid } }) =>
      valid === null ? [] : [voteInput(VoteKind.Prevote, liar, valid.round, ballotOf(valid.value))],
    ),
    ...left.map((round) => voteInput(VoteKind.Precommit, liar, round, 1)),
  ])
}

/** Two prevotes of each liar for anything but the newest claim, in every round so far. */
function junk({ liars, rounds }: Scenario, nodes: readonly Local[]): readonly Input[] {
  const newest = nodes
    .flatMap(({ state: { valid } }) => valid ?? [])
    .reduce((a, b) => (b.round > a.round ? b : a), { round: -1, value: values[1]! })
  const others = ballots.filter((ballot) => ballot !== ballotOf(newest.value))
  return Array.from({ length: rounds }, (_, round) => round).flatMap((round) =>
    liars.flatMap((liar) =>
      others.map((ballot) => voteInput(VoteKind.Prevote, liar, round, ballot)),
    ),
  )
}

/** The first of `walks` walks from which the honest nodes cannot decide any more; null if there is none. */
export function findStuck(
  machine: Machine,
  scenario: Scenario,
  walks: number,
): { readonly seed: number; readonly why: string } | null {
  const system = createSystem(machine, scenario, 'all')
  for (let seed = 0; seed < walks; seed++) {
    const why = complaint(machine, scenario, system, wander(system, seed, 24))
    if (why !== null) return { seed, why }
  }
  return null
}
