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

/** Steps of one lease: the least the chain's economy is meant for, up to the most it allows. */
const leases = { min: 16, max: 32 }

export async function demoPlan(rows: DemoRows, flags: PlanFlags): Promise<JobSpec> {
  const { root, rows: count, features, classes } = rows.training.manifest
  const hidden = flags.short === true ? [32] : [128, 64]
  const whole = flags.dataset === undefined && flags.short !== true
  const layers = [features, ...hidden, classes]
  const batch = Math.min(flags.short === true ? 64 : 128, Math.max(4, Math.floor(count / 16)))
  const perEpoch = Math.floor(count / batch)
  const epochs = flags.epochs ?? (flags.dataset === undefined ? 2 : 20)
  const wanted = flags.short === true ? 128 : Math.round(epochs * perEpoch)
  const steps = Math.max(leases.min, Math.min(wanted, 4_096))
  return {
    proofKind: ProofKind.StepProof,
    dataset: root,
    layers,
    batch,
    steps,
    leaseSteps: Math.max(leases.min, Math.min(leases.max, Math.ceil(steps / 8))),
    ...(whole ? mnistRecipe : await recipeOf(rows, layers, batch)),
    pricePerMac,
  }
}

/**
 * Shifts that suit 784-128-64-10 on MNIST at batch 128: 96.1 to 96.6 % after two epochs over eight seeds
 * (docs/spec/compute.md), where calibration alone gives a little less.
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
