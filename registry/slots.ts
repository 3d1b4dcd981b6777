/**
 * Slots: which validator is the first proposer of which block of an epoch.
 */
import { invariant } from '../primitives/result.ts'
import type { ValidatorSet } from './validatorSet.ts'

/**
 * `length` places in proportion to `weights`, each going to the largest `w / (2·places + 1)`, ties to
 * the lower index; quotients are compared by cross-multiplying.
 *
 * @see Sainte-Laguë's method of apportionment (Webster's, as a sequence of divisors 1, 3, 5, …)
 */
export function seq(weights: readonly bigint[], length: number): readonly number[] {
  invariant(weights.length > 0, 'seq: no weights')
  const divisors = weights.map(() => 1n)
  return Array.from({ length }, () => {
    let best = 0
    for (let i = 1; i < weights.length; i++)
      if (weights[i]! * divisors[best]! > weights[best]! * divisors[i]!) best = i
    divisors[best]! += 2n
    return best
  })
}

/** Slots of each member in the set's epoch. Nobody proposes the genesis block. */
export function slotCounts(set: ValidatorSet, epochLength: number): readonly number[] {
  const slots = seq(
    set.validators.map(({ slotWeight }) => slotWeight),
    epochLength,
  )
  const counted = set.epoch === 0 ? slots.slice(1) : slots
  const counts = set.validators.map(() => 0)
  for (const index of counted) counts[index]! += 1
  return counts
}
