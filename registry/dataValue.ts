/**
 * What a dataset is worth beside others: the mean gain that it brings to random subsets of them, in
 * losses that evaluations have proven. Rules E-51 to E-55 of docs/spec/economy.md.
 *
 * The mean over all subsets is the Banzhaf value. Of the usual values it is the one that copies cannot
 * raise and that does not change when an owner halves a dataset (Lehrer, "An axiomatization of the
 * Banzhaf value", Int. J. Game Theory 17, 1988; for data, Wang and Jia, "Data Banzhaf", AISTATS 2023).
 */
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf, hashToUint } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'

/** Most datasets that are valued beside each other. */
export const maxValued = 8

/** A set of datasets: bit `i` is the `i`-th of the list. */
export type Subset = number

/**
 * Loss that a model trained on a subset was proven to have on the held-out rows, all models alike but for
 * their data; for the empty subset, the loss of who answers nothing.
 */
export type LossOf = (subset: Subset) => bigint

/**
 * The subsets of `rounds` rounds: all of them once where there are no more than that, else one a round,
 * each dataset in it at even odds, by a beacon that nobody knew when the datasets were named.
 */
export function drawSubsets(beacon: Hash, datasets: number, rounds: number): readonly Subset[] {
  invariant(datasets >= 1 && datasets <= maxValued, `drawSubsets: ${datasets} datasets`)
  const all = 2 ** datasets
  if (all <= rounds) return Array.from({ length: all }, (_, subset) => subset)
  return Array.from({ length: rounds }, (_, round) => {
    const draw = hashOf('waggle/subset/v1', hashBytes(beacon), uintBytes(round, 4))
    return Number(hashToUint(draw) % BigInt(all))
  })
}

/** The subsets that have to be trained on, each once: with and without every dataset, and all of them. */
export function subsetsToTrain(drawn: readonly Subset[], datasets: number): readonly Subset[] {
  const wanted = drawn.flatMap((subset) => [
    subset,
    ...Array.from({ length: datasets }, (_, i) => subset ^ (1 << i)),
  ])
  return [...new Set([...wanted, 2 ** datasets - 1])]
    .filter((subset) => subset !== 0)
    .sort((a, b) => a - b)
}

/**
 * By how much dataset `index` lowered the loss, round by round; negative where it raised it. No loss
 * counts as more than that of who answers nothing, nor as more than twice that of all datasets together:
 * nobody would use such a model, so the first step, which any few rows make, is worth nothing.
 */
export function gainsOf(
  drawn: readonly Subset[],
  datasets: number,
  index: number,
  lossOf: LossOf,
): readonly bigint[] {
  const bit = 1 << index
  const twice = 2n * lossOf(2 ** datasets - 1)
  const useless = twice < lossOf(0) ? twice : lossOf(0)
  const counted = (subset: Subset) => {
    const loss = lossOf(subset)
    return loss < useless ? loss : useless
  }
  return drawn.map((subset) => counted(subset & ~bit) - counted(subset | bit))
}

/**
 * Values in proportion to which the datasets' part of a fee is shared; 0 for those that fall short of the
 * least contribution: a mean gain of one standard error above 0, and a quarter of an equal share.
 */
export function valuesOf(
  drawn: readonly Subset[],
  datasets: number,
  lossOf: LossOf,
): readonly bigint[] {
  const sums = Array.from({ length: datasets }, (_, index) =>
    certainSum(gainsOf(drawn, datasets, index, lossOf)),
  )
  const total = sums.reduce((a, b) => a + b, 0n)
  return sums.map((sum) => (4n * BigInt(datasets) * sum >= total ? sum : 0n))
}

/** The sum of the gains, or 0 where chance may have made it: `mean² < variance of the mean`. */
function certainSum(gains: readonly bigint[]): bigint {
  const sum = gains.reduce((a, b) => a + b, 0n)
  if (sum <= 0n) return 0n
  const count = BigInt(gains.length)
  const squares = gains.reduce((total, gain) => total + gain * gain, 0n)
  return sum * sum * (count - 1n) >= count * squares - sum * sum ? sum : 0n
}

/**
 * Shares of `wei` by value, each rounded down. What is left over, or has nobody to go to, is the
 * caller's to burn.
 */
export function shareByValue(wei: bigint, values: readonly bigint[]): readonly bigint[] {
  const total = values.reduce((a, b) => a + b, 0n)
  return values.map((value) => (total === 0n ? 0n : (wei * value) / total))
}
