/**
 * What one seed of a scenario came to, as it is printed and read again.
 */

/** One seed's outcome. */
export type Outcome = {
  readonly scenario: string
  readonly seed: number
  /** Wei that the adversary gained, and that the honest actor gained. */
  readonly adversaryProfit: bigint
  readonly honestProfit: bigint
  /** (adversary − honest) in parts of what an honest validator with such a stake turns over. */
  readonly relativeProfit: number
  /** Cumulative relative profit, at the end of each of up to 200 runs of epochs. */
  readonly course: readonly number[]
}

/** Read a line that `waggle simulate --json` has printed; null if it is none. */
export function parseOutcome(line: string): Outcome | null {
  const read = readJson(line)
  const { scenario, seed, adversaryProfit, honestProfit, relativeProfit, course } = read
  const wei = (value: unknown): value is string =>
    typeof value === 'string' && /^-?\d{1,60}$/.test(value)
  if (
    typeof scenario !== 'string' ||
    typeof seed !== 'number' ||
    typeof relativeProfit !== 'number'
  )
    return null
  if (!wei(adversaryProfit) || !wei(honestProfit) || !Array.isArray(course)) return null
  if (!course.every((value) => typeof value === 'number')) return null
  const profits = {
    adversaryProfit: BigInt(adversaryProfit),
    honestProfit: BigInt(honestProfit),
  }
  return { scenario, seed, ...profits, relativeProfit, course }
}

function readJson(line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line)) as Record<string, unknown>
  } catch {
    return {}
  }
}
