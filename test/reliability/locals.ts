/**
 * One node of the explored system: states of the real machine, each with the number it is known by, and
 * what becomes of it by each batch, computed once by the real code and then remembered.
 *
 * Between batches a node forgets the votes, proposals and verdicts it was given: all of them can be had
 * again at any time, and having fewer of them never forbids a rule. So delivery is as late as possible,
 * which leaves every behaviour and drops the orders that differ in nothing.
 */
import type { Effect, Input, State } from '../../consensus/machineState.ts'
import { Step } from '../../consensus/machineState.ts'
import { type Vote, VoteKind } from '../../consensus/messages.ts'
import { fakeVote } from '../consensus/fixtures.ts'
import { inputsOf, Kind, kindOf, offerOf } from './batches.ts'
import {
  type Ballot,
  ballotOf,
  hashOfBallot,
  type Machine,
  type Offer,
  rulesOf,
  type Scenario,
  type Value,
  values,
} from './scenario.ts'

export type Local = {
  readonly id: number
  readonly state: State
  /** What was sent, by `2·round`, plus one for precommits. */
  readonly sent: readonly Ballot[]
  /** What was proposed, by round. */
  readonly offers: readonly (Offer | null)[]
  readonly restarted: boolean
  /** A rule this node has broken on its way here. */
  readonly fault: string | null
}

/** A proposal, and whether the proof of lock that it names can be had. */
type BackedOffer = Offer & { readonly backed: boolean }

type Draft = Omit<Local, 'id'>

export type Locals = {
  readonly at: (id: number) => Local
  readonly start: (member: number) => readonly number[]
  readonly after: (id: number, batch: number) => readonly number[]
  readonly decides: (id: number, batch: number) => boolean
  /** The same with the values exchanged. */
  readonly swapped: (id: number) => number
  readonly count: () => number
}

export function createLocals(machine: Machine, scenario: Scenario): Locals {
  const known: Local[] = []
  const byKey = new Map<string, number>()
  const steps = new Map<number, readonly number[]>()
  const decisions = new Map<number, boolean>()
  const swaps = new Map<number, number>()

  function intern(draft: Draft): number {
    const key = keyOf(draft)
    const id = byKey.get(key)
    if (id !== undefined) return id
    byKey.set(key, known.length)
    known.push({ ...draft, id: known.length })
    return known.length - 1
  }

  /** Carry out effects; where a new value is asked for, either will do. */
  function settle(
    draft: Draft,
    effects: readonly Effect[],
    offer: BackedOffer | null,
  ): readonly number[] {
    let drafts: readonly Draft[] = [draft]
    for (const effect of effects) {
      if (effect.type === 'vote') drafts = drafts.map((one) => cast(one, effect, offer))
      if (effect.type === 'propose') drafts = drafts.flatMap((one) => propose(one, effect))
    }
    return drafts.map(intern)
  }

  function cast(
    draft: Draft,
    { kind, round, hash }: Extract<Effect, { type: 'vote' }>,
    offer: BackedOffer | null,
  ): Draft {
    if (round >= scenario.rounds || draft.state.rules.self === null) return draft
    const place = 2 * round + (kind === VoteKind.Prevote ? 0 : 1)
    if (scenario.guarded && !mayCast(draft, place, ballotOf(hash))) return draft
    const fault = draft.fault ?? voteFault(scenario, draft, place, ballotOf(hash), offer)
    return { ...draft, sent: draft.sent.with(place, ballotOf(hash)), fault }
  }

  function propose(draft: Draft, effect: Extract<Effect, { type: 'propose' }>): readonly Draft[] {
    const { round, value } = effect
    if (round >= scenario.rounds || draft.offers[round] !== null) return [draft]
    const good = ([0, 1] as const).filter((one) => !scenario.invalid.includes(one))
    const offers: readonly Offer[] =
      value === null
        ? good.map((one) => ({ value: one, validRound: -1 }))
        : [{ value: values.indexOf(value.value) as Value, validRound: value.round }]
    return offers.map((offer) => ({ ...draft, offers: draft.offers.with(round, offer) }))
  }

  function start(member: number): readonly number[] {
    const { state, effects } = machine.startHeight(rulesOf(scenario, roleOf(scenario, member)))
    const sent = new Array<Ballot>(2 * scenario.rounds).fill(0)
    const offers = new Array<Offer | null>(scenario.rounds).fill(null)
    const draft = { state: bare(state), sent, offers, restarted: false, fault: null }
    return settle(draft, effects, null)
  }

  function compute(id: number, batch: number): readonly number[] {
    const local = known[id]!
    if (kindOf(batch) === Kind.LostLog) return restart(local)
    const timeout = timeoutOf(local.state, batch)
    const offer = kindOf(batch) === Kind.Proposal ? backedOffer(scenario, batch) : null
    for (const inputs of inputsOf(scenario, local.state, batch)) {
      const fed = feed(machine, local.state, inputs)
      if (timeout === null) return settle({ ...local, state: bare(fed.state) }, fed.effects, offer)
      if (fed.moved || !isScheduled(fed.effects, timeout.step)) continue
      const late = machine.step(fed.state, timeout)
      return settle({ ...local, state: bare(late.state) }, late.effects, null)
    }
    return [id]
  }

  /** All of the log is gone; the guard knows what it signed last. */
  function restart(local: Local): readonly number[] {
    const last = scenario.guarded ? lastVote(local) : null
    const signed = last === null ? null : ({ type: 'vote', vote: last } as const)
    const replay = machine.replayHeight(local.state.rules, [], () => false, signed)
    return settle({ ...local, state: bare(replay.state), restarted: true }, replay.pending, null)
  }

  function after(id: number, batch: number): readonly number[] {
    const key = id * 2 ** 24 + batch
    const result = steps.get(key) ?? compute(id, batch)
    steps.set(key, result)
    return result
  }

  function decides(id: number, batch: number): boolean {
    const key = id * 2 ** 24 + batch
    const remembered = decisions.get(key)
    if (remembered !== undefined) return remembered
    const { state } = known[id]!
    const hash = hashOfBallot((batch >> 3) & 3)
    const result = inputsOf(scenario, state, batch).some((inputs) => {
      let current = state
      for (const input of inputs) current = machine.step(current, input).state
      return current.decided?.value === hash
    })
    decisions.set(key, result)
    return result
  }

  function swapped(id: number): number {
    const result = swaps.get(id) ?? intern(swapValues(known[id]!))
    swaps.set(id, result)
    return result
  }

  return { at: (id) => known[id]!, start, after, decides, swapped, count: () => known.length }
}

/** Honest nodes that never propose are alike. */
export function roleOf({ powers, proposers, liars, rounds }: Scenario, member: number): number {
  const turns = proposers.slice(0, rounds)
  const alike = (other: number) =>
    !(turns.includes(other) || liars.includes(other)) && powers[other] === powers[member]
  return alike(member) ? powers.findIndex((_, other) => alike(other)) : member
}

function backedOffer(scenario: Scenario, batch: number): BackedOffer {
  const { powers, liars } = scenario
  const { backers, ...offer } = offerOf(scenario, batch)
  const total = powers.reduce((a, b) => a + b, 0n)
  const voters = powers.filter((_, i) => liars.includes(i) || ((backers >> i) & 1) === 1)
  const backed = 3n * voters.reduce((a, b) => a + b, 0n) > 2n * total
  return { ...offer, backed: offer.validRound < 0 || backed }
}

function voteFault(
  { invalid }: Scenario,
  { state, sent }: Draft,
  place: number,
  ballot: Ballot,
  offer: BackedOffer | null,
): string | null {
  const before = sent[place]!
  if (before !== 0 && before !== ballot) return 'framing: an honest node voted twice'
  if (invalid.includes((ballot - 2) as Value)) return 'validity: voted for a bad value'
  if (ballot < 2) return null
  if (offer?.backed === false) return 'proof: prevoted again without two thirds behind it'
  return lockFault(state.locked, place, ballot, offer)
}

function lockFault(
  locked: State['locked'],
  place: number,
  ballot: Ballot,
  offer: BackedOffer | null,
): string | null {
  const same = locked?.value === values[ballot - 2]
  if (place % 2 === 1)
    return same && locked?.round === place >> 1 ? null : 'lock: precommitted without a lock'
  const free = locked === null || same || (offer !== null && offer.validRound >= locked.round)
  return free ? null : 'lock: prevoted against a lock'
}

/** Later than all that was sent, or the same again. */
function mayCast({ sent }: Draft, place: number, ballot: Ballot): boolean {
  const last = sent.findLastIndex((cast) => cast !== 0)
  return place > last || (place === last && sent[place] === ballot)
}

function lastVote({ sent }: Draft): Vote | null {
  const last = sent.findLastIndex((cast) => cast !== 0)
  if (last === -1) return null
  const kind = last % 2 === 0 ? VoteKind.Prevote : VoteKind.Precommit
  return fakeVote(kind, 0, last >> 1, hashOfBallot(sent[last]!))
}

/** Feed inputs until one of them shows. */
function feed(machine: Machine, from: State, inputs: readonly Input[]) {
  let state = from
  const effects: Effect[] = []
  for (const input of inputs) {
    const next = machine.step(state, input)
    const moved = next.effects.some(({ type }) => isVisible(type)) || hasLearnt(state, next.state)
    state = next.state
    effects.push(...next.effects)
    if (moved) return { state, effects, moved }
  }
  return { state, effects, moved: false }
}

function isVisible(type: Effect['type']): boolean {
  return type === 'vote' || type === 'propose' || type === 'startRound' || type === 'commit'
}

function hasLearnt(before: State, after: State): boolean {
  return before.locked !== after.locked || before.valid !== after.valid
}

function isScheduled(effects: readonly Effect[], step: Step): boolean {
  return effects.some((effect) => effect.type === 'scheduleTimeout' && effect.step === step)
}

function timeoutOf({ round }: State, batch: number) {
  const kind = kindOf(batch)
  if (kind === Kind.PrevoteTimeout) return { type: 'timeout', step: Step.Prevote, round } as const
  if (kind === Kind.PrecommitTimeout)
    return { type: 'timeout', step: Step.Precommit, round } as const
  return null
}

/** What can be had again is forgotten. */
function bare(state: State): State {
  return {
    ...state,
    candidates: new Map(),
    verdicts: new Map(),
    votes: new Map(),
    seen: { ...state.seen, anyPrevotes: false, anyPrecommits: false },
  }
}

function keyOf({ state, sent, offers, restarted, fault }: Draft): string {
  const { round, step, locked, valid, seen, rules } = state
  const claims = [locked, valid].map((claim) => claim && [ballotOf(claim.value), claim.round])
  const flags = [seen.polka, restarted, rules.self]
  return JSON.stringify([round, step, claims, flags, sent, offers, fault])
}

function swapValues({ id: _, ...local }: Local): Draft {
  const swap = (claim: State['locked']) =>
    claim && { ...claim, value: values[1 - values.indexOf(claim.value)]! }
  return {
    ...local,
    state: { ...local.state, locked: swap(local.state.locked), valid: swap(local.state.valid) },
    sent: local.sent.map((ballot) => (ballot < 2 ? ballot : 5 - ballot)),
    offers: local.offers.map((offer) => offer && { ...offer, value: (1 - offer.value) as Value }),
  }
}
