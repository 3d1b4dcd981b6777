/**
 * Means with their uncertainty.
 */

/** A mean and the ends of its 95 % confidence interval. */
export type Interval = { readonly mean: number; readonly low: number; readonly high: number }

/**
 * 97.5 % quantiles of Student's t by degrees of freedom, 1 to 30.
 *
 * @see NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2
 */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
] as const

/** Student's interval for the mean of `samples`; of a single one only the mean is known. */
export function intervalOf(samples: readonly number[]): Interval {
  const n = samples.length
  const mean = samples.reduce((sum, x) => sum + x, 0) / n
  if (n < 2) return { mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1)
  const t = quantiles[Math.min(n - 1, quantiles.length) - 1]!
  const half = t * Math.sqrt(variance / n)
  return { mean, low: mean - half, high: mean + half }
}
