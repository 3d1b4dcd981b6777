/**
 * A simulated run as data: drawn from a seed, so that a failure replays.
 */
import type { DriverParams } from '../../../consensus/driverModules.ts'
import { SeededRandom } from '../../../primitives/random.ts'
import { nameOf } from '../fixtures.ts'

/**
 * What liars do. `double`: vote and propose two things. `amnesia`: vote for what is proposed, locked or
 * not. `withhold`: keep the bytes of their values from most. `stale`: claim old rounds and proofs that
 * are none. `invalid`: propose values that no honest node accepts. `forge`: show commits that few signed.
 */
export const strategies = ['double', 'amnesia', 'withhold', 'stale', 'invalid', 'forge'] as const
export type Strategy = (typeof strategies)[number]

export type Plan = {
  readonly seed: number
  readonly powers: readonly bigint[]
  /** Places of dishonest nodes; less than a third of the power, unless a fork is wanted. */
  readonly liars: readonly number[]
  readonly strategy: Strategy
  /** Places of nodes that never run. */
  readonly dead: readonly number[]
  /** Until then everything may go wrong, milliseconds. */
  readonly healAt: number
  readonly maxDelay: number
  /** How often the kinds of trouble are drawn anew, milliseconds. */
  readonly troubleEvery: number
  readonly partitions: boolean
  readonly restarts: boolean
  /** By how much a node's timers may run fast or slow until the heal, in percent. */
  readonly skew: number
  /** From then until the heal nobody hears anybody. @default never */
  readonly cutAt?: number | undefined
  /** As a chain has them. @default 400 ms and 250 more each round, whatever is waited for */
  readonly timeouts?: DriverParams | undefined
}

export function planOf(seed: number): Plan {
  const random = new SeededRandom('plan', nameOf(`seed ${seed}`))
  const n = 4 + random.below(4)
  const weighted = random.below(3) === 0
  const powers = Array.from({ length: n }, () => (weighted ? 9n + BigInt(random.below(3)) : 1n))
  const villains = n === 7 ? [random.below(3), 3 + random.below(4)] : [random.below(n)]
  const trouble = random.below(4)
  return {
    seed,
    powers,
    liars: trouble <= 1 ? villains : [],
    strategy: strategies[random.below(strategies.length)]!,
    dead: trouble === 2 ? villains : [],
    healAt: 4_000 + random.below(12_000),
    maxDelay: 20 + random.below(random.below(2) === 0 ? 400 : 2_500),
    troubleEvery: 150 + random.below(2_000),
    partitions: random.below(2) === 0,
    restarts: random.below(2) === 0,
    skew: random.below(2) === 0 ? 0 : 40,
  }
}
