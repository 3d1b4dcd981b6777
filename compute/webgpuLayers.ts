/**
 * A model's buffers on a WebGPU device. A layer too large for one binding is held in parts, each some of
 * its rows; activations and errors are held along and across.
 */
import type { LayerState, ModelState } from './modelState.ts'
import { emptyState } from './modelState.ts'
import type { Recipe } from './shifts.ts'
import { padded, padMatrix, type WebGpu } from './webgpuDevice.ts'

/** `[rows, units]` as int8, and the same across as `[units, rows]`. */
export type TwoWays = { readonly along: GPUBuffer; readonly across: GPUBuffer }

/** Rows `[from, from + rows)` of a layer's weights, padded. */
export type WeightPart = {
  readonly from: number
  readonly rows: number
  /** int8 `[rows, inner]`, across `[inner, rows]`. */
  readonly w: TwoWays
  /** int32 `[rows, inner]`: `2^F·w + rho`. */
  readonly units: GPUBuffer
}

/** Sides padded. */
export type DeviceLayer = {
  readonly width: number
  readonly inner: number
  readonly parts: readonly WeightPart[]
  /** What it puts out, `[batch, width]`. */
  readonly output: TwoWays
  readonly error: TwoWays
}

export type DeviceModel = {
  readonly batch: number
  readonly features: TwoWays
  readonly labels: GPUBuffer
  readonly layers: readonly DeviceLayer[]
  /** Sums over the parts of one layer so far, int32; null where no layer has parts. */
  readonly partialSums: GPUBuffer | null
  readonly counters: GPUBuffer
  readonly counterBytes: number
  readonly release: () => void
}

/** @throws {Error} if the model cannot be held on this device. */
export function createDeviceModel(gpu: WebGpu, job: Recipe, counterWords: number): DeviceModel {
  const made: GPUBuffer[] = []
  const storage = (bytes: number) => {
    const buffer = gpu.storage(bytes)
    made.push(buffer)
    return buffer
  }
  const twoWays = (cells: number) => ({ along: storage(cells), across: storage(cells) })
  const batch = padded(job.batch, gpu.padding)
  const sides = job.layers.map((side) => padded(side, gpu.padding))
  try {
    const layers = sides.slice(1).map((width, i): DeviceLayer => {
      const inner = sides[i]!
      const parts = partRows(gpu, width, inner).map(({ from, rows }) => ({
        from,
        rows,
        w: twoWays(rows * inner),
        units: storage(4 * rows * inner),
      }))
      return { width, inner, parts, output: twoWays(batch * width), error: twoWays(batch * width) }
    })
    const split = layers.filter(({ parts }) => parts.length > 1).map(({ inner }) => inner)
    return {
      batch,
      features: twoWays(batch * sides[0]!),
      labels: storage(4 * batch),
      layers,
      partialSums: split.length === 0 ? null : storage(4 * batch * Math.max(...split)),
      counters: storage(4 * counterWords),
      counterBytes: 4 * counterWords,
      release,
    }
  } catch (error) {
    release()
    throw error
  }

  function release(): void {
    for (const buffer of made) buffer.destroy()
  }
}

/** Ranges of rows whose int32 words fit one binding. */
function partRows(
  { maxBinding, padding }: WebGpu,
  width: number,
  inner: number,
): readonly { readonly from: number; readonly rows: number }[] {
  const most = Math.floor(maxBinding / (4 * inner * padding)) * padding
  if (most === 0) throw new Error(`${padding} rows of ${inner} weights are more than one binding`)
  const parts: { from: number; rows: number }[] = []
  for (let from = 0; from < width; from += most)
    parts.push({ from, rows: Math.min(most, width - from) })
  return parts
}

/** Writes the weights; their copies across are made on the device. */
export function loadState(gpu: WebGpu, model: DeviceModel, job: Recipe, state: ModelState): void {
  const encoder = gpu.device.createCommandEncoder()
  for (const [i, { inner, parts }] of model.layers.entries()) {
    const layer = state.layers[i]!
    for (const { from, rows, w, units } of parts) {
      const live = Math.max(0, Math.min(rows, layer.width - from))
      const cells = layer.w.subarray(from * layer.inner, (from + live) * layer.inner)
      const bytes = padMatrix(cells, [live, layer.inner], [rows, inner])
      gpu.device.queue.writeBuffer(w.along, 0, bytes)
      gpu.encode(encoder, [gpu.transpose(w.along, w.across, rows, inner)])
      const words = packUnits(layer, from, live, inner, rows, job.fractionBits)
      gpu.device.queue.writeBuffer(units, 0, words)
    }
  }
  gpu.device.queue.submit([encoder.finish()])
}

function packUnits(
  { inner: columns, w, rho }: LayerState,
  from: number,
  live: number,
  stride: number,
  rows: number,
  fractionBits: number,
): Int32Array<ArrayBuffer> {
  const words = new Int32Array(rows * stride)
  const unit = 2 ** fractionBits
  for (let row = 0; row < live; row++)
    for (let k = 0; k < columns; k++) {
      const i = (from + row) * columns + k
      words[row * stride + k] = unit * w[i]! + rho[i]!
    }
  return words
}

/** A copy of the weights. @throws {Error} if the device failed. */
export async function readState(gpu: WebGpu, model: DeviceModel, job: Recipe): Promise<ModelState> {
  const state = emptyState(job)
  const mask = 2 ** job.fractionBits - 1
  for (const [i, { inner: stride, parts }] of model.layers.entries()) {
    const { width, inner, w, rho } = state.layers[i]!
    for (const { from, rows, units } of parts) {
      const words = new Int32Array(await gpu.read(units, 4 * rows * stride))
      for (let row = 0; row < Math.min(rows, width - from); row++)
        for (let k = 0; k < inner; k++) {
          const word = words[row * stride + k]!
          w[(from + row) * inner + k] = word >> job.fractionBits
          rho[(from + row) * inner + k] = word & mask
        }
    }
  }
  return state
}
