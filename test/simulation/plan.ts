/**
 * What befalls a network of whole nodes, drawn from a seed.
 */
import { SeededRandom } from '../../primitives/random.ts'
import { nameOf } from '../consensus/fixtures.ts'

/**
 * What the liar does: vote for two things, propose blocks that break a rule, put certificates of work it
 * has not done into blocks and tell each half of the network another one, keep the bytes of its values
 * from most, nothing at all, tell each half of another sound block and vote for both, vote for another
 * value after a lock, or claim proofs of lock that are not there and repeat old votes.
 */
export const strategies = [
  'votes',
  'blocks',
  'certificates',
  'withhold',
  'silent',
  'proposals',
  'amnesia',
  'stale',
] as const
export type Strategy = (typeof strategies)[number]

export type Plan = {
  readonly seed: number
  readonly validators: number
  /** Place of the dishonest node, or null. */
  readonly liar: number | null
  readonly strategy: Strategy
  /** Until then everything may go wrong, virtual milliseconds. */
  readonly healAt: number
  readonly maxDelayMs: number
  readonly troubleEveryMs: number
  readonly crashes: boolean
  /** Transfers that clients send before the heal. */
  readonly transfers: number
  /** All must come to it. */
  readonly height: bigint
}

/** Who is drawn for the first lease of the devnet's genesis: only its holder can claim to have done the work. */
const holder = 0

export function planOf(seed: number): Plan {
  const random = new SeededRandom('chain plan', nameOf(`seed ${seed}`))
  const strategy = strategies[seed % strategies.length]!
  return {
    seed,
    validators: 4,
    liar: strategy === 'certificates' ? holder : random.below(6) === 0 ? null : random.below(4),
    strategy,
    healAt: 8_000 + random.below(8_000),
    maxDelayMs: 50 + random.below(random.below(2) === 0 ? 200 : 1_500),
    troubleEveryMs: 500 + random.below(2_500),
    crashes: random.below(2) === 0,
    transfers: 6,
    // Beyond the first epoch and the change of rules, and everybody has proposed.
    height: 8n,
  }
}
