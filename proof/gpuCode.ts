/**
 * Codes and their Merkle trees on a GPU: made of columns there; digests and opened entries travel back, the
 * code itself stays. Equal, bit for bit, to `evaluateOnDomain`, `hashColumns` and `merkleTree`.
 */
import { mulMod } from './babyBear.ts'
import { degree, type Elements } from './extension.ts'
import {
  blockWords,
  encodeShader,
  hashShader,
  pickShader,
  stageShader,
  wide,
} from './gpuCodeShader.ts'
import {
  addPartsCall,
  type CellsThere,
  type Placement,
  placedValues,
  raisedAll,
  rowParts,
  weighRowsCall,
} from './gpuColumns.ts'
import type { GpuCall, ProofGpu } from './gpuDevice.ts'
import { radix } from './gpuField.ts'
import { domainOf } from './ntt.ts'

/** Of one code: `rows` messages of `width` coefficients become words of `size`, powers of two from 16 on. */
export type CodePlan = { readonly rows: number; readonly width: number; readonly size: number }

/** A column: its cells, and how they lie in its code rows. */
export type CodeSource = {
  readonly cells: CellsThere
  readonly placement: Placement
  readonly codeRows: number
}

export type GpuCode = {
  /** Encodes the next column, which is let go with the code. */
  readonly add: (source: CodeSource) => void
  /** After the last column: all digests of the Merkle tree over the positions, leaves first. */
  readonly tree: () => Promise<Uint32Array>
  /** Entries of all rows at each position, position by position. */
  readonly pick: (positions: Uint32Array) => Promise<Uint32Array>
  /** `Σ_row weights[row] · message(row)`. */
  readonly combine: (weights: Elements) => Promise<Uint32Array>
  readonly release: () => void
}

const digestWords = 8
/** State and carry of an unfinished digest. */
const heldWords = digestWords + 1
/** Rows that hashing takes in whole blocks. */
const hashedRows = 16

/** Rows of one dispatch: WebGPU allows 65,535 workgroups in a row. */
const maxRows = 32_768

/** Rows of the code in one buffer. */
type Part = { readonly first: number; readonly rows: number; readonly code: GPUBuffer }

/** @throws {Error} if 16 rows of it are more than one binding. */
export function openGpuCode(gpu: ProofGpu, { rows, width, size }: CodePlan): GpuCode {
  const made: GPUBuffer[] = []
  const storage = (words: number) => {
    const buffer = gpu.storage(words)
    made.push(buffer)
    return buffer
  }
  const most = Math.floor(gpu.maxBinding / (4 * size * hashedRows)) * hashedRows
  if (most === 0) throw new Error(`${hashedRows} rows of ${size} words are more than one binding`)
  const parts: Part[] = []
  for (let first = 0; first < rows; first += most) {
    const own = Math.min(most, rows - first)
    parts.push({ first, rows: own, code: storage(own * size) })
  }
  const twiddles = storage(size)
  gpu.write(
    twiddles,
    Uint32Array.from(domainOf(size).twiddles, (word) => mulMod(word, radix)),
  )
  let run = 1
  while (2 * run * width <= size) run *= 2
  const sources: CodeSource[] = []
  let done = 0

  function add(source: CodeSource): void {
    sources.push(source)
    for (let firstOwn = 0; firstOwn < source.codeRows; ) {
      const part = parts.findLast(({ first }) => first <= done)!
      const amount = Math.min(source.codeRows - firstOwn, part.first + part.rows - done, maxRows)
      gpu.run(encodeCalls(source, firstOwn, part, amount))
      done += amount
      firstOwn += amount
    }
  }

  function encodeCalls(
    { cells, placement }: CodeSource,
    firstOwn: number,
    { first, code }: Part,
    amount: number,
  ): readonly GpuCall[] {
    const buffers = { 1: cells.buffer, 2: twiddles, 3: code }
    const place = [size, run, width, done - first]
    const fields = [...placedValues(placement, cells.from), ...place, firstOwn]
    const block = Math.min(size, blockWords)
    const calls: GpuCall[] = [
      { shader: encodeShader, entry: 'encode', fields, buffers, x: size / block, y: amount },
    ]
    for (let half = Math.max(run, block); half < size; half *= 2)
      calls.push({
        ...{ shader: stageShader, entry: 'stage', fields: [size, done - first, half] },
        ...{ buffers: { 1: twiddles, 2: code }, x: size / 2 / wide, y: amount },
      })
    return calls
  }

  async function tree(): Promise<Uint32Array> {
    const held = storage(heldWords * size)
    let level = storage(digestWords * size)
    const levels = [{ buffer: level, words: digestWords * size }]
    const calls = parts.map(({ first, rows: own, code }, i): GpuCall => {
      const isLast = i === parts.length - 1 ? 1 : 0
      const fields = [size, own, size, 1, 0, first, isLast]
      return hashCall(fields, code, held, level)
    })
    for (let nodes = size / 2; nodes >= 1; nodes /= 2) {
      const above = storage(digestWords * nodes)
      const fields = [nodes, 2 * digestWords, 1, 2 * digestWords, 1, 0, 1]
      calls.push(hashCall(fields, level, held, above))
      level = above
      levels.push({ buffer: above, words: digestWords * nodes })
    }
    gpu.run(calls)
    return gpu.read(levels)
  }

  async function pick(positions: Uint32Array): Promise<Uint32Array> {
    const places = gpu.storage(positions.length)
    const picked = gpu.storage(rows * positions.length)
    try {
      gpu.write(places, positions)
      gpu.run(
        parts.map(({ first, rows: own, code }) => ({
          ...{ shader: pickShader, entry: 'pick', fields: [size, own, first, rows] },
          ...{ buffers: { 1: code, 2: places, 3: picked } },
          ...{ x: Math.ceil(own / wide), y: positions.length },
        })),
      )
      return await gpu.read([{ buffer: picked, words: rows * positions.length }])
    } finally {
      places.destroy()
      picked.destroy()
    }
  }

  async function combine(weights: Elements): Promise<Uint32Array> {
    const words = degree * width
    const raised = gpu.storage(weights.length)
    const [shares, total] = [gpu.storage(rowParts * words), gpu.storage(words)]
    try {
      gpu.write(raised, raisedAll(weights))
      const calls: GpuCall[] = []
      let row = 0
      for (const { cells, placement, codeRows } of sources) {
        calls.push(weighRowsCall(cells, placement, width, codeRows, raised, row, shares))
        row += codeRows
      }
      gpu.run([...calls, addPartsCall(shares, words, total)])
      return await gpu.read([{ buffer: total, words }])
    } finally {
      for (const buffer of [raised, shares, total]) buffer.destroy()
    }
  }

  return {
    add,
    tree,
    pick,
    combine,
    release: () => {
      for (const buffer of made) buffer.destroy()
      for (const { cells } of sources) cells.letGo()
    },
  }
}

/** @param fields - as `hashShader` names them; the first is the number of messages. */
function hashCall(
  fields: readonly number[],
  words: GPUBuffer,
  held: GPUBuffer,
  digests: GPUBuffer,
): GpuCall {
  const buffers = { 1: words, 2: held, 3: digests }
  return { shader: hashShader, entry: 'hash', fields, buffers, x: Math.ceil(fields[0]! / wide) }
}
