/**
 * Training a range of steps with every intermediate value kept: what a prover needs of it.
 */
import type { Products } from '../compute/backend.ts'
import { batchPlan, batchRows } from '../compute/batch.ts'
import { type Dataset, type DatasetFault, readRows } from '../compute/dataset.ts'
import type { ModelState } from '../compute/modelState.ts'
import { type StepTrace, traceStep } from '../compute/step.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { BatchRows } from '../proof/statement.ts'
import { type Job, rangeSteps } from '../registry/job.ts'

export type LeaseTrace = {
  readonly steps: readonly StepTrace[]
  readonly batches: readonly BatchRows[]
}

/** Nobody wants the lease any more. */
export type TraceFault = { readonly code: 'task/cancelled'; readonly done: number }

/** The rows of each step of a range, as the job's seed orders them. */
export function leaseRows(
  job: Job,
  seed: Hash,
  range: number,
  dataset: Dataset,
): Result<readonly BatchRows[], DatasetFault> {
  const { from, count } = rangeSteps(job, range)
  const plan = batchPlan(job, seed, dataset.rows)
  const batches: BatchRows[] = []
  for (let i = 0; i < count; i++) {
    const rows = readRows(dataset, batchRows(plan, from + i))
    if (!rows.ok) return rows
    batches.push(rows.value)
  }
  return ok(batches)
}

/** Train the steps of a range from `before`. @param wanted - asked after each step. */
export async function traceLease(
  products: Products,
  job: Job,
  seed: Hash,
  range: number,
  before: ModelState,
  dataset: Dataset,
  wanted: () => Promise<boolean> = async () => true,
): Promise<Result<LeaseTrace, DatasetFault | TraceFault>> {
  const batches = leaseRows(job, seed, range, dataset)
  if (!batches.ok) return batches
  const { from } = rangeSteps(job, range)
  const steps: StepTrace[] = []
  let state = before
  for (const [i, rows] of batches.value.entries()) {
    const step = await traceStep(products, job, state, from + i, rows)
    steps.push(step)
    state = step.state
    if (!(await wanted())) return refuse({ code: 'task/cancelled', done: i + 1 })
  }
  return ok({ steps, batches: batches.value })
}
