/**
 * From a trained lease to the columns of its proof: what the prover commits to, as plain integers.
 * Rules P-6 to P-19 of docs/spec/proof.md.
 */
import { invariant } from '../primitives/result.ts'
import { columnFinder } from './circuit.ts'
import type { Matrix } from './linear.ts'
import { chunkBits, maxSaturated, type ProofShape, type StepNumbers } from './parameters.ts'
import type { BatchRows, Saturation } from './statement.ts'
import { target } from './target.ts'

/** Weights of one dense layer, `[width, inner]` row-major. */
export type LayerWeights = {
  readonly width: number
  readonly inner: number
  readonly w: Int8Array
  readonly rho: Uint32Array
}

export type Weights = { readonly layers: readonly LayerWeights[] }

/** What a layer computed in one step; activations `[batch, units]`, as training has them. */
export type LayerValues = {
  /** `z`: `[batch, width]`. */
  readonly sums: Int32Array
  /** `a`, for the last layer `o`: `[batch, width]`. */
  readonly output: Int8Array
  /** `e`: `[batch, width]`; `null` for the last layer. */
  readonly errorSums: Int32Array | null
  /** `d`: `[batch, width]`. */
  readonly error: Int8Array
  /** `G`: `[width, inner]`. */
  readonly gradient: Int32Array
}

/** One step: every intermediate value, and the weights after it. */
export type StepValues = { readonly layers: readonly LayerValues[]; readonly state: Weights }

/** Integers of every column and virtual column. Matrices may store more than the live cells. */
export type Witness = {
  /** By the columns' numbers. */
  readonly columns: readonly Matrix[]
  /** `z` and `e` of each step, by layer from 1 on: entry `layer − 1`. */
  readonly z: readonly (readonly Matrix[])[]
  readonly e: readonly (readonly Matrix[])[]
  readonly saturated: readonly Saturation[]
  /** Step by step. */
  readonly losses: Uint32Array
}

/** `ξ` of every weight of a step, layer by layer; `null` for a layer where it is 0 throughout. */
export type Excess = readonly (Int32Array | null)[]

export function excessOf(
  { update }: StepNumbers,
  fractionBits: number,
  before: Weights,
  { layers, state }: StepValues,
): Excess {
  const scale = 2 ** fractionBits
  return before.layers.map(({ w, rho }, i) => {
    const rate = 2 ** update[i]!
    const { gradient } = layers[i]!
    const after = state.layers[i]!.w
    let excess: Int32Array | null = null
    for (let c = 0; c < w.length; c++) {
      const updated = scale * w[c]! + rho[c]! - rate * gradient[c]!
      const beyond = Math.floor(updated / scale) - after[c]!
      if (beyond === 0) continue
      excess ??= new Int32Array(w.length)
      excess[c] = beyond
    }
    return excess
  })
}

/** The saturated weights of a lease in canonical order, or `null` if there are more than a proof lists. */
export function saturationsOf(
  excess: readonly Excess[],
  layers: readonly number[],
): readonly Saturation[] | null {
  const found: Saturation[] = []
  for (const [step, byLayer] of excess.entries())
    for (const [i, values] of byLayer.entries())
      for (const at of saturatedIn(values)) {
        if (found.length === maxSaturated) return null
        const inner = layers[i]!
        const [row, col] = [Math.floor(at / inner), at % inner]
        found.push({ step, layer: i + 1, row, col, excess: values![at]! })
      }
  return found
}

/** Where a layer's excess is not 0, in order. */
function* saturatedIn(values: Excess[number]): Generator<number> {
  if (values === null) return
  for (let at = 0; at < values.length; at++) if (values[at] !== 0) yield at
}

/** Everything but the multiplicities, which `lookups.ts` counts. */
export function buildWitness(
  shape: ProofShape,
  before: Weights,
  steps: readonly StepValues[],
  batches: readonly BatchRows[],
  excess: readonly Excess[],
): Witness {
  invariant(steps.length === shape.steps.length, 'buildWitness: one trace for each step')
  const columns: Matrix[] = []
  const find = columnFinder(shape)
  const states = [before, ...steps.map(({ state }) => state)]
  for (const [state, { layers }] of states.entries())
    for (const [i, layer] of layers.entries()) {
      columns[find('w', state, i + 1).index] = weightMatrix(layer, layer.w)
      columns[find('rho', state, i + 1).index] = weightMatrix(layer, layer.rho)
    }
  const sums = steps.map((step, number) => {
    if (shape.dense)
      for (const [i, layer] of before.layers.entries()) {
        const values = excess[number]![i] ?? new Int32Array(layer.w.length)
        columns[find('excess', number, i + 1).index] = weightMatrix(layer, values)
      }
    const unit = unitColumns(shape, step, number)
    for (const { role, layer, matrix } of unit.columns)
      columns[find(role, number, layer).index] = matrix
    return unit
  })
  const saturated = shape.dense ? [] : saturationsOf(excess, shape.layers)
  invariant(saturated !== null, 'buildWitness: too many saturated weights for the sparse mode')
  return {
    columns,
    z: sums.map(({ z }) => z),
    e: sums.map(({ e }) => e),
    saturated,
    losses: lossChunks(shape, steps, batches),
  }
}

function weightMatrix(
  { width, inner }: LayerWeights,
  values: Int8Array | Int32Array | Uint32Array,
): Matrix {
  return { rows: width, cols: inner, stride: inner, values: new Int32Array(values) }
}

type UnitColumn = {
  readonly role: 'a' | 'm' | 'h' | 'd' | 'v' | 'o'
  readonly layer: number
  readonly matrix: Matrix
}

function unitColumns(shape: ProofShape, { layers }: StepValues, step: number) {
  const { batch, depth, kappa, forward } = shape
  const columns: UnitColumn[] = []
  const z: Matrix[] = []
  const e: Matrix[] = []
  for (const [i, { sums, output, errorSums, error }] of layers.entries()) {
    const layer = i + 1
    const last = layer === depth
    const shift = forward[i]!
    const low = last ? -126 * 2 ** shift : 0
    const kappaHere = last ? kappa.output : kappa.hidden
    const matrix = (values: Int8Array | Int32Array) => transposed(values, batch)
    const add = (role: UnitColumn['role'], values: Matrix) =>
      columns.push({ role, layer, matrix: values })
    const zs = matrix(sums)
    const outputs = matrix(output)
    z.push(zs)
    add(last ? 'o' : 'a', outputs)
    add('h', quotients(zs, shift, kappaHere, low))
    add('d', matrix(error))
    if (last) continue
    const mask = { ...outputs, values: outputs.values.map((value) => (value > 0 ? 1 : 0)) }
    add('m', mask)
    const t = shape.steps[step]!.backward[i]!
    const es = matrix(errorSums!)
    e.push(es)
    const v = quotients(es, t, kappa.backward, -126 * 2 ** t)
    for (let c = 0; c < v.values.length; c++) if (mask.values[c] === 0) v.values[c] = 0
    add('v', v)
  }
  return { columns, z, e }
}

/**
 * `h` of the split `sum + 2^(shift−1) = 2^κ·h + g` with `g ∈ [low − 2^κ, 127·2^shift + 2^κ)`: 0 where
 * that is possible, else the one nearest to it.
 */
function quotients(sums: Matrix, shift: number, kappa: number, low: number): Matrix {
  const unit = 2 ** kappa
  const half = 2 ** (shift - 1)
  const least = low - unit
  const end = 127 * 2 ** shift + unit
  const values = new Int32Array(sums.values.length)
  for (let cell = 0; cell < values.length; cell++) {
    const value = sums.values[cell]! + half
    if (value >= end) values[cell] = Math.ceil((value - end + 1) / unit)
    else if (value < least) values[cell] = -Math.ceil((least - value) / unit)
  }
  return { ...sums, values }
}

/** `[batch, units]` to `[units, batch]`. */
export function transposed(values: Int8Array | Int32Array, batch: number): Matrix {
  const units = values.length / batch
  const flipped = new Int32Array(values.length)
  // In tiles, so that neither side leaves the cache before it is used again.
  for (let top = 0; top < batch; top += tile)
    for (let left = 0; left < units; left += tile) {
      const [bottom, right] = [Math.min(batch, top + tile), Math.min(units, left + tile)]
      for (let j = left; j < right; j++)
        for (let b = top; b < bottom; b++) flipped[j * batch + b] = values[b * units + j]!
    }
  return { rows: units, cols: batch, stride: batch, values: flipped }
}

const tile = 32

/** `Σ (o − 64·y)²` over each run of 2^15 indices `j·2^β + b`. */
function lossChunks(
  { layers, depth, batch, beta, chunks }: ProofShape,
  steps: readonly StepValues[],
  batches: readonly BatchRows[],
): Uint32Array {
  const units = layers[depth]!
  const losses = new Uint32Array(steps.length * chunks)
  for (const [step, { layers: values }] of steps.entries()) {
    const { output } = values[depth - 1]!
    const { labels } = batches[step]!
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < units; j++) {
        const miss = output[b * units + j]! - (labels[b] === j ? target : 0)
        const chunk = chunks === 1 ? 0 : Math.floor((j * 2 ** beta + b) / 2 ** chunkBits)
        losses[step * chunks + chunk] = losses[step * chunks + chunk]! + miss * miss
      }
  }
  return losses
}
