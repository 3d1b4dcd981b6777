/**
 * Single products in WebAssembly, for provers and checks.
 */
import { maxInnerDim } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'
import type { Products } from './backend.ts'
import { createLayout, type Heap } from './wasmMemory.ts'
import { chunkOf, padWidth } from './wasmPlan.ts'
import { encodeProgram, type Phase } from './wasmProgram.ts'
import type { Team } from './wasmTeam.ts'

/** A row-major int8 matrix. */
type Matrix = { readonly values: Int8Array; readonly rows: number; readonly columns: number }

export function wasmProducts(team: Team, heap: Heap): Products {
  return {
    forward: async (a, w, { rows, width, inner }) =>
      multiply(team, heap, 'rows', 'rows', matrix(a, rows, inner), matrix(w, width, inner)),
    backward: async (d, w, { rows, width, inner }) =>
      multiply(team, heap, 'rows', 'columns', matrix(d, rows, width), matrix(w, width, inner)),
    gradient: async (d, a, { rows, width, inner }) =>
      multiply(team, heap, 'columns', 'columns', matrix(d, rows, width), matrix(a, rows, inner)),
  }
}

function matrix(values: Int8Array, rows: number, columns: number): Matrix {
  invariant(values.length === rows * columns, `product: ${values.length} not ${rows}x${columns}`)
  return { values, rows, columns }
}

/** Which side of a matrix holds the outputs; the product contracts over the other. */
type Outputs = 'rows' | 'columns'

/** `[left outputs, right outputs]` sums, row-major. */
function multiply(
  team: Team,
  heap: Heap,
  leftOutputs: Outputs,
  rightOutputs: Outputs,
  left: Matrix,
  right: Matrix,
): Int32Array {
  const rows = leftOutputs === 'rows' ? left.rows : left.columns
  const columns = rightOutputs === 'rows' ? right.rows : right.columns
  const contraction = leftOutputs === 'rows' ? left.columns : left.rows
  invariant(contraction <= maxInnerDim, `product: contraction of ${contraction} may leave int32`)
  const { place, size } = createLayout()
  const at = {
    left: place(cells(left)),
    right: place(cells(right)),
    leftPacked: place(2 * cells(left)),
    rightPacked: place(cells(right)),
    sums: place(4 * padWidth(rows) * padWidth(columns)),
  }
  const base = heap.take(size())
  write(team, base + at.left, left)
  write(team, base + at.right, right)
  const leftPacked = base + at.leftPacked
  const rightPacked = base + at.rightPacked
  const units = padWidth(columns) / 8
  const threads = team.threadsFor(rows * columns * contraction)
  const phases: readonly Phase[] = [
    packPhase(left, base + at.left, leftOutputs === 'rows' ? 0 : 1, leftPacked),
    packPhase(right, base + at.right, rightOutputs === 'rows' ? 3 : 2, rightPacked),
    {
      kernel: 'product',
      units,
      chunk: chunkOf(units, padWidth(contraction), threads),
      fields: [
        ...[leftPacked, rightPacked, padWidth(contraction)],
        ...[padWidth(rows), padWidth(columns), base + at.sums],
      ],
    },
  ]
  team.run(encodeProgram(phases), threads)
  const sums = read(team, base + at.sums, rows, columns)
  heap.give(base)
  return sums
}

/** @param form - 0 rowsLeft, 1 colsLeft, 2 colsRight, 3 rowsRight. */
function packPhase({ rows, columns }: Matrix, from: number, form: number, to: number): Phase {
  const forms = [0, 0, 0, 0].map((none, i) => (i === form ? to : none))
  const fields = [from, padWidth(rows), padWidth(columns), ...forms]
  return { kernel: 'pack', units: padWidth(rows) / 4, chunk: 16, fields }
}

function cells({ rows, columns }: Matrix): number {
  return padWidth(rows) * padWidth(columns)
}

function write(team: Team, address: number, source: Matrix): void {
  const stride = padWidth(source.columns)
  const to = new Int8Array(team.memory.buffer, address, cells(source)).fill(0)
  for (let row = 0; row < source.rows; row++) {
    const from = row * source.columns
    to.set(source.values.subarray(from, from + source.columns), row * stride)
  }
}

function read(team: Team, address: number, rows: number, columns: number): Int32Array {
  const stride = padWidth(columns)
  const from = new Int32Array(team.memory.buffer, address, rows * stride)
  const copy = new Int32Array(rows * columns)
  for (let row = 0; row < rows; row++)
    copy.set(from.subarray(row * stride, row * stride + columns), row * columns)
  return copy
}
