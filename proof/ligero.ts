/**
 * Ligero: columns are cut into rows, rows are Reed–Solomon coded, and positions of the code are hashed
 * into a Merkle tree (Ames, Hazay, Ishai and Venkitasubramaniam, CCS 2017). One combination of all rows
 * serves as evaluation and as proximity test.
 *
 * Rules P-35 to P-39 and P-75 to P-79 of docs/spec/proof.md.
 */
import { uintBytes } from '../primitives/bytes.ts'
import { hashBytes, hashOf } from '../primitives/hash.ts'
import { wordBytes } from './babyBear.ts'
import type { Committed, Opening, RowSums } from './commitment.ts'
import {
  addInto,
  at,
  count,
  degree,
  type Element,
  type Elements,
  mulInto,
  span,
} from './extension.ts'
import type { Kernels } from './kernels.ts'
import type { Layout } from './layout.ts'
import type { Matrix } from './linear.ts'
import { eqTable } from './multilinear.ts'
import { type MultiproofPlan, merkleTree, openMany, planOf, rootOfMany } from './multiproof.ts'
import { domainOf } from './ntt.ts'
import type { PlacedColumn, Role, RowClass } from './parameters.ts'
import { type Sha256, sha256 } from './sha256.ts'

/** Codes of the roles in a layout's encoding. */
const roleCodes: Readonly<Record<Role, number>> = {
  w: 1,
  rho: 2,
  excess: 3,
  a: 4,
  m: 5,
  h: 6,
  d: 7,
  v: 8,
  o: 9,
  mu: 10,
}

/** Name of a tree: its layout and its root. */
export function commitmentDigest(columns: readonly PlacedColumn[], root: Uint8Array): Uint8Array {
  const { groups, stride, strideBits, code } = columns[0]!.layout
  const numbers = [groups, stride, strideBits, code.length, columns.length].concat(
    columns.flatMap(({ role, layer, rows, cols, rowBits, colBits }) => [
      roleCodes[role],
      layer,
      rows,
      cols,
      rowBits,
      colBits,
    ]),
  )
  const layout = numbers.map((value) => uintBytes(value, 4))
  return hashBytes(hashOf('waggle/commitment/v1', ...layout, root))
}

/**
 * Encode and hash columns of one tree; `data[i]` holds `columns[i]`.
 *
 * @param keep - the code; else it is made again for its opening.
 */
export function commitColumns(
  columns: readonly PlacedColumn[],
  data: readonly Matrix[],
  kernels: Kernels,
  keep: boolean,
): Committed {
  const { length, width } = columns[0]!.layout.code
  const rows = rowsOf(columns)
  const away = kernels.codeElsewhere(
    { rows, width, size: length },
    columns.map((column, i) => ({ column, data: data[i]! })),
  )
  const code = keep && away === null ? kernels.room(codeWords(columns)) : null
  const hashedHere = () =>
    kernels.scope(() => {
      if (code !== null) {
        eachBlock(kernels, columns, data, code, () => undefined)
        return kernels.hashColumns(code, rows, length, length + gap)
      }
      const hasher = kernels.columnHasher(length)
      eachBlock(kernels, columns, data, null, ({ values, first, amount, stride }) =>
        hasher.add(values, amount, stride, first + amount === rows),
      )
      return hasher.digests()
    })
  const tree = away?.tree ?? merkleTree(kernels.hashPairs, hashedHere())
  const columnsAt = (positions: readonly number[]) => {
    const sent = away?.pick(positions) ?? null
    if (sent !== null) return sent
    const picked = new Uint32Array(rows * positions.length)
    const pick = ({ values, first, amount, stride }: Block) => {
      for (const [p, position] of positions.entries())
        for (let i = 0; i < amount; i++)
          picked[p * rows + first + i] = values[i * stride + position]!
    }
    if (code !== null) pick({ values: code, first: 0, amount: rows, stride: length + gap })
    else kernels.scope(() => eachBlock(kernels, columns, data, null, pick))
    return picked
  }
  return {
    digest: commitmentDigest(columns, tree.at(-1)!),
    combineInto(sums, weights, first) {
      const sent = away?.combine(span(weights, first, first + rows)) ?? null
      if (sent === null) combineRows(columns, data, sums, weights, first)
      return sent
    },
    open: (positions) => ({
      columns: columnsAt(positions),
      siblings: openMany(tree, planOf(positions, tree.length - 1)),
    }),
  }
}

/** Words of a tree's code as it is kept. */
export function codeWords(columns: readonly PlacedColumn[]): number {
  return rowsOf(columns) * (columns[0]!.layout.code.length + gap)
}

function rowsOf(columns: readonly PlacedColumn[]): number {
  return columns.reduce((sum, { codeRows }) => sum + codeRows, 0)
}

/** Rows that are encoded together: a multiple of the words of a SHA-256 block. */
const encodedRows = 16
/** Words between rows, lest all rows share few lines of a cache. */
const gap = 16

/** Code words of rows from `first` on, `stride` words apart. */
type Block = {
  readonly values: Uint32Array
  readonly first: number
  readonly amount: number
  readonly stride: number
}

/** The code words of all columns, block by block of rows; into `code`, unless it is `null`. */
function eachBlock(
  kernels: Kernels,
  columns: readonly PlacedColumn[],
  data: readonly Matrix[],
  code: Uint32Array | null,
  visit: (block: Block) => void,
): void {
  const { length, width } = columns[0]!.layout.code
  const stride = length + gap
  const encode = kernels.encoder(domainOf(length), width, stride)
  const once = code === null ? kernels.room(encodedRows * stride) : null
  eachMessages(kernels, columns, data, (messages, first, amount) => {
    const values = once ?? code!.subarray(first * stride, (first + amount) * stride)
    encode(messages, values)
    visit({ values, first, amount, stride })
  })
}

/** The messages of all columns' rows, {@link encodedRows} at a time. */
function eachMessages(
  kernels: Kernels,
  columns: readonly PlacedColumn[],
  data: readonly Matrix[],
  visit: (messages: Int32Array, first: number, amount: number) => void,
): void {
  const { width } = columns[0]!.layout.code
  const rows = columns.flatMap((column, i) =>
    Array.from({ length: column.codeRows }, (_, codeRow) => ({ column, data: data[i]!, codeRow })),
  )
  kernels.scope(() => {
    const words = kernels.room(encodedRows * width)
    const messages = new Int32Array(words.buffer, words.byteOffset, encodedRows * width)
    for (let first = 0; first < rows.length; first += encodedRows) {
      const some = rows.slice(first, first + encodedRows)
      messages.fill(0)
      for (const [i, { column, data: matrix, codeRow }] of some.entries())
        eachRun(column, matrix, codeRow, (from, run, to) => {
          messages.set(matrix.values.subarray(from, from + run), i * width + to)
        })
      visit(messages.subarray(0, some.length * width), first, some.length)
    }
  })
}

/**
 * Calls `visit(from, length, to)` for the runs of stored cells in a code row: `length` values of the
 * matrix from index `from` on are the coefficients from `to` on. All other coefficients are 0.
 */
function eachRun(
  { layout, colBits }: PlacedColumn,
  { rows, cols, stride }: Matrix,
  codeRow: number,
  visit: (from: number, length: number, to: number) => void,
): void {
  const width = 2 ** colBits
  for (let group = 0; group < layout.groups; group++) {
    const start = codeRow * 2 ** layout.lowBits + group * 2 ** layout.strideBits
    for (let done = 0; done < layout.stride; ) {
      const row = Math.floor((start + done) / width)
      if (row >= rows) break
      const col = (start + done) % width
      const span = Math.min(width - col, layout.stride - done)
      const stored = Math.min(span, cols - col)
      if (stored > 0) visit(row * stride + col, stored, group * layout.stride + done)
      done += span
    }
  }
}

function combineRows(
  columns: readonly PlacedColumn[],
  data: readonly Matrix[],
  sums: RowSums,
  weights: Elements,
  first: number,
): void {
  let row = first
  for (const [i, column] of columns.entries())
    for (let codeRow = 0; codeRow < column.codeRows; codeRow++) {
      eachRun(column, data[i]!, codeRow, (from, run, to) =>
        sums.add(weights, degree * row, data[i]!.values, from, run, to),
      )
      row++
    }
}

/** Positions hashed together, so that rows are read in runs. */
const blockPositions = 16

/** Digest of every position: `SHA256(0x00 ‖ words)`. Rows lie `stride` words apart. */
export function hashColumns(
  code: Uint32Array,
  rows: number,
  length: number,
  stride: number = length,
  digest: Sha256 = sha256,
): Uint8Array {
  const digests = new Uint8Array(32 * length)
  const block = new Uint32Array(rows * blockPositions)
  const leaf = new Uint8Array(1 + 4 * rows)
  for (let start = 0; start < length; start += blockPositions) {
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < blockPositions; i++)
        block[i * rows + row] = code[row * stride + start + i]!
    const bytes = wordBytes(block)
    for (let i = 0; i < blockPositions; i++) {
      leaf.set(bytes.subarray(4 * rows * i, 4 * rows * (i + 1)), 1)
      digests.set(digest(leaf), 32 * (start + i))
    }
  }
  return digests
}

/** Opened entries by code row, as `hashColumns` takes them: `width` positions, those beyond the last 0. */
export type OpenedRows = {
  readonly code: Uint32Array
  readonly rows: number
  readonly width: number
}

export function openedRows(
  kernels: Kernels,
  { columns: words }: Opening,
  amount: number,
): OpenedRows {
  const rows = words.length / amount
  const width = Math.ceil(amount / blockPositions) * blockPositions
  const code = kernels.words(rows * width)
  for (let i = 0; i < amount; i++)
    for (let row = 0; row < rows; row++) code[row * width + i] = words[i * rows + row]!
  return { code, rows, width }
}

/** The digest that an opening of `columns`' tree leads to. */
export function openedDigest(
  kernels: Kernels,
  columns: readonly PlacedColumn[],
  amount: number,
  plan: MultiproofPlan,
  { code, rows, width }: OpenedRows,
  siblings: Uint8Array,
): Uint8Array {
  const leaves = kernels.hashColumns(code, rows, width).subarray(0, 32 * amount)
  return commitmentDigest(columns, rootOfMany(kernels.hashPairs, plan, leaves, siblings))
}

/**
 * Weights of all code rows of a class, tree by tree: `eq(η, column)·eq(r_hi, row)`.
 *
 * @param eta - one coordinate for each bit of the class's number of columns.
 * @param point - `r*`, for as many variables as the class's largest column has.
 */
export function rowWeights({ layout, trees }: RowClass, eta: Elements, point: Elements): Elements {
  const columns = trees.flatMap((tree) => tree.columns)
  const most = Math.max(...columns.map(({ codeRows }) => codeRows))
  const byColumn = eqTable(eta, columns.length)
  const byRow = eqTable(span(point, layout.lowBits, count(point)), most)
  const weights = new Uint32Array(degree * rowsOf(columns))
  let to = 0
  for (const [c, { codeRows }] of columns.entries())
    for (let row = 0; row < codeRows; row++) {
      mulInto(weights, to, byRow, degree * row, byColumn, degree * c)
      to += degree
    }
  return weights
}

/** `Σ_position eq(r_lo, position)·row(position)`. */
export function evaluateCombination(
  kernels: Kernels,
  { groups, stride, strideBits, lowBits }: Layout,
  row: Elements,
  point: Elements,
): Element {
  return kernels.scope(() => {
    let rest = row
    let length = stride
    for (let t = 0; t < strideBits; t++) {
      rest = kernels.foldLines(rest, groups, length, at(point, t))
      length = (length + 1) >>> 1
    }
    for (let t = strideBits; t < lowBits; t++)
      rest = kernels.foldLines(rest, 1, count(rest), at(point, t))
    return rest.slice(0, degree)
  })
}

/** Whether the encoded combination agrees with the opened entries of all trees at each position. */
export function agreesAt(
  kernels: Kernels,
  combination: Elements,
  positions: readonly number[],
  size: number,
  opened: readonly OpenedRows[],
  weights: Elements,
): boolean {
  return kernels.scope(() => {
    const amount = positions.length
    const total = new Uint32Array(degree * amount)
    let first = 0
    for (const { code, rows, width } of opened) {
      // Canonical words are below 2^31: the same numbers when signed.
      const values = new Int32Array(code.buffer, code.byteOffset, code.length)
      const own = span(weights, first, first + rows)
      const sums = kernels.weightRows({ rows, cols: amount, stride: width, values }, own)
      for (let i = 0; i < sums.length; i += degree) addInto(total, i, total, i, sums, i)
      first += rows
    }
    return matches(kernels, combination, positions, size, total)
  })
}

/** The code is over the base field: coordinate by coordinate. */
function matches(
  kernels: Kernels,
  combination: Elements,
  positions: readonly number[],
  size: number,
  expected: Elements,
): boolean {
  const width = count(combination)
  const encode = kernels.encoder(domainOf(size), width)
  const coefficients = new Int32Array(degree * width)
  for (let k = 0; k < degree; k++)
    for (let i = 0; i < width; i++) coefficients[width * k + i] = combination[degree * i + k]!
  const values = kernels.room(degree * size)
  encode(coefficients, values)
  for (const [i, position] of positions.entries())
    for (let k = 0; k < degree; k++)
      if (values[size * k + position] !== expected[degree * i + k]) return false
  return true
}
