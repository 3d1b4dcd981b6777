/**
 * One training step in exact integers, written once over a backend's matrix products. Its trace holds
 * every intermediate value that a prover needs; sessions of fast backends give the same weights and
 * loss without it.
 */
import { invariant } from '../primitives/result.ts'
import type { Products, Rows, StepReport } from './backend.ts'
import { activate, maskError, outputError, rescale, updateLayer } from './elementwise.ts'
import type { LayerState, ModelState } from './modelState.ts'
import { type Recipe, type StepShifts, shiftsAt } from './shifts.ts'

/** What layer `l` computed. Activations and errors `[batch, units]`. */
export type LayerTrace = {
  /** `a_{l−1}`: `[batch, inner]`. */
  readonly input: Int8Array
  /** `z_l`: `[batch, width]`. */
  readonly sums: Int32Array
  /** `a_l`, for the last layer `o`: `[batch, width]`. */
  readonly output: Int8Array
  /** `e_l`: the error below the next layer before rescale; `null` for the last layer. */
  readonly errorSums: Int32Array | null
  /** `d_l`: `[batch, width]`. */
  readonly error: Int8Array
  /** `G_l`: `[width, inner]`. */
  readonly gradient: Int32Array
}

export type StepTrace = {
  readonly layers: readonly LayerTrace[]
  readonly report: StepReport
  /** The weights after the step. */
  readonly state: ModelState
}

/** One step with all its intermediate values. `state` stays as it was. */
export async function traceStep(
  products: Products,
  job: Recipe,
  state: ModelState,
  step: number,
  rows: Rows,
): Promise<StepTrace> {
  invariant(rows.count === job.batch, `traceStep: ${rows.count} rows in a batch of ${job.batch}`)
  const shifts = shiftsAt(job, step)
  const forward = await runForward(products, state.layers, shifts, rows)
  const classes = job.layers.at(-1)!
  const { d, loss } = outputError(forward.at(-1)!.output, rows.labels, classes)
  const errors = await runBackward(products, state.layers, shifts, forward, d)
  const layers: LayerTrace[] = []
  const updated: LayerState[] = []
  let saturated = 0
  for (const [i, layer] of state.layers.entries()) {
    const shape = { rows: rows.count, width: layer.width, inner: layer.inner }
    const { input } = forward[i]!
    const gradient = await products.gradient(errors[i]!.error, input, shape)
    const next = updateLayer(layer, gradient, shifts.fractionBits, shifts.update[i]!)
    saturated += next.saturated
    updated.push(next.layer)
    layers.push({ ...forward[i]!, ...errors[i]!, gradient })
  }
  const zeroErrors = errors.map(({ error }) => countZeros(error))
  return { layers, report: { loss, zeroErrors, saturated }, state: { layers: updated } }
}

/** Outputs `[rows.count, n_L]` of a model, without training. */
export async function forwardOutputs(
  products: Products,
  state: ModelState,
  shifts: StepShifts,
  rows: Rows,
): Promise<Int8Array> {
  return (await runForward(products, state.layers, shifts, rows)).at(-1)!.output
}

type ForwardTrace = Pick<LayerTrace, 'input' | 'sums' | 'output'>
type ErrorTrace = Pick<LayerTrace, 'errorSums' | 'error'>

async function runForward(
  products: Products,
  layers: readonly LayerState[],
  shifts: StepShifts,
  rows: Rows,
): Promise<readonly ForwardTrace[]> {
  const traces: ForwardTrace[] = []
  let input = rows.features
  for (const [i, { width, inner, w }] of layers.entries()) {
    const sums = await products.forward(input, w, { rows: rows.count, width, inner })
    const finish = i === layers.length - 1 ? rescale : activate
    const output = finish(sums, shifts.forward[i]!)
    traces.push({ input, sums, output })
    input = output
  }
  return traces
}

/** Errors of every layer, from the last layer's `d` down; all with the weights before the update. */
async function runBackward(
  products: Products,
  layers: readonly LayerState[],
  shifts: StepShifts,
  forward: readonly ForwardTrace[],
  outputErrors: Int8Array,
): Promise<readonly ErrorTrace[]> {
  const errors: ErrorTrace[] = [{ errorSums: null, error: outputErrors }]
  let error = outputErrors
  for (let i = layers.length - 1; i > 0; i--) {
    const { width, inner, w } = layers[i]!
    const rows = error.length / width
    const errorSums = await products.backward(error, w, { rows, width, inner })
    error = maskError(errorSums, forward[i - 1]!.output, shifts.backward[i - 1]!)
    errors.unshift({ errorSums, error })
  }
  return errors
}

function countZeros(values: Int8Array): number {
  let zeros = 0
  for (const value of values) if (value === 0) zeros++
  return zeros
}
