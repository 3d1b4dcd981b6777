/**
 * What several seeds of a scenario say together.
 */
import type { Outcome } from './outcome.ts'
import type { Scenario } from './scenario.ts'
import { type Interval, intervalOf } from './statistics.ts'

export type Summary = {
  readonly scenario: string
  readonly about: string
  readonly seeds: number
  /** Of the relative profit at the end. */
  readonly profit: Interval
  /** Seeds in which the adversary did better than the honest actor. */
  readonly ahead: number
  /** Mean relative profit over time. */
  readonly course: readonly number[]
}

export function summarise({ name, about }: Scenario, outcomes: readonly Outcome[]): Summary {
  const profits = outcomes.map(({ relativeProfit }) => relativeProfit)
  const length = Math.min(...outcomes.map(({ course }) => course.length))
  const course = Array.from(
    { length },
    (_, i) => outcomes.reduce((sum, outcome) => sum + outcome.course[i]!, 0) / outcomes.length,
  )
  return {
    scenario: name,
    about,
    seeds: outcomes.length,
    profit: intervalOf(profits),
    ahead: profits.filter((profit) => profit > 0).length,
    course,
  }
}
