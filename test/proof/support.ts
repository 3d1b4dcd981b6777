/** Small trained leases that the tests of `proof/` share. */
import type { Rows } from '../../compute/backend.ts'
import { initialState, type ModelState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { type StepTrace, traceStep } from '../../compute/step.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { SeededRandom } from '../../primitives/random.ts'
import type { LeaseClaim } from '../../proof/prover.ts'
import { type Job, jobIdOf, rangeSteps } from '../../registry/job.ts'
import { jobOf, randomRows, seedOf } from '../compute/support.ts'

/** A job small in every way: short tables, few rows of code. */
export function tinyJob(layers: readonly number[], overrides: Partial<Job> = {}): Job {
  const depth = layers.length - 1
  return jobOf(layers, {
    batch: 3,
    leaseSteps: 1,
    fractionBits: 4,
    forwardShifts: Array.from({ length: depth }, () => 3),
    schedule: [
      {
        fromStep: 0,
        updateShifts: Array.from({ length: depth }, () => 0),
        backwardShifts: Array.from({ length: depth - 1 }, () => 2),
      },
    ],
    ...overrides,
  })
}

export type TrainedLease = {
  readonly claim: LeaseClaim
  readonly before: ModelState
  readonly steps: readonly StepTrace[]
  readonly batches: readonly Rows[]
}

export function claimOf(job: Job, range = 0): LeaseClaim {
  return { jobId: jobIdOf(job), job, seed: seedOf(7), range, worker: zeroAddress }
}

/** Trains one range from these weights. */
export async function trainLease(
  job: Job,
  number: number,
  before: ModelState = initialState(job, seedOf(number)),
  rowsOf: (step: number) => Rows = (step) => randomRows(job, 100 * number + step),
): Promise<TrainedLease> {
  const claim = claimOf(job)
  const { from, count } = rangeSteps(job, claim.range)
  const steps: StepTrace[] = []
  const batches: Rows[] = []
  let state = before
  for (let i = 0; i < count; i++) {
    const rows = rowsOf(i)
    const step = await traceStep(referenceBackend.products, job, state, from + i, rows)
    steps.push(step)
    batches.push(rows)
    state = step.state
  }
  return { claim, before, steps, batches }
}

/** Weights at the edge of their range, so that many saturate. */
export function extremeState(job: Job, number: number): ModelState {
  const random = new SeededRandom('extreme', seedOf(number))
  const edges = [127, -127, 126, -126]
  const state = initialState(job, seedOf(number))
  return {
    layers: state.layers.map((layer) => ({
      ...layer,
      w: Int8Array.from(layer.w, (value) =>
        random.below(3) > 0 ? edges[random.below(4)]! : value,
      ),
      rho: Uint32Array.from(layer.rho, () => random.below(2 ** job.fractionBits)),
    })),
  }
}
