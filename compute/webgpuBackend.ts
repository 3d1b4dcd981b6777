/**
 * The WebGPU backend: our own kernels on Dawn. Models stay on the device; a step is one submission.
 */

import { maxInnerDim } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'
import type { Backend, ProductShape, Products } from './backend.ts'
import { adapterFacts, findAdapter, requestDevice } from './gpuAdapter.ts'
import { createWebGpu, padded, padMatrix, type WebGpu } from './webgpuDevice.ts'
import { openWebGpuSession } from './webgpuSession.ts'
import type { Tile } from './webgpuShader.ts'
import { chooseTile } from './webgpuTune.ts'

export type WebGpuOptions = {
  /** @default the fastest on this adapter */
  readonly tile?: Tile | undefined
  /** Bytes of one binding at most, if fewer than the adapter's. */
  readonly maxBinding?: number | undefined
}

/** @throws {Error} if there is no adapter. */
export async function openWebGpuBackend(options: WebGpuOptions = {}): Promise<Backend> {
  const adapter = await findAdapter()
  if (adapter === null) throw new Error('there is no WebGPU adapter')
  const facts = adapterFacts(adapter)
  const device = await requestDevice(adapter)
  const maxBinding = Math.min(facts.maxBinding, options.maxBinding ?? facts.maxBinding)
  const tile = options.tile ?? (await chooseTile(device, facts))
  const gpu = createWebGpu(device, tile, maxBinding)
  return {
    name: 'webgpu',
    detail: `WebGPU on ${facts.description}, ${kernelsOf(tile)} in tiles of ${tile.side * tile.cells}`,
    products: webgpuProducts(gpu),
    open: (job, state) => openWebGpuSession(gpu, job, state),
    close: async () => gpu.close(),
  }
}

function kernelsOf({ matrix }: Tile): string {
  if (matrix === undefined) return 'dot4I8Packed'
  return `int8 subgroup matrices of ${matrix.rows}x${matrix.width}x${matrix.inner}`
}

/** An operand: int8 `[rows, columns]`, with the contraction along its columns or down its rows. */
type Operand = {
  readonly values: Int8Array
  readonly rows: number
  readonly columns: number
  readonly isDown: boolean
}

function webgpuProducts(gpu: WebGpu): Products {
  /** `[m, k] × [n, k] → [m, n]`, either operand given across. */
  async function product(left: Operand, right: Operand): Promise<Int32Array> {
    const [m, k] = left.isDown ? [left.columns, left.rows] : [left.rows, left.columns]
    const n = right.isDown ? right.columns : right.rows
    invariant(k === (right.isDown ? right.rows : right.columns), 'product: contractions differ')
    invariant(k <= maxInnerDim, `product: contraction of ${k} may leave int32`)
    const used: GPUBuffer[] = []
    try {
      const [rows, columns] = [padded(m, gpu.padding), padded(n, gpu.padding)]
      const words = gpu.storage(4 * rows * columns)
      used.push(words)
      const encoder = gpu.device.createCommandEncoder()
      const buffers = {
        left: upload(gpu, encoder, left, used),
        right: upload(gpu, encoder, right, used),
        words,
      }
      const depth = padded(k, gpu.padding) / 4
      const fields = { leftStride: depth, depth, outStride: columns }
      gpu.encode(encoder, [gpu.product({ entry: 'sums', fields, buffers, rows, columns })])
      gpu.device.queue.submit([encoder.finish()])
      const sums = new Int32Array(await gpu.read(words, 4 * rows * columns))
      const result = new Int32Array(m * n)
      for (let row = 0; row < m; row++)
        result.set(sums.subarray(row * columns, row * columns + n), row * n)
      return result
    } finally {
      for (const buffer of used) buffer.destroy()
    }
  }

  const along = (values: Int8Array, rows: number, columns: number): Operand => {
    invariant(values.length === rows * columns, `product: ${values.length} values`)
    return { values, rows, columns, isDown: false }
  }
  const down = (values: Int8Array, rows: number, columns: number): Operand => ({
    ...along(values, rows, columns),
    isDown: true,
  })
  return {
    forward: (a, w, { rows, width, inner }: ProductShape) =>
      product(along(a, rows, inner), along(w, width, inner)),
    backward: (d, w, { rows, width, inner }) =>
      product(along(d, rows, width), down(w, width, inner)),
    gradient: (d, a, { rows, width, inner }) => product(down(d, rows, width), down(a, rows, inner)),
  }
}

/** The operand on the device, padded and with its contraction along the words. */
function upload(
  gpu: WebGpu,
  encoder: GPUCommandEncoder,
  { values, rows, columns, isDown }: Operand,
  used: GPUBuffer[],
): GPUBuffer {
  const sides = [padded(rows, gpu.padding), padded(columns, gpu.padding)] as const
  const bytes = sides[0] * sides[1]
  const buffer = gpu.storage(bytes)
  used.push(buffer)
  gpu.device.queue.writeBuffer(buffer, 0, padMatrix(values, [rows, columns], sides))
  if (!isDown) return buffer
  const across = gpu.storage(bytes)
  used.push(across)
  gpu.encode(encoder, [gpu.transpose(buffer, across, ...sides)])
  return across
}
