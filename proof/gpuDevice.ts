/**
 * What the prover wants of a WebGPU device: buffers, dispatches and answers. The device is handed in;
 * one that reported any error is not believed again.
 */

/** One dispatch: a kernel, its uniform words and its buffers by binding, uniform first. */
export type GpuCall = {
  readonly shader: string
  readonly entry: string
  readonly fields: readonly number[]
  /** By binding, from 1 on. */
  readonly buffers: Readonly<Record<number, GPUBuffer>>
  /** Workgroups. */
  readonly x: number
  readonly y?: number
}

export type ProofGpu = {
  /** Bytes of one binding at most. */
  readonly maxBinding: number
  /** Zeros. @throws {Error} if it is larger than a binding, or the device failed. */
  readonly storage: (words: number) => GPUBuffer
  readonly write: (buffer: GPUBuffer, words: Uint32Array | Int32Array, toWord?: number) => void
  /** In order, each seeing what those before it wrote. */
  readonly run: (calls: readonly GpuCall[]) => void
  /** The first words of each buffer, end to end. @throws {Error} if the device failed until now. */
  readonly read: (
    parts: readonly { readonly buffer: GPUBuffer; readonly words: number }[],
  ) => Promise<Uint32Array>
  readonly close: () => void
}

/** Words of a uniform. */
const maxFields = 16

export function createProofGpu(device: GPUDevice, maxBinding: number): ProofGpu {
  let failure: string | null = null
  device.onuncapturederror = ({ error }) => {
    failure ??= error.message
  }
  void device.lost.then(({ message }) => {
    failure ??= `the device was lost: ${message}`
  })
  const pipelines = new Map<string, GPUComputePipeline>()
  const modules = new Map<string, GPUShaderModule>()

  function pipelineOf(shader: string, entryPoint: string): GPUComputePipeline {
    const key = `${entryPoint}\n${shader}`
    const known = pipelines.get(key)
    if (known !== undefined) return known
    const module = modules.get(shader) ?? device.createShaderModule({ code: shader })
    modules.set(shader, module)
    const compute = { module, entryPoint }
    const made = device.createComputePipeline({ layout: 'auto', compute })
    pipelines.set(key, made)
    return made
  }

  function check(cause?: unknown): void {
    if (failure !== null) throw new Error(failure.slice(0, 500), { cause })
  }

  function storage(words: number): GPUBuffer {
    check()
    if (4 * words > maxBinding)
      throw new Error(`${4 * words} bytes are more than one binding, ${maxBinding}`)
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    return device.createBuffer({ size: 4 * words, usage: STORAGE | COPY_SRC | COPY_DST })
  }

  function run(calls: readonly GpuCall[]): void {
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    const uniforms: GPUBuffer[] = []
    for (const { shader, entry, fields, buffers, x, y = 1 } of calls) {
      const { UNIFORM, COPY_DST } = GPUBufferUsage
      const uniform = device.createBuffer({ size: 4 * maxFields, usage: UNIFORM | COPY_DST })
      uniforms.push(uniform)
      device.queue.writeBuffer(
        uniform,
        0,
        Uint32Array.from({ length: maxFields }, (_, i) => fields[i] ?? 0),
      )
      const pipeline = pipelineOf(shader, entry)
      const entries = Object.entries({ ...buffers, 0: uniform }).map(([binding, buffer]) => ({
        binding: Number(binding),
        resource: { buffer },
      }))
      pass.setPipeline(pipeline)
      pass.setBindGroup(
        0,
        device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
      )
      pass.dispatchWorkgroups(x, y)
    }
    pass.end()
    device.queue.submit([encoder.finish()])
    // A buffer in use lives on until its work is done.
    for (const uniform of uniforms) uniform.destroy()
  }

  async function read(
    parts: readonly { readonly buffer: GPUBuffer; readonly words: number }[],
  ): Promise<Uint32Array> {
    const size = 4 * parts.reduce((sum, { words }) => sum + words, 0)
    const { MAP_READ, COPY_DST } = GPUBufferUsage
    const copy = device.createBuffer({ size, usage: MAP_READ | COPY_DST })
    try {
      const encoder = device.createCommandEncoder()
      let to = 0
      for (const { buffer, words } of parts) {
        encoder.copyBufferToBuffer(buffer, 0, copy, to, 4 * words)
        to += 4 * words
      }
      device.queue.submit([encoder.finish()])
      await copy.mapAsync(GPUMapMode.READ)
      check()
      return new Uint32Array(copy.getMappedRange().slice(0))
    } catch (error) {
      check(error)
      throw error
    } finally {
      copy.destroy()
    }
  }

  return {
    maxBinding,
    storage,
    write: (buffer, words, toWord = 0) =>
      device.queue.writeBuffer(buffer, 4 * toWord, words as Uint32Array<ArrayBuffer>),
    run,
    read,
    close: () => device.destroy(),
  }
}
