/**
 * A whole epoch of MNIST on every backend: `WAGGLE_EPOCH=1` runs it (minutes), `WAGGLE_STEPS=n` fewer
 * steps of it. Without either, one step.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, it } from 'vitest'
import type { Backend } from '../../compute/backend.ts'
import { batchRows } from '../../compute/batch.ts'
import { calibrate } from '../../compute/calibration.ts'
import { type Dataset, readRows } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { openGpujsBackend } from '../../compute/gpujsBackend.ts'
import { commitState, initialState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { openWasmBackend } from '../../compute/wasmBackend.ts'
import { openWebGpuBackend } from '../../compute/webgpuBackend.ts'
import { importSample } from '../../node/sampleData.ts'
import type { Hash } from '../../primitives/hash.ts'
import type { Job } from '../../registry/job.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'
import { jobOf, seedOf } from './support.ts'

const batch = 64
const epochSteps = Math.floor(60_000 / batch)
const { WAGGLE_EPOCH, WAGGLE_STEPS, WAGGLE_GPU } = process.env
const steps = WAGGLE_EPOCH === undefined ? Number(WAGGLE_STEPS ?? 1) : epochSteps
const seed = seedOf(1)

let folder: string
let dataset: Dataset
let job: Job

beforeAll(async () => {
  if (WAGGLE_GPU !== 'card') await useSoftwareGpu()
  folder = await mkdtemp(join(tmpdir(), 'waggle-epoch-'))
  assert.ok(importSample('mnist', join(folder, 'mnist')).ok)
  const opened = openDataset(join(folder, 'mnist'))
  assert.ok(opened.ok)
  dataset = opened.value
  const layers = [784, 128, 64, 10]
  const first = readRows(
    dataset,
    Uint32Array.from({ length: 512 }, (_, i) => i),
  )
  assert.ok(first.ok)
  const wasm = await openWasmBackend()
  const recipe = await calibrate({ layers, batch, seed, rows: first.value, backend: wasm })
  await wasm.close()
  job = jobOf(layers, { batch, ...recipe })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

it(`gives the same weights after ${steps} steps of MNIST on every backend`, {
  timeout: 3_600_000,
}, async () => {
  const expected = await finalWeights(referenceBackend)
  for (const open of [
    () => openWasmBackend({ threads: 2 }),
    () => openGpujsBackend('cpu'),
    () => openGpujsBackend('webasm'),
    () => openGpujsBackend('webgpu'),
    () => openWebGpuBackend(),
  ]) {
    const backend = await open()
    assert.equal(await finalWeights(backend), expected, backend.detail)
    await backend.close()
  }
})

async function finalWeights(backend: Backend): Promise<Hash> {
  const session = await backend.open(job, initialState(job, seed))
  for (let step = 0; step < steps; step++) {
    const rows = readRows(dataset, batchRows({ seed, rows: dataset.rows, batch }, step))
    assert.ok(rows.ok)
    await session.step(step, rows.value)
  }
  const commitment = commitState(job, await session.state())
  await session.close()
  return commitment
}
