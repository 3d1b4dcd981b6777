/**
 * A lease spelled out: everything that a worker says it computed, number by number, and what the chain
 * asked it to compute. The three judges take both and say whether one is the other.
 */
import type { Rows } from '../../../compute/backend.ts'
import type { ModelState } from '../../../compute/modelState.ts'
import type { LeaseClaim } from '../../../proof/prover.ts'
import type { Job } from '../../../registry/job.ts'

/** What the chain holds: whose work, from which weights, on which rows. */
export type Assignment = {
  readonly claim: LeaseClaim
  readonly before: ModelState
  readonly batches: readonly Rows[]
}

/** One layer of one step. Unit tensors `[batch, units]`, weight tensors `[width, inner]`. */
export type LayerAccount = {
  /** `z`; the remainder is `z + 2^(s−1) − 2^κ·h`. */
  readonly sums: Int32Array
  /** `h`. */
  readonly quotient: Int32Array
  /** `a`, for the last layer `o`. */
  readonly output: Int32Array
  /** `m`; `null` for the last layer, as `e` and `v` are. */
  readonly mask: Int32Array | null
  readonly errorSums: Int32Array | null
  readonly errorQuotient: Int32Array | null
  /** `d`. */
  readonly error: Int32Array
  /** `G`. */
  readonly gradient: Int32Array
  /** `ξ`. */
  readonly excess: Int32Array
}

/** Weights of one layer, as columns hold them: whatever the worker put there. */
export type LayerWeights = {
  readonly width: number
  readonly inner: number
  readonly w: Int32Array
  readonly rho: Int32Array
}

export type StepAccount = {
  readonly rows: Rows
  readonly layers: readonly LayerAccount[]
  readonly loss: bigint
}

/** What the worker claims, and for whom. */
export type Account = {
  readonly claim: LeaseClaim
  /** Before the first step, and after each: one more than steps. */
  readonly states: readonly (readonly LayerWeights[])[]
  readonly steps: readonly StepAccount[]
}

/** The schedule's numbers at `step` of the lease. */
export function numbersAt({ claim: { job, range } }: Assignment, step: number) {
  const at = range * job.leaseSteps + step
  const phase = job.schedule.findLast(({ fromStep }) => fromStep <= at)!
  return { backward: phase.backwardShifts, update: phase.updateShifts }
}

/** Steps of a range. */
export function stepsOf(job: Job, range: number): number {
  return Math.min(job.leaseSteps, job.steps - range * job.leaseSteps)
}
