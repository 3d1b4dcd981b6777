/**
 * The portable GPU backend: every product and element-wise rule as gpu.js kernels, which run on WebGPU,
 * on WebAssembly or in plain JavaScript from one source.
 */
import { maxInnerDim } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'
import type { Backend, ProductShape, Products } from './backend.ts'
import { exposeGpu, findAdapter } from './gpuAdapter.ts'
import { backwardChunks, chunkLength, forwardChunks, gradientChunks } from './gpujsKernels.ts'
import { createPlans, type GpujsMode, matrix, type Plans, sumChunks } from './gpujsPlan.ts'
import { openGpujsSession } from './gpujsSession.ts'

/**
 * gpu.js in one of its modes.
 *
 * @throws {Error} if `mode` is webgpu and there is no adapter.
 */
export async function openGpujsBackend(mode: GpujsMode): Promise<Backend> {
  if (mode === 'webgpu') {
    if ((await findAdapter()) === null) throw new Error('there is no WebGPU adapter')
    await exposeGpu()
  }
  let plans: Plans | null = null
  const shared = () => (plans ??= createPlans(mode))
  return {
    name: 'gpujs',
    detail: `gpu.js ${mode}`,
    products: gpujsProducts(shared),
    open: async (job, state) => openGpujsSession(mode, job, state),
    close: async () => plans?.close(),
  }
}

/** Kernels are compiled for a shape on its first use. */
function gpujsProducts(plans: () => Plans): Products {
  async function product(
    kind: 'forward' | 'backward' | 'gradient',
    [left, right]: readonly [Int8Array, Int8Array],
    { rows, width, inner }: ProductShape,
  ): Promise<Int32Array> {
    const { kernel, length, output, sides } = {
      forward: {
        kernel: forwardChunks,
        length: inner,
        output: [width, rows] as const,
        sides: [rows, inner, width, inner] as const,
      },
      backward: {
        kernel: backwardChunks,
        length: width,
        output: [inner, rows] as const,
        sides: [rows, width, width, inner] as const,
      },
      gradient: {
        kernel: gradientChunks,
        length: rows,
        output: [inner, width] as const,
        sides: [rows, width, rows, inner] as const,
      },
    }[kind]
    const [leftRows, leftWidth, rightRows, rightWidth] = sides
    const fits = left.length === leftRows * leftWidth && right.length === rightRows * rightWidth
    invariant(fits, `product: buffers do not fit ${rows}x${width}x${inner}`)
    invariant(length <= maxInnerDim, `product: contraction of ${length} may leave int32`)
    const chunks = Math.ceil(length / chunkLength)
    const plan = plans().named(`${kind}/${rows}x${width}x${inner}`, 2, ({ kernelOf }) => {
      const constants = { length, chunk: chunkLength }
      const sums = kernelOf(kernel, [...output, chunks], constants)
      return (a, b) => ({ sums: sums(a, b) })
    })
    const { sums } = await plan([
      matrix(Float32Array.from(left), leftWidth, leftRows),
      matrix(Float32Array.from(right), rightWidth, rightRows),
    ])
    return sumChunks(sums as readonly (readonly Float32Array[])[], output[0], output[1])
  }

  return {
    forward: (a, w, shape) => product('forward', [a, w], shape),
    backward: (d, w, shape) => product('backward', [d, w], shape),
    gradient: (d, a, shape) => product('gradient', [d, a], shape),
  }
}
