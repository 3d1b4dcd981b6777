/**
 * A job as somebody orders it: what is not said is worked out from the data, as `waggle job open` does.
 */
import { calibrate } from '../compute/calibration.ts'
import { datasetFromBytes, readRows } from '../compute/dataset.ts'
import { referenceBackend } from '../compute/reference.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { describeFault } from '../primitives/result.ts'
import { ProofKind } from '../registry/job.ts'
import type { Source } from './ask.ts'
import type { JobSpec } from './jobWire.ts'
import type { DatasetWire, PriceWire } from './wire.ts'

type Recipe = Pick<JobSpec, 'fractionBits' | 'forwardShifts' | 'schedule' | 'initBound'>

export type JobOrder = {
  /** Root of a registered dataset. */
  readonly dataset: Hash
  /** Features, hidden widths, classes. */
  readonly layers: readonly number[]
  readonly batch: number
  readonly steps: number
  /** Steps of one lease and certificate. @default 16 */
  readonly leaseSteps?: number | undefined
  /** @default succinct step proofs */
  readonly proofKind?: ProofKind | undefined
  /** Wei for a multiply-accumulate. @default the least price now */
  readonly pricePerMac?: bigint | undefined
  /** The model that it starts from, named by its job; needs a recipe, layers and lease like its own. */
  readonly base?: Hash | undefined
  /** The numbers of the arithmetic. @default calibrated on rows that the node holds */
  readonly recipe?: Recipe | undefined
}

/** Rows that calibration looks at, and bytes that are fetched for them at most. */
const calibrationRows = 512
const maxRowBytes = 268_435_456

/** @throws {Error} if the dataset is unknown, or its rows are needed and not to be had. */
export async function specOf(source: Source, order: JobOrder): Promise<JobSpec> {
  const { dataset, layers, batch, steps, leaseSteps = 16 } = order
  const recipe = order.recipe ?? (await calibrated(source, order))
  const price = order.pricePerMac ?? BigInt((await source.ask<PriceWire>('train_price')).basePrice)
  return {
    proofKind: order.proofKind ?? ProofKind.StepProof,
    dataset,
    layers,
    batch,
    steps,
    leaseSteps: Math.min(leaseSteps, steps),
    ...recipe,
    pricePerMac: price,
    ...(order.base === undefined ? {} : { base: order.base }),
  }
}

async function calibrated(source: Source, { dataset, layers, batch }: JobOrder): Promise<Recipe> {
  const known = await source.ask<DatasetWire | null>('data_getDataset', dataset)
  if (known === null) throw new Error(`no dataset ${dataset} is registered`)
  const opened = datasetFromBytes(await source.blob(known.blob, maxRowBytes))
  if (!opened.ok) throw new Error(describeFault(opened.fault))
  const seed = hashFromBytes(crypto.getRandomValues(new Uint8Array(32)))
  const random = new SeededRandom('calibration', seed)
  const length = Math.min(calibrationRows, opened.value.rows)
  const indices = Uint32Array.from({ length }, () => random.below(opened.value.rows))
  const rows = readRows(opened.value, indices)
  if (!rows.ok) throw new Error(describeFault(rows.fault))
  return calibrate({ layers, batch, seed, rows: rows.value, backend: referenceBackend })
}
