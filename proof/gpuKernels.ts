/**
 * Kernels whose largest work is done on a GPU. Columns travel there once: their codes are made, hashed and
 * kept there, and so are the leaves of the fraction tree, its levels, their sumchecks and weighted sums of
 * columns. A device that fails costs what was under way, which is then done again here; results are the
 * same to the bit.
 */
import { degree, type Elements, span } from './extension.ts'
import { even } from './fractionTree.ts'
import type { CodePlan } from './gpuCode.ts'
import type { Cells, Placement } from './gpuColumns.ts'
import type { GpuCommand, GpuLink } from './gpuLink.ts'
import { passesTrial } from './gpuTrial.ts'
import type { AwayVector, CodeColumn, KeptCode, Kernels } from './kernels.ts'
import type { Matrix } from './linear.ts'
import type { MerkleTree } from './multiproof.ts'

/** Codes of fewer words are made here: the way to the device would take longer. */
const worthSending = 2 ** 20
/** Vectors of fewer words are folded here. */
const worthFolding = 2 ** 20
/** Columns of fewer cells are summed here. */
const worthHolding = 2 ** 18
/**
 * Of a tree's levels: 8 GiB, and the layer that is proved takes as much again at most. A device with less
 * memory fails, and is not asked again.
 */
const levelWords = 2 ** 31
/** Rows that are summed at once: WebGPU allows so many workgroups in a row. */
const maxRows = 65_535

/** The device failed while it held what is nowhere else. */
class DeviceLost extends Error {
  override readonly name = 'DeviceLost'
}

type Of = 'quads' | 'pairs'

/**
 * @param warn - told once, if the device fails. @param sendFrom - words of the smallest code, vector or
 * column that is sent.
 *
 * @returns `null` if the device does not give the reference's answers.
 */
export function gpuKernels(
  kernels: Kernels,
  link: GpuLink,
  warn: (text: string) => void,
  sendFrom: number | null = null,
): Kernels | null {
  let lost = false
  let names = 0
  let depth = 0
  /** What lives on the device until the scope ends. */
  let open: GpuCommand[] = []
  const held = new Map<number, Int32Array>()

  /** `null` from the first failure on. */
  function attempt<T>(action: () => T): T | null {
    if (lost) return null
    try {
      return action()
    } catch (error) {
      lost = true
      const why = error instanceof Error ? error.message : String(error)
      warn(`the GPU of the prover failed: ${why}; proving continues on ${kernels.name}`)
      return null
    }
  }

  function release(from: number): void {
    const rest = open.slice(from)
    open = open.slice(0, from)
    for (const command of rest) {
      if (command.kind === 'drop') held.delete(command.column)
      attempt(() => link.call(command))
    }
  }

  /** Whether so many words are worth the way, and fit there. */
  function isFit(words: number, least: number): boolean {
    return depth > 0 && !lost && words >= (sendFrom ?? least) && words <= link.maxWords
  }

  function holdElsewhere(values: Int32Array): void {
    if (!isFit(values.length, worthHolding)) return
    const column = names++
    attempt(() => {
      link.call({ kind: 'hold', column, words: alone(values) })
      held.set(column, values)
      open.push({ kind: 'drop', column })
    })
  }

  /** The column there whose memory holds these cells. */
  function heldAt({ buffer, byteOffset, byteLength }: Int32Array) {
    for (const [column, values] of held) {
      const from = byteOffset - values.byteOffset
      if (values.buffer === buffer && from >= 0 && from + byteLength <= values.byteLength)
        return { held: column, from: from / 4 }
    }
    return null
  }

  function cellsOf(values: Int32Array): Cells {
    return heldAt(values) ?? { words: alone(values) }
  }

  function keepCode(plan: CodePlan, columns: readonly CodeColumn[]): KeptCode {
    const code = names++
    link.call({ kind: 'open', code, plan })
    open.push({ kind: 'release', code })
    for (const { column, data } of columns) {
      const cells = cellsOf(data.values)
      const { codeRows } = column
      link.call({ kind: 'add', code, cells, placement: placementOf({ column, data }), codeRows })
    }
    return {
      tree: levelsOf(link.call({ kind: 'tree', code }), plan.size),
      pick: (positions) =>
        attempt(() => link.call({ kind: 'pick', code, positions: Uint32Array.from(positions) })),
      combine: (weights) => attempt(() => link.call({ kind: 'combine', code, weights })),
    }
  }

  /** A failure takes the vector with it. */
  function callOrLose(command: GpuCommand): Uint32Array {
    const words = attempt(() => link.call(command))
    if (words === null) throw new DeviceLost('a vector was on the device')
    return words
  }

  function vectorOf(vector: number, words: number, of: Of): AwayVector {
    open.push({ kind: 'forget', vector })
    const width = of === 'quads' ? 4 : 1
    return {
      isShort: words < (sendFrom ?? worthFolding),
      fold(lines, length, r, missing) {
        const into = names++
        const shape = { lines, length, width }
        callOrLose({ kind: 'fold', vector, into, shape, r, missing })
        return vectorOf(into, degree * width * lines * ((length + 1) >>> 1), of)
      },
      sum(lines, length, inLine, ofLine, missing) {
        const shape = { lines, length, width }
        const sums = callOrLose({ kind: 'sum', vector, of, shape, inLine, ofLine, missing })
        return { atZero: span(sums, 0, 1), leading: span(sums, 1, 2) }
      },
      combine(lines, length) {
        const into = names++
        callOrLose({ kind: 'combine', vector, into, of, lines, length })
        return vectorOf(into, 2 * degree * lines * even(length), 'quads')
      },
      tilt: (lambda) => void callOrLose({ kind: 'tilt', vector, lambda }),
      home: () => callOrLose({ kind: 'fetch', vector }),
      forget: () => void callOrLose({ kind: 'forget', vector }),
    }
  }

  const quadsElsewhere: Kernels['quadsElsewhere'] = (values) => {
    if (!isFit(values.length, worthFolding)) return null
    const vector = names++
    const placed = attempt(() => link.call({ kind: 'place', vector, words: values }))
    return placed === null ? null : vectorOf(vector, values.length, 'quads')
  }

  const unitsElsewhere: Kernels['unitsElsewhere'] = (members, cells, member) => {
    const words = degree * members * cells
    if (!isFit(words, worthFolding)) return null
    const vector = names++
    const made = attempt(() => {
      link.call({ kind: 'room', vector, words })
      for (let i = 0; i < members; i++) {
        const { parts, constants } = member(i)
        const [evens, odds] = [(cells / 2) * i, (cells / 2) * (members + i)]
        const places = { cells, constants, evens, odds }
        link.call({ kind: 'units', vector, parts: parts.map(cellsOf), ...places })
      }
    })
    return made === null ? null : vectorOf(vector, words, 'pairs')
  }

  const codeElsewhere: Kernels['codeElsewhere'] = (plan, columns) =>
    plan.rows * plan.size < (sendFrom ?? worthSending)
      ? null
      : attempt(() => keepCode(plan, columns))

  function weigh(
    kind: 'weighRows' | 'weighColumns',
    { rows, cols, stride, values }: Matrix,
    weights: Elements,
  ): Elements | null {
    if (!isFit(rows * cols, worthHolding) || rows > maxRows) return null
    const at = heldAt(values.subarray(0, (rows - 1) * stride + cols))
    if (at === null) return null
    const { held: column, from } = at
    return attempt(() => link.call({ kind, column, from, rows, cols, stride, weights }))
  }

  /** The outermost is done again, without the device, if that was lost. */
  function scope<T>(action: () => T): T {
    const mark = open.length
    depth++
    try {
      return kernels.scope(action)
    } catch (error) {
      if (depth > 1 || !(error instanceof DeviceLost)) throw error
    } finally {
      depth--
      release(mark)
    }
    return kernels.scope(action)
  }

  const away = { levels: levelWords, vector: link.maxWords }
  const withGpu: Kernels = {
    ...kernels,
    get budget() {
      return lost ? kernels.budget : { ...kernels.budget, away }
    },
    codeElsewhere,
    holdElsewhere,
    quadsElsewhere,
    unitsElsewhere,
    weightRows: (matrix, weights) =>
      weigh('weighRows', matrix, weights) ?? kernels.weightRows(matrix, weights),
    weightColumns: (matrix, weights) =>
      weigh('weighColumns', matrix, weights) ?? kernels.weightColumns(matrix, weights),
    scope,
  }
  return passesTrial(link) ? withGpu : null
}

/** In memory that may travel without more than it holds. */
function alone(values: Int32Array): Int32Array {
  const isWhole = values.byteLength === values.buffer.byteLength
  return isWhole || values.buffer instanceof SharedArrayBuffer ? values : values.slice()
}

function placementOf({ column, data }: CodeColumn): Placement {
  const { stride, strideBits, lowBits } = column.layout
  const { rows, cols } = data
  return {
    stride,
    strideBits,
    lowBits,
    colBits: column.colBits,
    rows,
    cols,
    rowStride: data.stride,
  }
}

/** A tree of that many leaves, whose levels lie end to end. */
function levelsOf(words: Uint32Array, leaves: number): MerkleTree {
  const bytes = new Uint8Array(words.buffer)
  const levels: Uint8Array[] = []
  for (let nodes = leaves, from = 0; nodes >= 1; from += 32 * nodes, nodes /= 2)
    levels.push(bytes.subarray(from, from + 32 * nodes))
  return levels
}
