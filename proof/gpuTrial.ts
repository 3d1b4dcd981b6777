/**
 * The trial of a prover's GPU: it serves after it gave the reference's answers to small cases of all that
 * it is asked later.
 */
import { order } from './babyBear.ts'
import { degree, type Elements, join } from './extension.ts'
import { even } from './fractionTree.ts'
import type { CodePlan } from './gpuCode.ts'
import type { GpuCommand, GpuLink } from './gpuLink.ts'
import { hashColumns } from './ligero.ts'
import { hashPairs, merkleTree } from './multiproof.ts'
import { domainOf, evaluateOnDomain } from './ntt.ts'
import { referenceKernels } from './referenceKernels.ts'

type Call = GpuLink['call']

/** Leaves nothing on the device. @throws {Error} if the device fails. */
export function passesTrial({ call }: GpuLink): boolean {
  return (
    encodesRight(call) && weighsRight(call) && climbsRight(call) && lengths.every(foldsRight(call))
  )
}

/** A code with padding, negative numbers and an unfinished block of SHA-256. */
const trial: CodePlan = { rows: 21, width: 11, size: 64 }

/** Names that nothing else has. */
const [code, column, vector, into] = [-1, -1, -1, -2]

function encodesRight(call: Call): boolean {
  const { rows, width, size } = trial
  const cells = cellsOf(rows * width)
  const words = new Uint32Array(rows * size)
  for (let row = 0; row < rows; row++) {
    const message = cells.subarray(row * width, (row + 1) * width)
    evaluateOnDomain(domainOf(size), message, words, row * size)
  }
  const tree = merkleTree(hashPairs, hashColumns(words, rows, size))
  const weights = elementsOf(rows, 13)
  const placement = {
    ...{ stride: width, strideBits: 4, lowBits: 4, colBits: 4 },
    ...{ rows, cols: width, rowStride: width },
  }
  call({ kind: 'open', code, plan: trial })
  call({ kind: 'add', code, cells: { words: cells }, placement, codeRows: rows })
  const digests = new Uint8Array(call({ kind: 'tree', code }).buffer)
  const picked = call({ kind: 'pick', code, positions: Uint32Array.of(5) })
  const combined = call({ kind: 'combine', code, weights })
  call({ kind: 'release', code })
  const matrix = { rows, cols: width, stride: width, values: cells }
  const levels = tree.flatMap((level) => [...level])
  return (
    digests.length === levels.length &&
    digests.every((byte, i) => byte === levels[i]) &&
    picked.every((word, row) => word === words[row * size + 5]) &&
    isSame(combined, referenceKernels.weightRows(matrix, weights))
  )
}

/** A matrix whose rows lie apart, in a column that begins before it. */
function weighsRight(call: Call): boolean {
  const [from, rows, cols, stride] = [3, 19, 70, 73]
  const cells = cellsOf(from + rows * stride)
  const matrix = { rows, cols, stride, values: cells.subarray(from) }
  const given = { column, from, rows, cols, stride }
  const [byRow, byColumn] = [elementsOf(rows, 17), elementsOf(cols, 19)]
  call({ kind: 'hold', column, words: cells })
  const sums = [
    call({ kind: 'weighRows', ...given, weights: byRow }),
    call({ kind: 'weighColumns', ...given, weights: byColumn }),
  ]
  call({ kind: 'drop', column })
  const { weightRows, weightColumns } = referenceKernels
  return (
    isSame(sums[0]!, weightRows(matrix, byRow)) && isSame(sums[1]!, weightColumns(matrix, byColumn))
  )
}

/** From integers to leaves, and two levels up; lines of odd length. */
function climbsRight(call: Call): boolean {
  const { fillUnits, combinePairs, combineQuads, tiltQuads } = referenceKernels
  const [lines, length] = [3, 7]
  const cells = 2 * lines * length
  const parts = [cellsOf(cells), cellsOf(cells).reverse(), cellsOf(cells).map((cell) => -cell)]
  const constants = elementsOf(4, 23)
  const lambda = elementsOf(1, 29)
  const leaves = new Uint32Array(degree * cells)
  const [evens, odds] = [leaves.subarray(0, leaves.length / 2), leaves.subarray(leaves.length / 2)]
  fillUnits(evens, odds, parts, constants)
  const records = emptyLines(lines, length)
  combinePairs(records, evens, odds, lines, length)
  const above = emptyLines(lines, even(length) / 2)
  combineQuads(above, records, lines, even(length) / 2)
  tiltQuads(above, lambda)
  call({ kind: 'room', vector, words: leaves.length })
  const places = { cells, constants, evens: 0, odds: cells / 2 }
  call({ kind: 'units', vector, parts: parts.map((words) => ({ words })), ...places })
  call({ kind: 'combine', vector, into, of: 'pairs', lines, length })
  const gotLeaves = call({ kind: 'fetch', vector })
  call({
    kind: 'combine',
    vector: into,
    into: vector,
    of: 'quads',
    lines,
    length: even(length) / 2,
  })
  const gotRecords = call({ kind: 'fetch', vector: into })
  call({ kind: 'tilt', vector, lambda })
  const gotAbove = call({ kind: 'fetch', vector })
  return isSame(gotLeaves, leaves) && isSame(gotRecords, records) && isSame(gotAbove, above)
}

/** Records, those that make lines even being `(0, 1)`. */
function emptyLines(lines: number, length: number): Elements {
  const records = new Uint32Array(2 * degree * lines * even(length))
  if (even(length) > length)
    for (let line = 1; line <= lines; line++) records[2 * degree * line * even(length) - degree] = 1
  return records
}

/** An odd and an even number of records. */
const lengths = [7, 4]

function foldsRight(call: Call): (length: number) => boolean {
  return (length) => {
    const lines = 3
    const values = elementsOf(4 * lines * length, 1)
    const [inLine, ofLine] = [elementsOf(length, 3), elementsOf(lines, 5)]
    const [r, missing] = [elementsOf(1, 7), elementsOf(4, 11)]
    const [one, absent] = [{ lines, length, width: 4 }, missing.subarray(0, degree)]
    const { sumQuads, sumPairs, foldQuads } = referenceKernels
    const half = values.length / 4
    const [evens, odds] = [values.subarray(0, half), values.subarray(half, 2 * half)]
    const weights = { inLine, ofLine }
    const expected = [
      sumQuads(values, lines, length, inLine, ofLine, missing),
      sumPairs(evens, odds, lines, length, inLine, ofLine, absent),
    ]
    const sum = (of: 'quads' | 'pairs', lacks: Elements, name: number): GpuCommand => {
      return { kind: 'sum', vector: name, of, shape: one, ...weights, missing: lacks }
    }
    call({ kind: 'place', vector, words: values })
    const sums = [call(sum('quads', missing, vector))]
    call({ kind: 'place', vector: into, words: values.slice(0, 2 * half) })
    sums.push(call(sum('pairs', absent, into)))
    call({ kind: 'forget', vector: into })
    call({ kind: 'fold', vector, into, shape: one, r, missing })
    const folded = call({ kind: 'fetch', vector: into })
    return (
      sums.every((got, i) => isSame(got, join([expected[i]!.atZero, expected[i]!.leading]))) &&
      isSame(folded, foldQuads(values, lines, length, r, missing))
    )
  }
}

/** Integers of magnitude below p. */
function cellsOf(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => Math.imul(i, 9_301_777) % order)
}

function elementsOf(length: number, factor: number): Elements {
  return Uint32Array.from(
    { length: degree * length },
    (_, i) => (Math.imul(i + 1, 0x9e3779b1 * factor) >>> 0) % order,
  )
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i])
}
