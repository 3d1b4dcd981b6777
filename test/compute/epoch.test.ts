/**
 * A whole epoch of MNIST on every backend: `WAGGLE_EPOCH=1` runs it (minutes), `WAGGLE_STEPS=n` fewer
 * steps of it. Without either, one step. `WAGGLE_EPOCH_FOLDER=path` keeps the weights there every 25
 * steps: a run that was cut short goes on from them, and `-t NAME` runs one backend of it.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, it } from 'vitest'
import type { Backend } from '../../compute/backend.ts'
import { batchRows } from '../../compute/batch.ts'
import { calibrate } from '../../compute/calibration.ts'
import { type Dataset, readRows } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { openGpujsBackend } from '../../compute/gpujsBackend.ts'
import {
  commitState,
  decodeState,
  encodeState,
  initialState,
  type ModelState,
} from '../../compute/modelState.ts'
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
const { WAGGLE_EPOCH, WAGGLE_EPOCH_FOLDER, WAGGLE_STEPS, WAGGLE_GPU } = process.env
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

const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  wasm: () => openWasmBackend({ threads: 2 }),
  'gpujs-cpu': () => openGpujsBackend('cpu'),
  'gpujs-webasm': () => openGpujsBackend('webasm'),
  'gpujs-webgpu': () => openGpujsBackend('webgpu'),
  webgpu: () => openWebGpuBackend(),
}

let reference: Promise<Hash> | null = null

for (const [name, open] of Object.entries(backends))
  it(`gives the reference's weights after ${steps} steps of MNIST on ${name}`, {
    timeout: 3_600_000,
  }, async () => {
    reference ??= finalWeights('reference', referenceBackend)
    const expected = await reference
    const backend = await open()
    assert.equal(await finalWeights(name, backend), expected, backend.detail)
    await backend.close()
  })

/** Steps between two copies of the weights on disk. */
const savedSteps = 25

async function finalWeights(name: string, backend: Backend): Promise<Hash> {
  const saved = await load(name)
  const session = await backend.open(job, saved.state)
  for (let step = saved.step; step < steps; step++) {
    const rows = readRows(dataset, batchRows({ seed, rows: dataset.rows, batch }, step))
    assert.ok(rows.ok)
    await session.step(step, rows.value)
    const isDue = (step + 1) % savedSteps === 0 || step + 1 === steps
    if (isDue && WAGGLE_EPOCH_FOLDER !== undefined)
      await save(WAGGLE_EPOCH_FOLDER, name, step + 1, await session.state())
  }
  const commitment = commitState(job, await session.state())
  await session.close()
  return commitment
}

async function save(to: string, name: string, step: number, state: ModelState): Promise<void> {
  await mkdir(to, { recursive: true })
  const file = join(to, `${name}.json`)
  const bytes = [...encodeState(job, state)].map((byte) => byte.toString(16).padStart(2, '0'))
  await writeFile(`${file}.new`, JSON.stringify({ step, state: bytes.join('') }))
  await rename(`${file}.new`, file)
}

async function load(name: string): Promise<{ readonly step: number; readonly state: ModelState }> {
  const fresh = { step: 0, state: initialState(job, seed) }
  if (WAGGLE_EPOCH_FOLDER === undefined) return fresh
  const text = await readFile(join(WAGGLE_EPOCH_FOLDER, `${name}.json`), 'utf8').catch(() => null)
  if (text === null) return fresh
  const { step, state: hex } = JSON.parse(text) as { step: number; state: string }
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  const state = decodeState(job, bytes)
  assert.ok(state.ok)
  return { step, state: state.value }
}
