/**
 * Virtual time and a network that fails on purpose: a queue of events, and messages that are delayed,
 * reordered, cut off by partitions or lost by kind until everything heals.
 */
import type { Proposal, Vote } from '../../../consensus/messages.ts'
import type { Status } from '../../../consensus/status.ts'
import type { Hash } from '../../../primitives/hash.ts'
import { SeededRandom } from '../../../primitives/random.ts'
import { nameOf } from '../fixtures.ts'
import { createEventQueue } from './eventQueue.ts'
import type { Plan } from './plan.ts'

export type Message =
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'votes'; readonly votes: readonly Vote[] }
  | { readonly type: 'value'; readonly height: bigint; readonly value: Hash }
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'committed'; readonly height: bigint; readonly proof: Proof }

/** A commit: who is said to have precommitted what. */
export type Proof = {
  readonly value: Hash
  readonly round: number
  readonly signers: readonly number[]
}

export type World = {
  readonly plan: Plan
  readonly now: () => number
  readonly healed: () => boolean
  /** Uniform in [0, bound). */
  readonly below: (bound: number) => number
  readonly chance: (p: number) => boolean
  readonly later: (delay: number, run: () => void) => void
  readonly send: (from: number, to: number, message: Message) => void
  /** Draw which kinds of messages get lost, and who is cut off from whom. */
  readonly drawTrouble: () => void
  /** Liars conspire: the two values proposed in a round, by `height/round`. */
  readonly plots: Map<string, readonly Hash[]>
  /** Values that no honest node accepts. */
  readonly bad: Set<Hash>
  /** Everything that was signed, as `place height round kind value`: nobody signs for another. */
  readonly signed: Set<string>
  /** Run the next event. */
  readonly advance: () => void
}

/** What may be lost together: to lose only precommits tests other rules than a cut does. */
type Kind = 'value' | 'prevote' | 'precommit' | 'repeat'

export function createWorld(
  plan: Plan,
  receive: (from: number, to: number, message: Message) => void,
): World {
  const random = new SeededRandom('simulation', nameOf(`seed ${plan.seed}`))
  const events = createEventQueue()
  const { now, later } = events
  const below = (bound: number) => random.below(bound)
  const chance = (p: number) => below(1_000_000) < p * 1_000_000
  const healed = () => now() >= plan.healAt
  let sides: readonly number[] | null = null
  let losses: Readonly<Record<Kind, number>> = { value: 0, prevote: 0, precommit: 0, repeat: 0 }

  function isLost(from: number, to: number, message: Message): boolean {
    if (healed()) return false
    if (plan.cutAt !== undefined) return now() >= plan.cutAt
    const cut = sides !== null && sides[from] !== sides[to]
    return cut || chance(losses[kindOf(message)])
  }

  return {
    plan,
    now,
    healed,
    below,
    chance,
    later,
    send: (from, to, message) => {
      if (from === to || isLost(from, to, message)) return
      const delay = 5 + below(healed() ? 80 : plan.maxDelay)
      later(delay, () => receive(from, to, message))
      if (!healed() && chance(0.05))
        later(delay + below(plan.maxDelay), () => receive(from, to, message))
    },
    drawTrouble: () => {
      const loss = () => [0, 0.2, 0.6, 0.95][below(4)]!
      losses = { value: loss(), prevote: loss(), precommit: loss(), repeat: loss() }
      sides = plan.partitions && chance(0.5) ? plan.powers.map(() => below(2)) : null
    },
    plots: new Map(),
    bad: new Set(),
    signed: new Set(),
    advance: events.advance,
  }
}

function kindOf(message: Message): Kind {
  switch (message.type) {
    case 'proposal':
    case 'value':
      return 'value'
    case 'votes':
      return message.votes.length === 1 ? message.votes[0]!.kind : 'repeat'
    case 'status':
    case 'committed':
      return 'repeat'
    default:
      return message satisfies never
  }
}
