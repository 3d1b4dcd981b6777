/**
 * A WebGPU device with the backend's kernels compiled, and its failures caught: a device that reported
 * any error is not believed again.
 */
import {
  type BindingName,
  bindingNames,
  bindingsOf,
  type Entry,
  type ProductFields,
  productFields,
  productShader,
  type Tile,
  transposeShader,
} from './webgpuShader.ts'

/** One dispatch, ready to be encoded again and again. */
export type Dispatch = {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly x: number
  readonly y: number
}

export type ProductCall = {
  readonly entry: Entry
  readonly fields: ProductFields
  readonly buffers: Readonly<Partial<Record<BindingName, GPUBuffer>>>
  /** Cells of the result; multiples of {@link WebGpu.padding}. */
  readonly rows: number
  readonly columns: number
}

export type WebGpu = {
  readonly device: GPUDevice
  readonly tile: Tile
  /** Every side is padded to a multiple of this. */
  readonly padding: number
  /** Bytes that one binding may have. */
  readonly maxBinding: number
  /** A zeroed buffer that kernels read and write. @throws {Error} if it is larger than a binding. */
  readonly storage: (bytes: number) => GPUBuffer
  readonly product: (call: ProductCall) => Dispatch
  /** int8 `[rows, columns]` to `[columns, rows]`, both padded. */
  readonly transpose: (from: GPUBuffer, to: GPUBuffer, rows: number, columns: number) => Dispatch
  readonly encode: (encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]) => void
  /** The bytes of a buffer. @throws {Error} if the device failed until now. */
  readonly read: (buffer: GPUBuffer, bytes: number) => Promise<ArrayBuffer>
  /** @throws {Error} if the device failed until now. */
  readonly check: () => void
  readonly close: () => void
}

/** Kernels are compiled when first needed; one that does not compile is a failure of the device. */
export function createWebGpu(device: GPUDevice, tile: Tile, maxBinding: number): WebGpu {
  let failure: string | null = null
  device.onuncapturederror = ({ error }) => {
    failure ??= error.message
  }
  void device.lost.then(({ message }) => {
    failure ??= `the device was lost: ${message}`
  })
  const pipelineOf = compiler(device, tile)
  const wide = tile.side * tile.cells

  function check(): void {
    if (failure !== null) throw new Error(failure.slice(0, 500))
  }

  function storage(bytes: number): GPUBuffer {
    if (bytes > maxBinding)
      throw new Error(`a buffer of ${bytes} bytes is larger than one binding, ${maxBinding}`)
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    return device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST })
  }

  function uniform(words: Uint32Array<ArrayBuffer>): GPUBuffer {
    const { UNIFORM, COPY_DST } = GPUBufferUsage
    const buffer = device.createBuffer({ size: words.byteLength, usage: UNIFORM | COPY_DST })
    device.queue.writeBuffer(buffer, 0, words)
    return buffer
  }

  function product({ entry, fields, buffers, rows, columns }: ProductCall): Dispatch {
    const pipeline = pipelineOf(entry)
    const bound: Partial<Record<BindingName, GPUBuffer>> = {
      ...buffers,
      fields: uniform(Uint32Array.from(productFields, (name) => fields[name] ?? 0)),
    }
    const entries = bindingsOf[entry].map((name) => ({
      binding: bindingNames.indexOf(name),
      resource: { buffer: bound[name]! },
    }))
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
    return { pipeline, group, x: columns / wide, y: rows / wide }
  }

  function transpose(from: GPUBuffer, to: GPUBuffer, rows: number, columns: number): Dispatch {
    const pipeline = pipelineOf('transpose')
    const buffers = [uniform(Uint32Array.of(rows / 4, columns / 4)), from, to]
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
    return { pipeline, group, x: columns / 32, y: rows / 32 }
  }

  function encode(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]): void {
    const pass = encoder.beginComputePass()
    for (const { pipeline, group, x, y } of dispatches) {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(x, y)
    }
    pass.end()
  }

  async function read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const { MAP_READ, COPY_DST } = GPUBufferUsage
    const copy = device.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST })
    try {
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, bytes)
      device.queue.submit([encoder.finish()])
      await copy.mapAsync(GPUMapMode.READ)
      check()
      return copy.getMappedRange().slice(0)
    } finally {
      copy.destroy()
    }
  }

  return {
    device,
    tile,
    padding: wide,
    maxBinding,
    storage,
    product,
    transpose,
    encode,
    read,
    check,
    close: () => device.destroy(),
  }
}

function compiler(
  device: GPUDevice,
  tile: Tile,
): (name: Entry | 'transpose') => GPUComputePipeline {
  const products = device.createShaderModule({ code: productShader(tile) })
  const transposes = device.createShaderModule({ code: transposeShader })
  const compiled = new Map<string, GPUComputePipeline>()
  return (name) => {
    const known = compiled.get(name)
    if (known !== undefined) return known
    const module = name === 'transpose' ? transposes : products
    const compute = { module, entryPoint: name }
    const pipeline = device.createComputePipeline({ layout: 'auto', compute })
    compiled.set(name, pipeline)
    return pipeline
  }
}

/** `length` up to the next multiple of `padding`. */
export function padded(length: number, padding: number): number {
  return Math.ceil(length / padding) * padding
}

/** `[rows, columns]` into zeros of `[paddedRows, paddedColumns]`. */
export function padMatrix(
  values: Int8Array,
  [rows, columns]: readonly [number, number],
  [paddedRows, paddedColumns]: readonly [number, number],
): Int8Array<ArrayBuffer> {
  const all = new Int8Array(paddedRows * paddedColumns)
  for (let row = 0; row < rows; row++)
    all.set(values.subarray(row * columns, (row + 1) * columns), row * paddedColumns)
  return all
}
