/**
 * Columns of integers on a GPU, from the commitment to the last sum: each travels there once, and codes,
 * leaves and weighted sums are made of it where it lies.
 */
import { mulMod } from './babyBear.ts'
import { degree, type Elements } from './extension.ts'
import {
  addPartsShader,
  columnThreads,
  weighColumnsShader,
  weighRowsShader,
} from './gpuColumnShader.ts'
import type { GpuCall, ProofGpu } from './gpuDevice.ts'
import { radix } from './gpuField.ts'
import { ceilLog2 } from './security.ts'

/** Cells that a command speaks of: of a column that is held, or given along. */
export type Cells =
  | { readonly held: number; readonly from: number }
  | { readonly words: Int32Array }

/** How a matrix lies in code rows; see `eachRun` of `ligero.ts`. */
export type Placement = {
  readonly stride: number
  readonly strideBits: number
  readonly lowBits: number
  readonly colBits: number
  readonly rows: number
  readonly cols: number
  readonly rowStride: number
}

export type ColumnCommand =
  | { readonly kind: 'hold'; readonly column: number; readonly words: Int32Array }
  | { readonly kind: 'drop'; readonly column: number }
  /** `Σ_r weights[r] · row r`, or the same of columns, of a matrix in a column. */
  | {
      readonly kind: 'weighRows' | 'weighColumns'
      readonly column: number
      readonly from: number
      readonly rows: number
      readonly cols: number
      readonly stride: number
      readonly weights: Elements
    }

/** Cells on the device, until they are let go. */
export type CellsThere = {
  readonly buffer: GPUBuffer
  readonly from: number
  readonly letGo: () => void
}

export type GpuColumns = {
  readonly carryOut: (command: ColumnCommand) => Promise<Uint32Array>
  readonly bring: (cells: Cells) => CellsThere
}

const nothing = new Uint32Array(0)

export function openGpuColumns(gpu: ProofGpu): GpuColumns {
  const columns = new Map<number, GPUBuffer>()

  function copied(words: Uint32Array | Int32Array): GPUBuffer {
    const buffer = gpu.storage(words.length)
    gpu.write(buffer, words)
    return buffer
  }

  function bring(cells: Cells): CellsThere {
    if ('held' in cells)
      return { buffer: columns.get(cells.held)!, from: cells.from, letGo: () => undefined }
    const buffer = copied(cells.words)
    return { buffer, from: 0, letGo: () => buffer.destroy() }
  }

  async function weigh(
    command: ColumnCommand & { kind: 'weighRows' | 'weighColumns' },
  ): Promise<Uint32Array> {
    const { kind, column, from, rows, cols, stride, weights } = command
    const cells = columns.get(column)!
    const raised = copied(raisedAll(weights))
    const words = degree * (kind === 'weighRows' ? cols : rows)
    const sums = gpu.storage(words)
    const used = [raised, sums]
    try {
      if (kind === 'weighRows') {
        const colBits = ceilLog2(cols)
        const placed = { stride: cols, strideBits: colBits, lowBits: colBits, colBits }
        const placement = { ...placed, rows, cols, rowStride: stride }
        const parts = gpu.storage(rowParts * words)
        used.push(parts)
        gpu.run([
          weighRowsCall({ buffer: cells, from }, placement, cols, rows, raised, 0, parts),
          addPartsCall(parts, words, sums),
        ])
      } else {
        const buffers = { 1: cells, 2: raised, 3: sums }
        const fields = [rows, cols, stride, from]
        gpu.run([{ shader: weighColumnsShader, entry: 'weighColumns', fields, buffers, x: rows }])
      }
      return await gpu.read([{ buffer: sums, words }])
    } finally {
      for (const buffer of used) buffer.destroy()
    }
  }

  async function carryOut(command: ColumnCommand): Promise<Uint32Array> {
    switch (command.kind) {
      case 'hold':
        columns.set(command.column, copied(command.words))
        return nothing
      case 'drop':
        columns.get(command.column)?.destroy()
        columns.delete(command.column)
        return nothing
      default:
        return weigh(command)
    }
  }

  return { carryOut, bring }
}

/** Times `2^32`, so that products with them are canonical. */
export function raisedAll(vector: Elements): Elements {
  return vector.map((word) => mulMod(word, radix))
}

/** Shares of the rows that are summed up side by side. */
export const rowParts = 16

/** Adds to the parts. @param raised - weights; of the first row, number `firstWeight`. */
export function weighRowsCall(
  { buffer, from }: Pick<CellsThere, 'buffer' | 'from'>,
  placement: Placement,
  width: number,
  codeRows: number,
  raised: GPUBuffer,
  firstWeight: number,
  parts: GPUBuffer,
): GpuCall {
  const share = Math.ceil(codeRows / rowParts)
  return {
    shader: weighRowsShader,
    entry: 'weighRows',
    fields: [...placedValues(placement, from), width, codeRows, share, firstWeight],
    buffers: { 1: buffer, 2: raised, 3: parts },
    x: Math.ceil(width / columnThreads),
    y: rowParts,
  }
}

export function addPartsCall(parts: GPUBuffer, words: number, total: GPUBuffer): GpuCall {
  const fields = [words, rowParts]
  const x = Math.ceil(words / columnThreads)
  return { shader: addPartsShader, entry: 'addParts', fields, buffers: { 1: parts, 2: total }, x }
}

/** In the order of `placedFields`. */
export function placedValues(placement: Placement, from: number): readonly number[] {
  const { stride, strideBits, lowBits, colBits, rows, cols, rowStride } = placement
  return [stride, strideBits, lowBits, colBits, rows, cols, rowStride, from]
}
