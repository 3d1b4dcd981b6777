/**
 * Choosing a job's shifts before it is opened: the client's business, not the chain's. One forward and
 * backward pass on sample rows measures magnitudes; shifts then bring activations and errors to useful
 * sizes in int8. What comes out are integers in the job, so this file may use floats: no node repeats it.
 */
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { Job } from '../registry/job.ts'
import type { Products, Rows } from './backend.ts'
import { activate, maskError, outputError, rescale } from './elementwise.ts'
import { initialState, type LayerState } from './modelState.ts'

export type CalibrationInput = {
  readonly layers: readonly number[]
  readonly batch: number
  /** Of the trial's weights; any will do, the job draws its own. */
  readonly seed: Hash
  /** About 512 rows of the dataset. */
  readonly rows: Rows
  /** Whose products are used; speed only. */
  readonly backend: { readonly products: Products }
  readonly targets?: Partial<CalibrationTargets> | undefined
}

/** Root mean squares to aim at, and the first weights. Defaults depend on depth. */
export type CalibrationTargets = {
  /** Hidden sums after rescale; three quarters of it at the output. @default 40, shallow 14 */
  readonly forward: number
  /** Errors after rescale. @default 48 */
  readonly backward: number
  /** One update over the weights. @default 2^−4, shallow 2^−3 */
  readonly rate: number
  /** @default 16 */
  readonly initBound: number
}

/** Fields of a job. */
export type CalibratedRecipe = Pick<
  Job,
  'fractionBits' | 'forwardShifts' | 'schedule' | 'initBound'
>

/** Good for depth; networks of up to four weight layers do better with {@link shallowTargets}. */
const deepTargets: CalibrationTargets = { forward: 40, backward: 48, rate: 2 ** -4, initBound: 16 }

const shallowTargets: CalibrationTargets = {
  forward: 14,
  backward: 48,
  rate: 2 ** -3,
  initBound: 16,
}

const maxFractionBits = 20
const minFractionBits = 16

/** One phase that holds for the whole job; see {@link slowDown} for more. */
export async function calibrate(input: CalibrationInput): Promise<CalibratedRecipe> {
  const { layers, batch, seed, rows, backend } = input
  const defaults = layers.length - 1 > 4 ? deepTargets : shallowTargets
  const targets = { ...defaults, ...input.targets }
  const shape = { layers, fractionBits: minFractionBits, initBound: targets.initBound }
  const weights = initialState(shape, seed).layers
  const forward = await forwardShifts(weights, rows, backend.products, targets.forward)
  const { outputs, shifts } = forward
  const classes = layers.at(-1)!
  const { d } = outputError(outputs.at(-1)!, rows.labels, classes)
  const below = await backwardShifts(weights, outputs, d, backend.products, targets.backward)
  const rates = await updateShifts(weights, outputs, below.errors, rows, batch, backend.products)
  const exponents = rates.map((ratio) => Math.round(Math.log2(targets.rate * ratio)))
  // u counts in units of a weight's last bit: raising F by one raises every u by one.
  const raise = Math.max(0, -Math.min(...exponents))
  const fractionBits = Math.min(maxFractionBits, minFractionBits + raise)
  const updates = exponents.map((u) => Math.max(0, u + fractionBits - minFractionBits))
  return {
    fractionBits,
    forwardShifts: shifts,
    schedule: [{ fromStep: 0, updateShifts: updates, backwardShifts: below.shifts }],
    initBound: targets.initBound,
  }
}

/**
 * The recipe with a further phase from `fromStep` on whose updates are `2^−halvings` as large. `F` rises
 * if the updates would fall below one unit, as far as it may.
 */
export function slowDown(
  recipe: CalibratedRecipe,
  fromStep: number,
  halvings: number,
): CalibratedRecipe {
  const last = recipe.schedule.at(-1)!
  invariant(fromStep > last.fromStep, `slowDown: phase at ${fromStep} after ${last.fromStep}`)
  const room = maxFractionBits - recipe.fractionBits
  const raise = Math.min(room, Math.max(0, halvings - Math.min(...last.updateShifts)))
  const raised = recipe.schedule.map((phase) => ({
    ...phase,
    updateShifts: phase.updateShifts.map((u) => u + raise),
  }))
  const updateShifts = last.updateShifts.map((u) => Math.max(0, u + raise - halvings))
  return {
    ...recipe,
    fractionBits: recipe.fractionBits + raise,
    schedule: [...raised, { ...last, fromStep, updateShifts }],
  }
}

async function forwardShifts(
  weights: readonly LayerState[],
  rows: Rows,
  products: Products,
  target: number,
): Promise<{ readonly shifts: readonly number[]; readonly outputs: readonly Int8Array[] }> {
  const outputs = [rows.features]
  const shifts: number[] = []
  for (const [i, { width, inner, w }] of weights.entries()) {
    const z = await products.forward(outputs[i]!, w, { rows: rows.count, width, inner })
    const isLast = i === weights.length - 1
    const shift = shiftTo(rootMeanSquare(z), isLast ? 0.75 * target : target)
    shifts.push(shift)
    outputs.push(isLast ? rescale(z, shift) : activate(z, shift))
  }
  return { shifts, outputs }
}

/** @param outputs - input of the first layer, then the output of each. */
async function backwardShifts(
  weights: readonly LayerState[],
  outputs: readonly Int8Array[],
  outputErrors: Int8Array,
  products: Products,
  target: number,
): Promise<{ readonly shifts: readonly number[]; readonly errors: readonly Int8Array[] }> {
  const errors = [outputErrors]
  const shifts: number[] = []
  for (let i = weights.length - 1; i > 0; i--) {
    const { width, inner, w } = weights[i]!
    const above = errors[0]!
    const e = await products.backward(above, w, { rows: above.length / width, width, inner })
    const shift = shiftTo(rootMeanSquare(e), target)
    shifts.unshift(shift)
    errors.unshift(maskError(e, outputs[i]!, shift))
  }
  return { shifts, errors }
}

/** Per layer `RMS(W) / RMS(G)` for a gradient of `batch` rows, `W` in units of `2^−16`. */
async function updateShifts(
  weights: readonly LayerState[],
  outputs: readonly Int8Array[],
  errors: readonly Int8Array[],
  rows: Rows,
  batch: number,
  products: Products,
): Promise<readonly number[]> {
  const ratios: number[] = []
  for (const [i, { width, inner, w }] of weights.entries()) {
    const shape = { rows: rows.count, width, inner }
    const gradient = await products.gradient(errors[i]!, outputs[i]!, shape)
    // Rows' gradients are nearly independent at the start: the sum grows with the root of their number.
    const scaled = rootMeanSquare(gradient) * Math.sqrt(batch / rows.count)
    ratios.push((rootMeanSquare(w) * 2 ** minFractionBits) / Math.max(scaled, 1))
  }
  return ratios
}

/** The shift, 1 to 10, that brings a root mean square of `from` nearest to `to`. */
function shiftTo(from: number, to: number): number {
  return Math.min(10, Math.max(1, Math.round(Math.log2(Math.max(from, 1) / to))))
}

function rootMeanSquare(values: Int8Array | Int32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum / values.length)
}
