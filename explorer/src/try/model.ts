/**
 * A certified model in this browser: loaded, checked, run.
 */
import { httpSource } from '../../../client/ask.ts'
import { fetchWeights } from '../../../client/commitment.ts'
import { jobOfWire } from '../../../client/jobWire.ts'
import type { JobWire, WeightsWire } from '../../../client/wire.ts'
import { predictions } from '../../../compute/evaluate.ts'
import type { ModelState } from '../../../compute/modelState.ts'
import { referenceBackend } from '../../../compute/reference.ts'
import type { Hash } from '../../../primitives/hash.ts'
import type { Job } from '../../../registry/job.ts'
import { verifierHere } from '../verify/kernels.ts'

export type Loaded = {
  readonly job: Job
  readonly state: ModelState
  readonly classes: number
  readonly commitment: Hash
}

export type Outputs = { readonly values: readonly number[]; readonly best: number }

/** @throws if the node lacks the weights or shows others than were certified. */
export async function loadModel(wire: JobWire, weights: WeightsWire): Promise<Loaded> {
  const job = jobOfWire(wire)
  const { blob, commitment } = weights
  const source = httpSource(location.origin)
  const state = await fetchWeights(await verifierHere(), source, job, blob, commitment)
  if (!state.ok) throw new Error(`these are not the certified weights: ${state.fault.code}`)
  return { job, state: state.value, classes: job.layers.at(-1)!, commitment }
}

/** @param row - one row of features, int8. */
export async function runModel({ job, state, classes }: Loaded, row: Int8Array): Promise<Outputs> {
  const session = await referenceBackend.open(job, state)
  const outputs = await session.outputs({ count: 1, features: row, labels: new Uint32Array(1) })
  await session.close()
  return { values: [...outputs], best: predictions(outputs, classes)[0]! }
}
