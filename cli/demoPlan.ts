/**
 * What the demo trains: the model and the job for its rows.
 */

import type { JobSpec } from '../client/jobWire.ts'
import { type CalibratedRecipe, calibrate } from '../compute/calibration.ts'
import { readRows } from '../compute/dataset.ts'
import { openDataset } from '../compute/datasetFile.ts'
import { openBackend } from '../compute/selfTest.ts'
import { hashOf } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { ProofKind } from '../registry/job.ts'
import type { DemoRows } from './demoData.ts'
import { orFail } from './failure.ts'

export type PlanFlags = {
  readonly dataset?: string | undefined
  readonly epochs?: number | undefined
  readonly short?: boolean | undefined
}

/** Wei per multiply-accumulate: twice the least price of a devnet. */
const pricePerMac = 200_000_000n

/** Rows that calibration looks at. */
const calibrationRows = 512

/** Steps of one lease: long ones spend less time between leases, short ones show more of them. */
const leaseLengths = { whole: 32, short: 16 }

/** Steps of the longest demo. */
const maxSteps = 4_096

/** Times that the demo visits each row of MNIST: enough for 95 %, see {@link mnistRecipe}. */
export const mnistEpochs = 1.3

export async function demoPlan(rows: DemoRows, flags: PlanFlags): Promise<JobSpec> {
  const { root, rows: count, features, classes } = rows.training.manifest
  const short = flags.short === true
  const own = flags.dataset !== undefined
  const hidden = short ? [32] : [128, 64]
  const layers = [features, ...hidden, classes]
  const batch = Math.min(short ? 64 : 128, Math.max(4, Math.floor(count / 16)))
  const perEpoch = Math.floor(count / batch)
  const epochs = flags.epochs ?? (own ? 20 : mnistEpochs)
  const wanted = short ? 128 : Math.round(epochs * perEpoch)
  const leaseSteps = own || short ? leaseLengths.short : leaseLengths.whole
  const steps = Math.max(leaseSteps, Math.min(wanted, maxSteps))
  return {
    proofKind: ProofKind.StepProof,
    dataset: root,
    layers,
    batch,
    steps,
    leaseSteps,
    ...(own || short ? await recipeOf(rows, layers, batch) : mnistRecipe),
    pricePerMac,
  }
}

/**
 * Shifts that suit 784-128-64-10 on MNIST at batch 128: 95.2 to 95.7 % after 1.2 epochs and 95.9 to
 * 96.2 % after 1.5 over eight seeds (docs/spec/compute.md), where calibration alone gives a little less.
 */
const mnistRecipe: CalibratedRecipe = {
  fractionBits: 16,
  forwardShifts: [10, 6, 7],
  schedule: [{ fromStep: 0, updateShifts: [0, 1, 2], backwardShifts: [6, 4] }],
  initBound: 16,
}

/** Calibrated shifts; the sample of rows is fixed, so a demo's job is the same each time. */
async function recipeOf(
  { training }: DemoRows,
  layers: readonly number[],
  batch: number,
): Promise<CalibratedRecipe> {
  const next = 'check the file, or run the demo without --dataset'
  const dataset = orFail(openDataset(training.path), 'the rows cannot be read', next)
  const seed = hashOf('waggle/demo/v1')
  const random = new SeededRandom('calibration', seed)
  const length = Math.min(calibrationRows, dataset.rows)
  const indices = Uint32Array.from({ length }, () => random.below(dataset.rows))
  const rows = orFail(readRows(dataset, indices), 'the rows are damaged', next)
  const { backend } = await openBackend('wasm', 1)
  try {
    return await calibrate({ layers, batch, seed, rows, backend })
  } finally {
    await backend.close()
    dataset.close()
  }
}
