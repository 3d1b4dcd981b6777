/**
 * Virtual time and bad links between whole nodes: events in order, and packets that are delayed, lost,
 * doubled, reordered and cut off by partitions until everything heals.
 */
import type { Clock } from '../../primitives/clock.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { nameOf } from '../consensus/fixtures.ts'
import { createEventQueue } from '../consensus/simulation/eventQueue.ts'
import type { Plan } from './plan.ts'

export type World = {
  /** Milliseconds since the start. */
  readonly now: () => number
  readonly healed: () => boolean
  /** Uniform in [0, bound). */
  readonly below: (bound: number) => number
  readonly chance: (p: number) => boolean
  readonly later: (delayMs: number, run: () => void) => () => void
  /** A node's clock, off by `offMs`, whose timers are late by `percent` until the heal. */
  readonly clockOf: (offMs: number, percent: number) => Clock
  /** Deliver a packet from one place to another, unless it is lost. */
  readonly carry: (from: number, to: number, deliver: () => void) => void
  /** Draw who is cut off from whom, and how much is lost. */
  readonly drawTrouble: () => void
  /** Run the next event and all that follows from it at once. */
  readonly advance: () => Promise<void>
}

/** Unix milliseconds of the start; after the genesis of the devnet. */
const epochMs = 1_900_000_000_000

export function createWorld(plan: Plan): World {
  const random = new SeededRandom('chains', nameOf(`seed ${plan.seed}`))
  const events = createEventQueue()
  const { now, later } = events
  const below = (bound: number) => random.below(bound)
  const chance = (p: number) => below(1_000_000) < p * 1_000_000
  const healed = () => now() >= plan.healAt
  let sides: readonly number[] | null = null
  let loss = 0

  return {
    now,
    healed,
    below,
    chance,
    later,
    clockOf: (offMs, percent) => ({
      now: () => epochMs + now() + (healed() ? 0 : offMs),
      after: (delayMs, action) =>
        later(healed() ? delayMs : Math.ceil((delayMs * (100 + percent)) / 100), action),
    }),
    carry: (from, to, deliver) => {
      const cut = sides !== null && sides[from] !== sides[to]
      if (!healed() && (cut || chance(loss))) return
      const delayMs = () => 5 + below(healed() ? 60 : plan.maxDelayMs)
      later(delayMs(), deliver)
      if (!healed() && chance(0.05)) later(delayMs(), deliver)
    },
    drawTrouble: () => {
      loss = [0, 0, 0.1, 0.4][below(4)]!
      sides = chance(0.4) ? Array.from({ length: plan.validators }, () => below(2)) : null
    },
    advance: async () => {
      events.advance()
      // Nothing in these nodes waits for the real world: one turn of the loop ends all they do.
      await new Promise(setImmediate)
    },
  }
}
