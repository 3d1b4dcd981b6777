/**
 * Vectors of elements on a GPU, from the leaves of the fraction tree to the last rounds of its sumchecks:
 * leaves are made there, levels of each other; weights travel there with each round, sums come back, and
 * what is left when a vector has become short.
 */
import { addMod, mulMod } from './babyBear.ts'
import { degree, type Elements, scaled, span } from './extension.ts'
import { columnThreads, combineShader, tiltShader, unitsShader } from './gpuColumnShader.ts'
import { type Cells, type GpuColumns, raisedAll } from './gpuColumns.ts'
import type { ProofGpu } from './gpuDevice.ts'
import { radix } from './gpuField.ts'
import { foldShader, sumShader, vectorThreads } from './gpuVectorShader.ts'

/** `lines × length` records of `width` elements. */
type VectorShape = {
  readonly lines: number
  readonly length: number
  readonly width: number
}

export type VectorCommand =
  | { readonly kind: 'place'; readonly vector: number; readonly words: Elements }
  | {
      readonly kind: 'fold'
      readonly vector: number
      readonly into: number
      readonly shape: VectorShape
      readonly r: Elements
      readonly missing: Elements
    }
  | {
      readonly kind: 'sum'
      readonly vector: number
      readonly of: 'quads' | 'pairs'
      readonly shape: VectorShape
      readonly inLine: Elements
      readonly ofLine: Elements
      readonly missing: Elements
    }
  /** So many words of anything. */
  | { readonly kind: 'room'; readonly vector: number; readonly words: number }
  /** Leaves of a member of a group: see `Kernels.fillUnits`. */
  | {
      readonly kind: 'units'
      readonly vector: number
      readonly parts: readonly Cells[]
      readonly cells: number
      readonly constants: Elements
      /** Elements before the member's even cells, and before its odd ones. */
      readonly evens: number
      readonly odds: number
    }
  /** Records of the level above, `lines × length` of them before lines are made even. */
  | {
      readonly kind: 'combine'
      readonly vector: number
      readonly into: number
      readonly of: 'quads' | 'pairs'
      readonly lines: number
      readonly length: number
    }
  | { readonly kind: 'tilt'; readonly vector: number; readonly lambda: Elements }
  | { readonly kind: 'fetch'; readonly vector: number }
  | { readonly kind: 'forget'; readonly vector: number }

/** Workgroups in a row at most. */
const maxGroups = 65_535
/** Workgroups that share a sum. */
const sumGroups = 256
/** `2^96 mod p`: what sums lack. */
const radixCubed = mulMod(radix, mulMod(radix, radix))

const nothing = new Uint32Array(0)

type Held = { readonly buffer: GPUBuffer; readonly words: number }

/** Carries out commands on one device. A vector is named by a number of the caller's choice. */
export function openGpuVectors(
  gpu: ProofGpu,
  columns: GpuColumns,
): (command: VectorCommand) => Promise<Uint32Array> {
  const vectors = new Map<number, Held>()

  function place(name: number, words: number): GPUBuffer {
    const buffer = gpu.storage(words)
    vectors.set(name, { buffer, words })
    return buffer
  }

  function forget(name: number): void {
    vectors.get(name)?.buffer.destroy()
    vectors.delete(name)
  }

  /** Runs `work` with copies of small vectors on the device. */
  async function withCopies<T>(
    given: readonly Elements[],
    work: (copies: readonly GPUBuffer[]) => T | Promise<T>,
  ): Promise<T> {
    const copies = given.map((words) => {
      const buffer = gpu.storage(words.length)
      gpu.write(buffer, words)
      return buffer
    })
    try {
      return await work(copies)
    } finally {
      for (const buffer of copies) buffer.destroy()
    }
  }

  function fold({ vector, into, shape, r, missing }: VectorCommand & { kind: 'fold' }) {
    const { lines, length, width } = shape
    const total = lines * ((length + 1) >>> 1) * width
    const given = new Uint32Array(degree + missing.length)
    given.set(scaled(r, radix))
    given.set(missing, degree)
    return withCopies([given], ([constants]) => {
      const folded = place(into, degree * total)
      const buffers = { 1: vectors.get(vector)!.buffer, 2: constants!, 3: folded }
      const fields = [length, width, total]
      gpu.run([
        { shader: foldShader, entry: 'fold', fields, buffers, ...gridOf(total / vectorThreads) },
      ])
      forget(vector)
      return nothing
    })
  }

  function sum(command: VectorCommand & { kind: 'sum' }): Promise<Uint32Array> {
    const { vector, of, shape, inLine, ofLine, missing } = command
    const { lines, length } = shape
    const pairs = lines * ((length + 1) >>> 1)
    const groups = Math.min(sumGroups, Math.ceil(pairs / vectorThreads))
    return withCopies([missing, inLine, ofLine], async ([absent, weights, lineWeights]) => {
      const sums = gpu.storage(2 * degree * groups)
      const { buffer } = vectors.get(vector)!
      const buffers = { 1: buffer, 2: absent!, 3: weights!, 4: lineWeights!, 5: sums }
      const fields = [length, lines * length, pairs]
      try {
        gpu.run([{ shader: sumShader(of), entry: 'sum', fields, buffers, x: groups }])
        const partial = await gpu.read([{ buffer: sums, words: 2 * degree * groups }])
        return totalOf(partial)
      } finally {
        sums.destroy()
      }
    })
  }

  function units(command: VectorCommand & { kind: 'units' }): Promise<Uint32Array> {
    const { vector, parts, cells, constants, evens, odds } = command
    const given = new Uint32Array(constants)
    given.set(raisedAll(span(constants, 1, 4)), degree)
    return withCopies([given], ([copy]) => {
      const [first, second, third] = parts.map(columns.bring)
      const [c1, c2, c3] = [first!, second ?? first!, third ?? first!]
      const buffers = {
        ...{ 1: c1.buffer, 2: c2.buffer, 3: c3.buffer },
        ...{ 4: copy!, 5: vectors.get(vector)!.buffer },
      }
      const fields = [cells, parts.length, c1.from, c2.from, c3.from, evens, odds]
      const grid = gridOf(cells / columnThreads)
      gpu.run([{ shader: unitsShader, entry: 'fillUnits', fields, buffers, ...grid }])
      for (const part of [first, second, third]) part?.letGo()
      return nothing
    })
  }

  function combine({ vector, into, of, lines, length }: VectorCommand & { kind: 'combine' }): void {
    const records = lines * (length + (length & 1))
    const buffers = { 1: vectors.get(vector)!.buffer, 2: place(into, 2 * degree * records) }
    const grid = gridOf(records / columnThreads)
    const fields = [lines, length]
    gpu.run([{ shader: combineShader(of), entry: 'combine', fields, buffers, ...grid }])
  }

  function tilt({ vector, lambda }: VectorCommand & { kind: 'tilt' }): Promise<Uint32Array> {
    return withCopies([raisedAll(lambda)], ([raised]) => {
      const { buffer, words } = vectors.get(vector)!
      const quads = words / (4 * degree)
      const grid = gridOf(quads / columnThreads)
      const buffers = { 1: raised!, 2: buffer }
      gpu.run([{ shader: tiltShader, entry: 'tilt', fields: [quads], buffers, ...grid }])
      return nothing
    })
  }

  return async (command) => {
    switch (command.kind) {
      case 'room':
        place(command.vector, command.words)
        return nothing
      case 'units':
        return units(command)
      case 'combine':
        combine(command)
        return nothing
      case 'tilt':
        return tilt(command)
      case 'place':
        gpu.write(place(command.vector, command.words.length), command.words)
        return nothing
      case 'fold':
        return fold(command)
      case 'sum':
        return sum(command)
      case 'fetch': {
        const { buffer, words } = vectors.get(command.vector)!
        const fetched = await gpu.read([{ buffer, words }])
        forget(command.vector)
        return fetched
      }
      case 'forget':
        forget(command.vector)
        return nothing
      default:
        return command satisfies never
    }
  }
}

/** Workgroups in rows and columns, where there may be more than a row takes. */
function gridOf(share: number): { readonly x: number; readonly y: number } {
  const groups = Math.ceil(share)
  const x = Math.min(groups, maxGroups)
  return { x, y: Math.ceil(groups / x) }
}

/** Both sums, put right. */
function totalOf(partial: Uint32Array): Elements {
  const total = new Uint32Array(2 * degree)
  for (const [i, word] of partial.entries())
    total[i % total.length] = addMod(total[i % total.length]!, word)
  const sums = new Uint32Array(2 * degree)
  for (const i of [0, 1]) sums.set(scaled(span(total, i, i + 1), radixCubed), degree * i)
  return sums
}
