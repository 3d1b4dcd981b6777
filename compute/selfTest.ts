/**
 * Choosing a backend by trial: a fast backend serves only after it gave the reference's bits on a
 * small case, on this machine, before it is used.
 */
import { sha256Hash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import type { Backend, BackendChoice, Rows } from './backend.ts'
import type { GpujsMode } from './gpujsPlan.ts'
import { commitState, initialState } from './modelState.ts'
import { referenceBackend } from './reference.ts'
import type { Recipe } from './shifts.ts'
import { openWasmBackend } from './wasmBackend.ts'

export type OpenedBackend = {
  readonly backend: Backend
  /** Why this is not the backend that was asked for. */
  readonly warning: string | null
}

/** One backend to try. Null from `open`: this machine has nothing for it, which is no fault. */
type Candidate = { readonly label: string; readonly open: () => Promise<Backend | null> }

/**
 * The first backend of the choice that starts and passes the trial here; the reference always does.
 * `auto` is WebGPU on a real adapter, else WebAssembly.
 */
export async function openBackend(choice: BackendChoice, threads: number): Promise<OpenedBackend> {
  const troubles: string[] = []
  for (const { label, open } of candidatesOf(choice, threads)) {
    try {
      const backend = await open()
      if (backend === null) continue
      if (await agreesWithReference(backend))
        return { backend, warning: warningOf(troubles, backend) }
      await backend.close()
      troubles.push(`the ${label} backend differs from the reference on this machine`)
    } catch (error) {
      troubles.push(`the ${label} backend did not start: ${(error as Error).message}`)
    }
  }
  return { backend: referenceBackend, warning: warningOf(troubles, referenceBackend) }
}

function candidatesOf(choice: BackendChoice, threads: number): readonly Candidate[] {
  const wasm: Candidate = { label: 'wasm', open: () => openWasmBackend({ threads }) }
  switch (choice) {
    case 'reference':
      return []
    case 'wasm':
      return [wasm]
    case 'gpujs':
      return [
        { label: 'gpujs webgpu', open: async () => (await hasCard()) && openGpujs('webgpu') },
        { label: 'gpujs webasm', open: () => openGpujs('webasm') },
        { label: 'gpujs cpu', open: () => openGpujs('cpu') },
        wasm,
      ].map((candidate) => ({ ...candidate, open: async () => (await candidate.open()) || null }))
    case 'webgpu':
      return [{ label: 'webgpu', open: () => openWebGpu() }, wasm]
    case 'auto':
      return [
        { label: 'webgpu', open: async () => ((await hasCard()) ? openWebGpu() : null) },
        wasm,
      ]
    default:
      return choice satisfies never
  }
}

/** Loaded when asked for: the packages are large, and most machines have no card. */
async function openGpujs(mode: GpujsMode): Promise<Backend> {
  const { openGpujsBackend } = await import('./gpujsBackend.ts')
  return openGpujsBackend(mode)
}

async function openWebGpu(): Promise<Backend> {
  const { openWebGpuBackend } = await import('./webgpuBackend.ts')
  return openWebGpuBackend()
}

/** A platform that Dawn has no build for has no card that it could use. */
export async function hasCard(): Promise<boolean> {
  try {
    const { findAdapter, isSoftware } = await import('./gpuAdapter.ts')
    const adapter = await findAdapter()
    return adapter !== null && !isSoftware(adapter)
  } catch {
    return false
  }
}

function warningOf(troubles: readonly string[], { name, detail }: Backend): string | null {
  if (troubles.length === 0) return null
  return `${troubles.join('; ')}; training continues on ${name} (${detail})`
}

/** Whether `backend` gives the reference's weights and losses over a few steps of an awkward shape. */
export async function agreesWithReference(backend: Backend): Promise<boolean> {
  const [tried, expected] = [await trial(backend), await trial(referenceBackend)]
  return tried === expected
}

const seed = sha256Hash(new Uint8Array())

const recipe: Recipe & { readonly initBound: number } = {
  layers: [37, 21, 18, 5],
  batch: 19,
  fractionBits: 12,
  forwardShifts: [5, 4, 4],
  schedule: [{ fromStep: 0, updateShifts: [3, 4, 5], backwardShifts: [4, 5] }],
  initBound: 90,
}

async function trial(backend: Backend): Promise<string> {
  const session = await backend.open(recipe, initialState(recipe, seed))
  try {
    const losses: bigint[] = []
    for (let step = 0; step < 3; step++)
      losses.push((await session.step(step, trialRows(step))).loss)
    return `${losses.join()} ${commitState(recipe, await session.state())}`
  } finally {
    await session.close()
  }
}

function trialRows(step: number): Rows {
  const random = new SeededRandom(`trial/${step}`, seed)
  const features = Int8Array.from({ length: 19 * 37 }, () => random.below(255) - 127)
  const labels = Uint32Array.from({ length: 19 }, () => random.below(6))
  return { count: 19, features, labels }
}
