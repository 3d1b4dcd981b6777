/**
 * A training step, and a forward pass, as lists of dispatches. They run in order, each seeing what those
 * before it wrote.
 */
import type { StepShifts } from './shifts.ts'
import type { Dispatch, WebGpu } from './webgpuDevice.ts'
import type { DeviceModel, TwoWays } from './webgpuLayers.ts'
import { firstZeroWord } from './webgpuShader.ts'

/** Outputs of the rows at hand, in the last layer's `output`. */
export function forwardDispatches(
  gpu: WebGpu,
  model: DeviceModel,
  shifts: StepShifts,
): readonly Dispatch[] {
  return model.layers.flatMap((_, i) => forwardLayer(gpu, model, shifts, i, false))
}

/** One step on the rows at hand: new weights, and counters added to. */
export function trainDispatches(
  gpu: WebGpu,
  model: DeviceModel,
  shifts: StepShifts,
): readonly Dispatch[] {
  const { features, batch, layers } = model
  const last = layers.length - 1
  // All errors before any update: they need the weights as they were.
  const backward = layers
    .map((_, i) => (i === 0 ? [] : backwardLayer(gpu, model, shifts, i)))
    .toReversed()
    .flat()
  return [
    gpu.transpose(features.along, features.across, batch, layers[0]!.inner),
    ...layers.flatMap((_, i) => forwardLayer(gpu, model, shifts, i, i === last)),
    ...backward,
    ...layers.flatMap((_, i) => updateLayer(gpu, model, shifts, i)),
  ]
}

function inputOf({ features, layers }: DeviceModel, layer: number): TwoWays {
  return layer === 0 ? features : layers[layer - 1]!.output
}

/** @param isError - whether the outputs are turned into their errors. */
function forwardLayer(
  gpu: WebGpu,
  model: DeviceModel,
  shifts: StepShifts,
  layer: number,
  isError: boolean,
): readonly Dispatch[] {
  const { width, inner, parts, output, error } = model.layers[layer]!
  const isLast = layer === model.layers.length - 1
  const to = isError ? error : output
  return parts.map(({ from, rows, w }) =>
    gpu.product({
      entry: isError ? 'error' : 'activate',
      fields: {
        leftStride: inner / 4,
        depth: inner / 4,
        column: from,
        outStride: width / 4,
        acrossStride: model.batch / 4,
        shift: shifts.forward[layer]!,
        floor: isLast ? -127 : 0,
        counter: firstZeroWord + layer,
      },
      buffers: {
        left: inputOf(model, layer).along,
        right: w.along,
        out: to.along,
        across: to.across,
        words: model.labels,
        counters: model.counters,
      },
      rows: model.batch,
      columns: rows,
    }),
  )
}

/** The error below `layer`: its parts' sums are added up, the last one finishes. */
function backwardLayer(
  gpu: WebGpu,
  model: DeviceModel,
  shifts: StepShifts,
  layer: number,
): readonly Dispatch[] {
  const { width, inner, parts, error } = model.layers[layer]!
  const below = model.layers[layer - 1]!
  const sums = model.partialSums === null ? {} : { words: model.partialSums }
  return parts.map(({ from, rows, w }, part) => {
    const isLast = part === parts.length - 1
    const finish = parts.length > 1 ? 'maskAfter' : 'mask'
    return gpu.product({
      entry: isLast ? finish : 'sums',
      fields: {
        leftStride: width / 4,
        leftWord: from / 4,
        depth: rows / 4,
        outStride: isLast ? inner / 4 : inner,
        acrossStride: model.batch / 4,
        shift: shifts.backward[layer - 1]!,
        floor: -127,
        counter: firstZeroWord + layer - 1,
        previous: part === 0 ? 0 : 1,
      },
      buffers: {
        left: error.along,
        right: w.across,
        out: below.error.along,
        across: below.error.across,
        active: below.output.along,
        counters: model.counters,
        ...sums,
      },
      rows: model.batch,
      columns: inner,
    })
  })
}

function updateLayer(
  gpu: WebGpu,
  model: DeviceModel,
  shifts: StepShifts,
  layer: number,
): readonly Dispatch[] {
  const { inner, parts, error } = model.layers[layer]!
  return parts.map(({ from, rows, w, units }) =>
    gpu.product({
      entry: 'update',
      fields: {
        leftStride: model.batch / 4,
        leftRow: from,
        depth: model.batch / 4,
        outStride: inner / 4,
        acrossStride: rows / 4,
        shift: shifts.update[layer]!,
        fractionBits: shifts.fractionBits,
      },
      buffers: {
        left: error.across,
        right: inputOf(model, layer).across,
        out: w.along,
        across: w.across,
        words: units,
        counters: model.counters,
      },
      rows,
      columns: inner,
    }),
  )
}
