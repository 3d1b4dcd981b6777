/**
 * Random numbers of a simulation: a stream for each purpose, so that one actor's draws do not shift
 * another's between two runs of the same seed.
 */

import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'

export type Dice = {
  /** Uniform in [0, bound). */
  readonly below: (bound: number) => number
  /** Whether something of probability `part` of a million happens. */
  readonly chance: (part: number) => boolean
  /** Sum of twelve uniform draws: about normal with mean 0 and deviation 1. */
  readonly normal: () => number
}

export function createDice(role: string, seed: number): Dice {
  const random = new SeededRandom(role, seedHash(seed))
  const uniform = () => random.uint32() / 2 ** 32
  return {
    below: (bound) => random.below(bound),
    chance: (part) => random.below(1_000_000) < part,
    normal: () => Array.from({ length: 12 }, uniform).reduce((sum, x) => sum + x, -6),
  }
}

export function seedHash(seed: number): Hash {
  return hashOf('waggle/simulate/seed', uintBytes(seed, 8))
}
