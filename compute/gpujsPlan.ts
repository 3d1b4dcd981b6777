/**
 * gpu.js pipelines: several kernels compiled into one plan, whose intermediate values stay where they
 * were computed. On WebGPU a call is one submission and one read-back.
 */
import {
  GPU as GpuJs,
  type IKernelRunShortcut,
  Input,
  type KernelFunction,
  type KernelVariable,
} from 'gpu.js'
import { Bug } from '../primitives/result.ts'

/** `webgpu` needs an adapter; `webasm` is SIMD on the processor; `cpu` is JavaScript. */
export type GpujsMode = 'webgpu' | 'webasm' | 'cpu'

/** Rows of float32, or rows of rows. */
export type Values = Float32Array | readonly Float32Array[] | readonly (readonly Float32Array[])[]

/** A value inside a plan: something to pass on, not to look at. */
export type Handle = KernelVariable
export type PlanKernel = (...values: readonly Handle[]) => Handle

/** Describes a plan by calling kernels on handles. */
export type Trace = (...values: readonly Handle[]) => Readonly<Record<string, Handle>>
export type Plan = (values: readonly (Input | Float32Array)[]) => Promise<Record<string, Values>>

export type PlanMaker = {
  /** @param output - sides, fastest first. Constants named for counts are integers, others floats. */
  readonly kernelOf: (
    // biome-ignore lint/suspicious/noExplicitAny: each kernel has its own arguments and constants
    kernel: (this: any, ...values: any[]) => number,
    output: readonly number[],
    constants?: Readonly<Record<string, number>>,
  ) => PlanKernel
}

export type Plans = {
  /** The plan of that name, made on first use. @param arity - values that it takes. */
  readonly named: (name: string, arity: number, describe: (maker: PlanMaker) => Trace) => Plan
  readonly close: () => Promise<void>
}

/** Plans kept at once; one more starts over with none. */
const maxPlans = 48
const maxIterations = 65_536
const counts = new Set(['length', 'chunk', 'chunks'])

export function createPlans(mode: GpujsMode): Plans {
  let gpu = new GpuJs({ mode: mode as 'cpu' })
  const plans = new Map<string, Plan>()

  const kernelOf: PlanMaker['kernelOf'] = (kernel, output, constants = {}) => {
    const types = Object.keys(constants).map((name) => [
      name,
      counts.has(name) ? 'Integer' : 'Float',
    ])
    const made: IKernelRunShortcut = gpu.createKernel(kernel as KernelFunction, {
      output: [...output],
      constants,
      constantTypes: Object.fromEntries(types),
      precision: 'single',
    })
    made.setLoopMaxIterations(maxIterations)
    return made as unknown as PlanKernel
  }

  function planOf(arity: number, trace: Trace): Plan {
    const orchestrate = (...values: readonly Handle[]) => trace(...values)
    // gpu.js makes as many handles as the function says it takes.
    Object.defineProperty(orchestrate, 'length', { value: arity })
    const run = gpu.createPipeline(orchestrate as never, { threads: false })
    return async (values) => {
      const results = await run(...(values as readonly unknown[] as KernelVariable[]))
      if (run.backend !== mode)
        throw new Error(`gpu.js left ${mode} for ${run.backend}: ${run.fallbackReason}`)
      return results as unknown as Record<string, Values>
    }
  }

  return {
    named(name, arity, describe) {
      const known = plans.get(name)
      if (known !== undefined) return known
      if (plans.size === maxPlans) {
        plans.clear()
        void gpu.destroy()
        gpu = new GpuJs({ mode: mode as 'cpu' })
      }
      const plan = planOf(arity, describe({ kernelOf }))
      plans.set(name, plan)
      return plan
    },
    close: () => gpu.destroy(),
  }
}

/** `[rows, width]` row-major values as an argument of a plan. */
export function matrix(values: Float32Array, width: number, rows: number): Input {
  return new Input(values as unknown as number[], [width, rows])
}

/** Sums over the first side, as integers: `[chunks, rows, width] → [rows, width]`. */
export function sumChunks(
  chunks: readonly (readonly Float32Array[])[],
  width: number,
  rows: number,
): Int32Array {
  const sums = new Int32Array(rows * width)
  for (const chunk of chunks)
    for (let row = 0; row < rows; row++) {
      const part = chunk[row]!
      if (part.length !== width) throw new Bug(`sumChunks: a row of ${part.length} for ${width}`)
      for (let i = 0; i < width; i++) sums[row * width + i]! += part[i]!
    }
  return sums
}
