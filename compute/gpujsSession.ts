/**
 * A model trained by gpu.js: a step is one plan from rows and weights to new weights, the outputs and
 * the counts that a report has.
 */
import { invariant } from '../primitives/result.ts'
import type { Rows, Session, StepReport } from './backend.ts'
import { target } from './elementwise.ts'
import {
  backwardChunks,
  chunkLength,
  clampQuotient,
  countSaturated,
  countZeros,
  errorOfOutput,
  forwardChunks,
  gradientChunks,
  maskOff,
  nextFraction,
  nextQuotient,
  rescaleSums,
} from './gpujsKernels.ts'
import {
  createPlans,
  type GpujsMode,
  type Handle,
  matrix,
  type PlanMaker,
  type Trace,
  type Values,
} from './gpujsPlan.ts'
import { fitsShape, type ModelState } from './modelState.ts'
import { assertRecipe, type Recipe, type StepShifts, shiftsAt } from './shifts.ts'

/** Rows of one forward pass. */
const minCapacity = 64

/** A layer as float32 `[width, inner]`. */
type Layer = {
  readonly width: number
  readonly inner: number
  readonly w: Float32Array
  readonly rho: Float32Array
}

export function openGpujsSession(mode: GpujsMode, job: Recipe, state: ModelState): Session {
  assertRecipe(job)
  invariant(fitsShape(job, state), 'gpujs: state of another job')
  const plans = createPlans(mode)
  const layers = state.layers.map(
    ({ width, inner, w, rho }): Layer => ({
      width,
      inner,
      w: Float32Array.from(w),
      rho: Float32Array.from(rho),
    }),
  )
  const features = job.layers[0]!
  const classes = job.layers.at(-1)!
  const capacity = Math.max(job.batch, minCapacity)
  const weights = layers.map(
    ({ w, width, inner }) =>
      () =>
        matrix(w, inner, width),
  )
  const fractions = layers.map(
    ({ rho, width, inner }) =>
      () =>
        matrix(rho, inner, width),
  )

  async function step(number: number, rows: Rows): Promise<StepReport> {
    invariant(rows.count === job.batch, `gpujs: step of ${rows.count} rows`)
    const phase = job.schedule.findLastIndex(({ fromStep }) => fromStep <= number)
    const plan = plans.named(`step/${phase}`, 2 + 2 * layers.length, (maker) =>
      traceTraining(maker, job, shiftsAt(job, number)),
    )
    const labels = Float32Array.from(rows.labels, (label) => (label < classes ? label : -1))
    const results = await plan([
      matrix(Float32Array.from(rows.features), features, job.batch),
      labels,
      ...weights.map((value) => value()),
      ...fractions.map((value) => value()),
    ])
    for (const [i, { w, rho }] of layers.entries()) {
      flatten(results[`w${i}`]!, w)
      flatten(results[`rho${i}`]!, rho)
    }
    const outputs = flatten(results.outputs!, new Float32Array(job.batch * classes))
    return {
      loss: lossOf(outputs, labels, classes),
      zeroErrors: layers.map((_, i) => total(results[`zeros${i}`]!)),
      saturated: layers.reduce((sum, _, i) => sum + total(results[`saturated${i}`]!), 0),
    }
  }

  async function outputs(rows: Rows): Promise<Int8Array> {
    const plan = plans.named('outputs', 1 + layers.length, (maker) =>
      traceOutputs(maker, job, shiftsAt(job, 0), capacity),
    )
    const all = new Int8Array(rows.count * classes)
    const part = new Float32Array(capacity * classes)
    for (let from = 0; from < rows.count; from += capacity) {
      const to = Math.min(rows.count, from + capacity)
      const padded = new Float32Array(capacity * features)
      padded.set(rows.features.subarray(from * features, to * features))
      const values = [matrix(padded, features, capacity), ...weights.map((value) => value())]
      flatten((await plan(values)).outputs!, part)
      all.set(Int8Array.from(part.subarray(0, (to - from) * classes)), from * classes)
    }
    return all
  }

  async function current(): Promise<ModelState> {
    return {
      layers: layers.map(({ width, inner, w, rho }) => ({
        width,
        inner,
        w: Int8Array.from(w),
        rho: Uint32Array.from(rho),
      })),
    }
  }

  return { step, outputs, state: current, close: plans.close }
}

/** Takes features, labels, every `w`, every `rho`. */
function traceTraining(maker: PlanMaker, job: Recipe, shifts: StepShifts): Trace {
  const { kernelOf } = maker
  const depth = job.layers.length - 1
  const side = (layer: number) => job.layers[layer]!
  const rows = job.batch
  const forward = traceForward(maker, job, shifts, rows)
  const errorOf = kernelOf(errorOfOutput, [side(depth), rows])
  const below = Array.from({ length: depth - 1 }, (_, i) => {
    const [inner, width] = [side(i + 1), side(i + 2)]
    const sums = kernelOf(backwardChunks, [inner, rows, chunksOf(width)], chunked(width))
    const rescaled = kernelOf(
      rescaleSums,
      [inner, rows],
      rescaling(shifts.backward[i]!, width, -127),
    )
    const mask = kernelOf(maskOff, [inner, rows])
    return (d: Handle, w: Handle, active: Handle) => mask(rescaled(sums(d, w)), active)
  })
  const updates = Array.from({ length: depth }, (_, i) => traceUpdate(maker, job, shifts, i))
  return (features, labels, ...state) => {
    const activations = forward(features!, state)
    const results: Record<string, Handle> = { outputs: activations.at(-1)! }
    const errors: Handle[] = [errorOf(activations.at(-1)!, labels!)]
    for (let i = depth - 2; i >= 0; i--)
      errors.unshift(below[i]!(errors[0]!, state[i + 1]!, activations[i]!))
    for (const [i, update] of updates.entries()) {
      const input = i === 0 ? features! : activations[i - 1]!
      const next = update(errors[i]!, input, state[i]!, state[depth + i]!)
      for (const [name, value] of Object.entries(next)) results[`${name}${i}`] = value
    }
    return results
  }
}

/** Activations of every layer, the outputs last. */
function traceForward(
  { kernelOf }: PlanMaker,
  job: Recipe,
  shifts: StepShifts,
  rows: number,
): (features: Handle, w: readonly Handle[]) => readonly Handle[] {
  const depth = job.layers.length - 1
  const steps = Array.from({ length: depth }, (_, i) => {
    const [inner, width] = [job.layers[i]!, job.layers[i + 1]!]
    const sums = kernelOf(forwardChunks, [width, rows, chunksOf(inner)], chunked(inner))
    const floor = i === depth - 1 ? -127 : 0
    const rescaled = kernelOf(
      rescaleSums,
      [width, rows],
      rescaling(shifts.forward[i]!, inner, floor),
    )
    return (a: Handle, w: Handle) => rescaled(sums(a, w))
  })
  return (features, w) => {
    const activations: Handle[] = []
    for (const [i, step] of steps.entries())
      activations.push(step(activations[i - 1] ?? features, w[i]!))
    return activations
  }
}

/** Takes features and every `w`. */
function traceOutputs(maker: PlanMaker, job: Recipe, shifts: StepShifts, rows: number): Trace {
  const forward = traceForward(maker, job, shifts, rows)
  return (features, ...w) => ({ outputs: forward(features!, w).at(-1)! })
}

type Update = (d: Handle, a: Handle, w: Handle, rho: Handle) => Readonly<Record<string, Handle>>

function traceUpdate(
  { kernelOf }: PlanMaker,
  job: Recipe,
  shifts: StepShifts,
  layer: number,
): Update {
  const [inner, width] = [job.layers[layer]!, job.layers[layer + 1]!]
  const cells = [inner, width]
  const rate = shifts.update[layer]!
  const unit = 2 ** shifts.fractionBits
  const constants = {
    chunks: chunksOf(job.batch),
    highRate: 2 ** (12 + rate),
    lowRate: 2 ** rate,
    unit,
    perUnit: 1 / unit,
  }
  const gradient = kernelOf(gradientChunks, [...cells, chunksOf(job.batch)], chunked(job.batch))
  const quotientOf = kernelOf(nextQuotient, cells, constants)
  const fractionOf = kernelOf(nextFraction, cells, constants)
  const clamped = kernelOf(clampQuotient, cells)
  const saturated = kernelOf(countSaturated, [width], { length: inner })
  const zeros = kernelOf(countZeros, [job.batch], { length: width })
  return (d, a, w, rho) => {
    const sums = gradient(d, a)
    const quotient = quotientOf(sums, w, rho)
    return {
      w: clamped(quotient),
      rho: fractionOf(sums, rho),
      saturated: saturated(quotient),
      zeros: zeros(d),
    }
  }
}

function chunksOf(length: number): number {
  return Math.ceil(length / chunkLength)
}

function chunked(length: number): Readonly<Record<string, number>> {
  return { length, chunk: chunkLength }
}

function rescaling(shift: number, length: number, floor: number): Readonly<Record<string, number>> {
  return {
    chunks: chunksOf(length),
    highScale: 2 ** (12 - shift),
    lowScale: 2 ** -shift,
    half: 2 ** (shift - 1),
    floor,
  }
}

/** Rows one after the other. */
function flatten(values: Values, to: Float32Array): Float32Array {
  const rows = values as readonly Float32Array[]
  const width = to.length / rows.length
  for (const [i, row] of rows.entries()) {
    invariant(row.length === width, 'gpujs: a result of another shape')
    to.set(row, i * width)
  }
  return to
}

/** At most 2^32 cells of 1 each: exact in a double. */
function total(counts: Values): number {
  let sum = 0
  for (const count of counts as Float32Array) sum += count
  return sum
}

/** `Σ (o − 64·y)²`, exact in a double. */
function lossOf(outputs: Float32Array, labels: Float32Array, classes: number): bigint {
  let loss = 0
  for (let i = 0; i < outputs.length; i++) {
    const label = labels[Math.floor(i / classes)]!
    const difference = outputs[i]! - (label === i % classes ? target : 0)
    loss += difference * difference
  }
  return BigInt(loss)
}
