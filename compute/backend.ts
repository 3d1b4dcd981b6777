/**
 * A backend: one way to compute the exact integer arithmetic of training. All give the same bits; they
 * differ in speed. Methods are asynchronous because some run on another device.
 *
 * Activations and errors are `[rows, units]` row-major, weights `[width, inner]` row-major.
 */
import type { ModelState } from './modelState.ts'
import type { Recipe } from './shifts.ts'

/** The ways to compute that there are. */
export type BackendName = 'reference' | 'wasm' | 'gpujs' | 'webgpu'

/** What an operator may choose; `auto` takes a GPU where there is one. */
export type BackendChoice = BackendName | 'auto'

export const backendChoices: readonly BackendChoice[] = [
  'auto',
  'webgpu',
  'gpujs',
  'wasm',
  'reference',
]

/** Rows as a step takes them. */
export type Rows = {
  readonly count: number
  /** `[count, n_0]`, each in [−127, 127]. */
  readonly features: Int8Array
  /** One class per row; a class that the model has no output for has an all-zero target. */
  readonly labels: Uint32Array
}

/** Shape of one dense layer's products: `rows` samples from `inner` units to `width` units. */
export type ProductShape = {
  readonly rows: number
  readonly width: number
  readonly inner: number
}

/** The three matrix products, for a prover and for checks. Operands in [−127, 127], sums int32. */
export type Products = {
  /** `z[b,j] = Σ_k a[b,k]·w[j,k]`: `[rows, inner] × [width, inner] → [rows, width]`. */
  readonly forward: (a: Int8Array, w: Int8Array, shape: ProductShape) => Promise<Int32Array>
  /** `e[b,k] = Σ_j d[b,j]·w[j,k]`: `[rows, width] × [width, inner] → [rows, inner]`. */
  readonly backward: (d: Int8Array, w: Int8Array, shape: ProductShape) => Promise<Int32Array>
  /** `G[j,k] = Σ_b d[b,j]·a[b,k]`: `[rows, width] × [rows, inner] → [width, inner]`. */
  readonly gradient: (d: Int8Array, a: Int8Array, shape: ProductShape) => Promise<Int32Array>
}

/** What a step reports besides the new weights. */
export type StepReport = {
  /** `Σ (o − 64·y)²` over the batch. */
  readonly loss: bigint
  /** Per layer: errors that are 0, of `batch · n_l`. */
  readonly zeroErrors: readonly number[]
  /** Weights whose integer part saturated. */
  readonly saturated: number
}

/** A model held by a backend, on its device, from one step to the next. */
export type Session = {
  /** Train on one batch; `step` only picks the phase of the schedule. */
  readonly step: (step: number, rows: Rows) => Promise<StepReport>
  /** Outputs `o` of the current weights, `[count, n_L]`, for any number of rows. */
  readonly outputs: (rows: Rows) => Promise<Int8Array>
  /** A copy of the current weights. */
  readonly state: () => Promise<ModelState>
  readonly close: () => Promise<void>
}

export type Backend = {
  readonly name: BackendName
  /** On what it computes, for an operator. */
  readonly detail: string
  readonly products: Products
  /** Take up a model. `state` is copied. */
  readonly open: (job: Recipe, state: ModelState) => Promise<Session>
  readonly close: () => Promise<void>
}
