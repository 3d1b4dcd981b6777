/**
 * The lookups of a lease: which tuples each segment looks up, how often each table row is meant, and
 * the leaves of the fraction tree. Prover's side of rules P-20 to P-29 and P-50 of docs/spec/proof.md.
 */
import { toField } from './babyBear.ts'
import { columnFinder, type FindColumn, type SegmentTree } from './circuit.ts'
import { degree, type Element, type Elements, reduceDouble } from './extension.ts'
import { even } from './fractionTree.ts'
import type { Lookups } from './kernels.ts'
import { LeafSource } from './leafSource.ts'
import type { Matrix } from './linear.ts'
import type { ProofShape } from './parameters.ts'
import type { Piece } from './segmentGroups.ts'
import type { BatchRows } from './statement.ts'
import { columnValues, rowOf, type Table } from './tables.ts'
import type { Witness } from './witness.ts'

type Context = {
  readonly shape: ProofShape
  readonly find: FindColumn
  readonly witness: Omit<Witness, 'saturated' | 'losses'>
  readonly batches: readonly BatchRows[]
}

/** Fills in how often each row of each table is looked up. */
export function countLookups(
  shape: ProofShape,
  tree: SegmentTree,
  witness: Witness,
  batches: readonly BatchRows[],
): Witness {
  const context = { shape, find: columnFinder(shape), witness, batches }
  const counts = new Map(shape.tables.map(({ tag, rows }) => [tag, new Int32Array(rows)]))
  const contents: ReadonlyMap<number, readonly Int32Array[]> = new Map(
    shape.tables.map((table) => [
      table.tag,
      table.columns.map((column) => columnValues(table, column)),
    ]),
  )
  for (const segment of tree.segments) {
    if (segment.kind === 'table') continue
    const lookups = lookupsOf(context, { ...segment, firstRow: 0, firstCol: 0 })
    countRows(counts.get(segment.table.tag)!, segment.table, contents, lookups)
  }
  const columns = [...witness.columns]
  for (const { tag, rows } of shape.tables)
    columns[context.find('mu', 0, tag).index] = {
      rows: 1,
      cols: rows,
      stride: rows,
      values: counts.get(tag)!,
    }
  return { ...witness, columns }
}

/** Adds to `count` how often each row of a table is looked up. */
function countRows(
  count: Int32Array,
  table: Table,
  contents: ReadonlyMap<number, readonly Int32Array[]>,
  { parts, numerators }: Lookups,
): void {
  const columns = contents.get(table.tag)!
  const [c1, c2, c3] = parts as readonly [Int32Array, ...Int32Array[]]
  if (isRange(table)) {
    // Most lookups are of such tables.
    const first = columns[0]![0]!
    for (let i = 0; i < c1.length; i++) {
      const row = c1[i]! - first
      if (row >= 0 && row < count.length) count[row] = count[row]! + 1
    }
    return
  }
  const tuple: [number, number, number] = [0, 0, 0]
  for (let i = 0; i < c1.length; i++) {
    tuple[0] = c1[i]!
    if (c2 !== undefined) tuple[1] = c2[i]!
    if (c3 !== undefined) tuple[2] = c3[i]!
    const row = rowOf(columns, table, tuple)
    if (row >= 0) count[row] = count[row]! + (numerators?.[i] ?? 1)
  }
}

/** Whether a table's rows are consecutive integers. */
function isRange({ columns }: Table): boolean {
  const [column, other] = columns
  if (other !== undefined || column?.kind !== 'pieces') return false
  return column.pieces.length === 1 && column.pieces[0]!.slope === 1
}

/** Leaves of the fraction tree. */
export function leavesOf(
  shape: ProofShape,
  witness: Witness,
  batches: readonly BatchRows[],
  alpha: Element,
  powers: Elements,
): LeafSource {
  const context = { shape, find: columnFinder(shape), witness, batches }
  return new LeafSource((piece) => lookupsOf(context, piece), alpha, powers)
}

/** Leaf `(numerator, base − c1 − β·c2 − β²·c3)` of every live cell. */
export function fillLeaves(
  nodes: Elements,
  lines: number,
  length: number,
  { parts, numerators }: Lookups,
  base: Element,
  powers: Elements,
): void {
  const [c1, c2, c3] = parts
  let cell = 0
  for (let line = 0; line < lines; line++) {
    let to = 2 * degree * line * even(length)
    for (let i = 0; i < length; i++) {
      nodes[to] = toField(numerators?.[cell] ?? 1)
      const second = c2?.[cell] ?? 0
      const third = c3?.[cell] ?? 0
      for (let k = 0; k < degree; k++) {
        const beta = powers[degree + k]!
        const square = powers[2 * degree + k]!
        nodes[to + degree + k] = reduceDouble(base[k]! - beta * second - square * third)
      }
      nodes[to + degree] = toField(nodes[to + degree]! - c1![cell]!)
      to += 2 * degree
      cell++
    }
  }
}

function lookupsOf(context: Context, segment: Piece): Lookups {
  const { shape, find, witness } = context
  const { kind, step, layer, table } = segment
  const cells = (matrix: Matrix) => liveCells(matrix, segment)
  const own = (role: Parameters<FindColumn>[0], of = step) =>
    cells(witness.columns[find(role, of, layer).index]!)
  switch (kind) {
    case 'RW':
      return { parts: [own('w', step + 1)], numerators: null }
    case 'SW':
      return { parts: [own('excess'), own('w', step + 1)], numerators: null }
    case 'RF':
      return { parts: [own('rho', step + 1)], numerators: null }
    case 'ACT':
    case 'OUT':
      return rescaled(context, segment, witness.z[step]![layer - 1]!)
    case 'SA':
      return { parts: [own('h'), own('a')], numerators: null }
    case 'ERR':
      return rescaledError(context, segment, witness.e[step]![layer - 1]!)
    case 'SE':
      return { parts: [own('v'), own('m'), own('d')], numerators: null }
    case 'SO':
      return { parts: [own('h'), own('o')], numerators: null }
    case 'TG':
      return {
        parts: [own('o'), cells(labelled(shape, context.batches[step]!)), own('d')],
        numerators: null,
      }
    case 'table': {
      const counts = cells(witness.columns[find('mu', 0, table.tag).index]!)
      const parts = table.columns.map((column) =>
        cells({
          rows: 1,
          cols: table.rows,
          stride: table.rows,
          values: columnValues(table, column),
        }),
      )
      return { parts, numerators: counts.map((count) => -count) }
    }
    default:
      return kind satisfies never
  }
}

/** `(z + 2^(s−1) − 2^κ·h, a, m)`, for the output `(…, o)`. */
function rescaled({ shape, find, witness }: Context, segment: Piece, z: Matrix): Lookups {
  const { step, layer } = segment
  const last = layer === shape.depth
  const role = (name: 'h' | 'a' | 'm' | 'o') =>
    liveCells(witness.columns[find(name, step, layer).index]!, segment)
  const half = 2 ** (shape.forward[layer - 1]! - 1)
  const unit = 2 ** (last ? shape.kappa.output : shape.kappa.hidden)
  const g = remainders(liveCells(z, segment), role('h'), unit, half)
  return { parts: last ? [g, role('o')] : [g, role('a'), role('m')], numerators: null }
}

/** `(e + 2^(t−1) − 2^κ·v, d)`, looked up where the unit is on. */
function rescaledError({ shape, find, witness }: Context, segment: Piece, e: Matrix): Lookups {
  const { step, layer } = segment
  const role = (name: 'v' | 'd' | 'm') =>
    liveCells(witness.columns[find(name, step, layer).index]!, segment)
  const half = 2 ** (shape.steps[step]!.backward[layer - 1]! - 1)
  const unit = 2 ** shape.kappa.backward
  const f = remainders(liveCells(e, segment), role('v'), unit, half)
  return { parts: [f, role('d')], numerators: role('m') }
}

/** `sum + half − unit·quotient` of each cell. */
function remainders(
  sums: Int32Array,
  quotients: Int32Array,
  unit: number,
  half: number,
): Int32Array {
  const rest = new Int32Array(sums.length)
  for (let i = 0; i < rest.length; i++) rest[i] = sums[i]! + half - unit * quotients[i]!
  return rest
}

/** The one-hot labels `[n_L, batch]`. */
function labelled({ layers, depth, batch }: ProofShape, { labels }: BatchRows): Matrix {
  const rows = layers[depth]!
  const values = new Int32Array(rows * batch)
  for (let b = 0; b < batch; b++) if (labels[b]! < rows) values[labels[b]! * batch + b] = 1
  return { rows, cols: batch, stride: batch, values }
}

/** The live cells of a piece, row by row without gaps. */
function liveCells(
  { values, stride }: Matrix,
  { rows, cols, firstRow, firstCol }: Pick<Piece, 'rows' | 'cols' | 'firstRow' | 'firstCol'>,
): Int32Array {
  const first = firstRow * stride + firstCol
  if (stride === cols || rows === 1) return values.subarray(first, first + rows * cols)
  const cells = new Int32Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    const from = first + row * stride
    cells.set(values.subarray(from, from + cols), row * cols)
  }
  return cells
}
