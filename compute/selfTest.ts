/**
 * Choosing a backend by trial: a fast backend serves only after it gave the reference's bits on a
 * small case, on this machine, before it is used.
 */
import { sha256Hash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import type { Backend, BackendName, Rows } from './backend.ts'
import { commitState, initialState } from './modelState.ts'
import { referenceBackend } from './reference.ts'
import type { Recipe } from './shifts.ts'
import { openWasmBackend } from './wasmBackend.ts'

export type OpenedBackend = {
  readonly backend: Backend
  /** Why this is not the backend that was asked for. */
  readonly warning: string | null
}

/** The backend `name` if it works here, else the reference with a warning. */
export async function openBackend(name: BackendName, threads: number): Promise<OpenedBackend> {
  if (name === 'reference') return { backend: referenceBackend, warning: null }
  try {
    const backend = await openWasmBackend({ threads })
    if (await agreesWithReference(backend)) return { backend, warning: null }
    await backend.close()
    return fallBack('the wasm backend differs from the reference on this machine')
  } catch (error) {
    return fallBack(`the wasm backend did not start: ${(error as Error).message}`)
  }
}

function fallBack(why: string): OpenedBackend {
  return { backend: referenceBackend, warning: `${why}; training continues on the slow reference` }
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
