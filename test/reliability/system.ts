/**
 * The explored system: the honest nodes side by side, and what the network and the liars can do next.
 * What was sent stays in the network for ever and may reach anybody at any time, or never.
 */
import { Step } from '../../consensus/machineState.ts'
import { VoteKind } from '../../consensus/messages.ts'
import {
  decideBatch,
  lostLog,
  polkaBatch,
  proposalBatch,
  proposeTimeout,
  skipBatch,
  timeoutBatch,
} from './batches.ts'
import { createLocals, type Local, roleOf } from './locals.ts'
import { ballots, type Machine, type Offer, type Scenario, type Value } from './scenario.ts'

/** Numbers of the honest nodes' states, in order of their places. */
export type Global = readonly number[]

export type Move = { readonly member: number; readonly batch: number; readonly to: Global }

/** Which rules are watched. */
export type Watch = 'all' | 'agreement'

export type System = {
  readonly honest: readonly number[]
  readonly starts: () => readonly Global[]
  readonly moves: (from: Global) => readonly Move[]
  /** The rule that this state breaks, or null. */
  readonly fault: (global: Global) => string | null
  /** One of the states that differ only in names. */
  readonly canonical: (global: Global) => Global
  readonly locals: ReturnType<typeof createLocals>
}

export function createSystem(machine: Machine, scenario: Scenario, watch: Watch): System {
  const { powers, liars, rounds, proposers, invalid, losesLogs } = scenario
  const locals = createLocals(machine, scenario)
  const honest = powers.map((_, member) => member).filter((member) => !liars.includes(member))
  const total = powers.reduce((a, b) => a + b, 0n)
  const roundsList = Array.from({ length: rounds }, (_, round) => round)

  /** Honest members whose `place` holds `ballot`. */
  function maskOf(nodes: readonly Local[], place: number, ballot: number): number {
    let mask = 0
    for (const [i, { sent }] of nodes.entries()) if (sent[place] === ballot) mask |= 1 << honest[i]!
    return mask
  }

  function batchesOf(nodes: readonly Local[], local: Local): readonly number[] {
    const { round, step } = local.state
    if (round >= rounds) return []
    const batches: number[] = []
    if (step === Step.Propose) batches.push(proposeTimeout, ...proposalBatches(nodes, round))
    else
      for (const ballot of step === Step.Prevote ? ballots : [2, 3])
        batches.push(polkaBatch(ballot, maskOf(nodes, 2 * round, ballot)))
    if (step === Step.Prevote)
      batches.push(timeoutBatch(VoteKind.Prevote, combination(nodes, 2 * round)))
    batches.push(timeoutBatch(VoteKind.Precommit, combination(nodes, 2 * round + 1)))
    for (let later = round + 1; later < rounds; later++)
      batches.push(skipBatch(later, seenIn(nodes, later)))
    return batches
  }

  function combination(nodes: readonly Local[], place: number): number {
    return nodes.reduce((sum, { sent }, i) => sum | (sent[place]! << (2 * honest[i]!)), 0)
  }

  function seenIn(nodes: readonly Local[], round: number): number {
    return nodes.reduce(
      (mask, { sent }, i) =>
        sent[2 * round] === 0 && sent[2 * round + 1] === 0 ? mask : mask | (1 << honest[i]!),
      0,
    )
  }

  function proposalBatches(nodes: readonly Local[], round: number): readonly number[] {
    return offersAt(nodes, round).flatMap((offer) => {
      if (offer.validRound < 0)
        return [proposalBatch(offer, true, 0), proposalBatch(offer, false, 0)]
      return [proposalBatch(offer, true, combination(nodes, 2 * offer.validRound))]
    })
  }

  function offersAt(nodes: readonly Local[], round: number): readonly Offer[] {
    const proposer = proposers[round % proposers.length]!
    if (!liars.includes(proposer)) {
      const offer = nodes[honest.indexOf(proposer)]!.offers[round]
      return offer ? [offer] : []
    }
    const validRounds = Array.from({ length: round + 1 }, (_, i) => i - 1)
    return ([0, 1] as const).flatMap((value) =>
      validRounds.map((validRound) => ({ value, validRound })),
    )
  }

  function moves(from: Global): readonly Move[] {
    const nodes = from.map(locals.at)
    const extra = losesLogs && nodes.every(({ restarted }) => !restarted) ? [lostLog] : []
    return nodes.flatMap((local, i) =>
      [...batchesOf(nodes, local), ...extra].flatMap((batch) => movesBy(from, i, batch)),
    )
  }

  function movesBy(from: Global, place: number, batch: number): readonly Move[] {
    const id = from[place]!
    return locals
      .after(id, batch)
      .filter((to) => to !== id)
      .map((to) => ({ member: honest[place]!, batch, to: from.with(place, to) }))
  }

  function fault(global: Global): string | null {
    const nodes = global.map(locals.at)
    const own = nodes.find((node) => node.fault !== null)?.fault ?? null
    if (watch === 'all' && own !== null) return own
    const decided = decisions(nodes)
    if (new Set(decided.map(({ value }) => value)).size > 1)
      return 'agreement: two values can be decided'
    if (watch === 'agreement') return null
    if (decided.some(({ value }) => invalid.includes(value)))
      return 'validity: a bad value can be decided'
    const lost = decided.some(({ value, round }) => hasLaterPolka(nodes, value, round))
    return lost ? 'lock: two thirds prevoted against a decision' : null
  }

  function decisions(nodes: readonly Local[]) {
    const found: { readonly value: Value; readonly round: number }[] = []
    for (const round of roundsList)
      for (const value of [0, 1] as const) {
        const mask = maskOf(nodes, 2 * round + 1, value + 2)
        if (mask === 0) continue
        const batch = decideBatch(value + 2, round, mask)
        if (locals.decides(nodes[0]!.id, batch)) found.push({ value, round })
      }
    return found
  }

  function hasLaterPolka(nodes: readonly Local[], value: Value, decided: number): boolean {
    return roundsList.some((round) => {
      if (round <= decided) return false
      const mask = maskOf(nodes, 2 * round, 3 - value)
      const voters = powers.filter((_, i) => liars.includes(i) || ((mask >> i) & 1) === 1)
      return mask !== 0 && 3n * voters.reduce((a, b) => a + b, 0n) > 2n * total
    })
  }

  const alike = honest
    .map((_, i) => i)
    .filter((i) =>
      honest.some(
        (other, j) => j !== i && roleOf(scenario, other) === roleOf(scenario, honest[i]!),
      ),
    )

  function sorted(global: Global): Global {
    if (alike.length < 2) return global
    const ids = alike.map((i) => global[i]!).toSorted((a, b) => a - b)
    return global.map((id, i) => (alike.includes(i) ? ids[alike.indexOf(i)]! : id))
  }

  function canonical(global: Global): Global {
    const first = sorted(global)
    if (invalid.length > 0) return first
    const second = sorted(global.map(locals.swapped))
    const differs = first.findIndex((id, i) => id !== second[i])
    return differs === -1 || first[differs]! < second[differs]! ? first : second
  }

  function starts(): readonly Global[] {
    let all: readonly Global[] = [[]]
    for (const member of honest)
      all = all.flatMap((global) => locals.start(member).map((id) => [...global, id]))
    return all
  }

  return { honest, starts, moves, fault, canonical, locals }
}
