/**
 * Ligero: columns are cut into rows, rows are Reed–Solomon coded, and positions of the code are hashed
 * into a Merkle tree (Ames, Hazay, Ishai and Venkitasubramaniam, CCS 2017). One combination of all rows
 * serves as evaluation and as proximity test.
 *
 * Rules P-35 to P-39 and P-75 to P-79 of docs/spec/proof.md.
 */
import { uintBytes } from '../primitives/bytes.ts'
import { hashBytes, hashOf } from '../primitives/hash.ts'
import { encodeWords, toField } from './babyBear.ts'
import type { Committed, Opening, RowSums } from './commitment.ts'
import { addInto, count, degree, type Elements, mulInto, span } from './extension.ts'
import type { Kernels } from './kernels.ts'
import type { Layout } from './layout.ts'
import { type Matrix, weightedSum } from './linear.ts'
import { eqTable } from './multilinear.ts'
import { openMany, rootOfMany, sha256 } from './multiproof.ts'
import { type Domain, domainOf, evaluateOnDomain } from './ntt.ts'
import type { PlacedColumn, Role, RowClass } from './parameters.ts'
import { ceilLog2 } from './security.ts'

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

/** Encode and hash columns of one tree; `data[i]` holds `columns[i]`. */
export function commitColumns(
  columns: readonly PlacedColumn[],
  data: readonly Matrix[],
  kernels: Kernels,
): Committed {
  const { layout } = columns[0]!
  const { length, width } = layout.code
  const rows = columns.reduce((sum, { codeRows }) => sum + codeRows, 0)
  const code = kernels.words(rows * length)
  const encode = kernels.encoder(domainOf(length), width)
  const message = new Uint32Array(width)
  let row = 0
  for (const [i, column] of columns.entries())
    for (let codeRow = 0; codeRow < column.codeRows; codeRow++) {
      message.fill(0)
      eachRun(column, data[i]!, codeRow, (from, run, to) => {
        for (let j = 0; j < run; j++) message[to + j] = toField(data[i]!.values[from + j]!)
      })
      encode(message, code, row * length)
      row++
    }
  const tree = kernels.merkleTree(kernels.hashColumns(code, rows, length))
  return {
    digest: commitmentDigest(columns, tree.at(-1)!),
    combineInto: (sums, weights, first) => combineRows(columns, data, sums, weights, first),
    open: (positions) => ({
      columns: columnsAt(code, rows, length, positions),
      siblings: openMany(tree, positions),
    }),
  }
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

/** Digest of every position: `SHA256(0x00 ‖ words)`. */
export function hashColumns(code: Uint32Array, rows: number, length: number): Uint8Array {
  const digests = new Uint8Array(32 * length)
  const block = new Uint32Array(rows * blockPositions)
  const leaf = new Uint8Array(1 + 4 * rows)
  for (let start = 0; start < length; start += blockPositions) {
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < blockPositions; i++)
        block[i * rows + row] = code[row * length + start + i]!
    const bytes = encodeBlock(block)
    for (let i = 0; i < blockPositions; i++) {
      leaf.set(bytes.subarray(4 * rows * i, 4 * rows * (i + 1)), 1)
      digests.set(sha256(leaf), 32 * (start + i))
    }
  }
  return digests
}

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** Little-endian words; a view where the machine's own order is that. */
function encodeBlock(words: Uint32Array): Uint8Array {
  return littleEndian
    ? new Uint8Array(words.buffer, words.byteOffset, 4 * words.length)
    : encodeWords(words)
}

function columnsAt(
  code: Uint32Array,
  rows: number,
  length: number,
  positions: readonly number[],
): Uint32Array {
  const columns = new Uint32Array(rows * positions.length)
  for (const [i, position] of positions.entries())
    for (let row = 0; row < rows; row++) columns[i * rows + row] = code[row * length + position]!
  return columns
}

/** The digest that an opening of `columns`' tree leads to. */
export function openedDigest(
  columns: readonly PlacedColumn[],
  positions: readonly number[],
  { columns: words, siblings }: Opening,
): Uint8Array {
  const rows = words.length / positions.length
  const leaves = new Uint8Array(32 * positions.length)
  const leaf = new Uint8Array(1 + 4 * rows)
  for (let i = 0; i < positions.length; i++) {
    leaf.set(encodeBlock(words.slice(i * rows, (i + 1) * rows)), 1)
    leaves.set(sha256(leaf), 32 * i)
  }
  const depth = ceilLog2(columns[0]!.layout.code.length)
  return commitmentDigest(columns, rootOfMany(positions, leaves, siblings, depth))
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
  const total = columns.reduce((sum, { codeRows }) => sum + codeRows, 0)
  const weights = new Uint32Array(degree * total)
  let to = 0
  for (const [c, { codeRows }] of columns.entries())
    for (let row = 0; row < codeRows; row++) {
      mulInto(weights, to, byRow, degree * row, byColumn, degree * c)
      to += degree
    }
  return weights
}

/** `eq(r_lo, position)` of every coefficient of a row. */
export function positionWeights(
  { groups, stride, strideBits, lowBits }: Layout,
  point: Elements,
): Elements {
  const within = eqTable(span(point, 0, strideBits), stride)
  const group = eqTable(span(point, strideBits, lowBits), groups)
  const weights = new Uint32Array(degree * groups * stride)
  for (let g = 0; g < groups; g++)
    for (let k = 0; k < stride; k++)
      mulInto(weights, degree * (g * stride + k), within, degree * k, group, degree * g)
  return weights
}

/** A row of elements, encoded: coordinate by coordinate, since the code is over the base field. */
export function encodeElements(domain: Domain, row: Elements): readonly Uint32Array[] {
  const coefficients = new Uint32Array(count(row))
  return Array.from({ length: degree }, (_, k) => {
    for (let i = 0; i < coefficients.length; i++) coefficients[i] = row[degree * i + k]!
    const values = new Uint32Array(domain.size)
    evaluateOnDomain(domain, coefficients, values)
    return values
  })
}

/** Whether the encoded combination agrees with the opened entries of all trees at each position. */
export function agreesAt(
  encoded: readonly Uint32Array[],
  positions: readonly number[],
  openings: readonly Opening[],
  weights: Elements,
): boolean {
  const sums = new Uint32Array(degree * positions.length)
  let first = 0
  for (const { columns } of openings) {
    const rows = columns.length / positions.length
    const own = span(weights, first, first + rows)
    // Canonical words are below 2^31: the same numbers when signed.
    const words = new Int32Array(columns.buffer, columns.byteOffset, columns.length)
    for (let i = 0; i < positions.length; i++)
      addInto(sums, degree * i, sums, degree * i, weightedSum(words, own, i * rows, rows), 0)
    first += rows
  }
  return positions.every((position, i) =>
    encoded.every((values, k) => values[position] === sums[degree * i + k]),
  )
}
