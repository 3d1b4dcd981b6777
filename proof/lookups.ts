/**
 * The lookups of a lease: which tuples each segment looks up, how often each table row is meant, and
 * the leaves of the fraction tree. Prover's side of rules P-20 to P-29 and P-50 of docs/spec/proof.md.
 */
import { invariant } from '../primitives/result.ts'
import { toField } from './babyBear.ts'
import { columnFinder, type FindColumn, type Segment, type SegmentTree } from './circuit.ts'
import {
  at,
  degree,
  type Element,
  type Elements,
  minus,
  reduceDouble,
  scaled,
} from './extension.ts'
import { emptyStrip, even } from './fractionTree.ts'
import type { Kernels, Lookups } from './kernels.ts'
import type { Leaves } from './layers.ts'
import type { Matrix } from './linear.ts'
import type { ProofShape } from './parameters.ts'
import { groupsOf } from './segmentGroups.ts'
import type { BatchRows } from './statement.ts'
import { columnValues, rowOf } from './tables.ts'
import { UnitLeaves } from './unitLeaves.ts'
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
  const contents = new Map(
    shape.tables.map((table) => [
      table.tag,
      table.columns.map((column) => columnValues(table, column)),
    ]),
  )
  for (const segment of tree.segments) {
    if (segment.kind === 'table') continue
    const { parts, numerators } = lookupsOf(context, segment)
    const count = counts.get(segment.table.tag)!
    const columns = contents.get(segment.table.tag)!
    const [c1, c2, c3] = parts
    for (let i = 0; i < c1!.length; i++) {
      const row = rowOf(columns, segment.table, [c1![i]!, c2?.[i] ?? 0, c3?.[i] ?? 0])
      if (row >= 0) count[row] = count[row]! + (numerators?.[i] ?? 1)
    }
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

/** Leaves of the fraction tree. */
export function leavesOf(
  kernels: Kernels,
  shape: ProofShape,
  tree: SegmentTree,
  witness: Witness,
  batches: readonly BatchRows[],
  alpha: Element,
  powers: Elements,
): Leaves {
  const context = { shape, find: columnFinder(shape), witness, batches }
  const boxes = groupsOf(tree).map(({ members, rows, cols, bits, unit }) => {
    invariant(bits > 0, 'leavesOf: a segment of one leaf')
    if (unit) return null
    const nodes = emptyStrip(kernels, { lines: members.length * rows, length: cols })
    const size = nodes.length / members.length
    for (const [i, segment] of members.entries()) {
      const base = minus(alpha, scaled(at(powers, 3), segment.table.tag))
      const lookups = lookupsOf(context, segment)
      const own = nodes.subarray(size * i, size * (i + 1))
      kernels.fillLeaves(own, rows, cols, lookups, base, powers)
    }
    return nodes
  })
  const units = new UnitLeaves(
    ({ members }, i) => lookupsOf(context, members[i]!).parts,
    alpha,
    powers,
  )
  return { level: { boxes, tail: new Uint32Array(0) }, units }
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

function lookupsOf(context: Context, segment: Segment): Lookups {
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
        parts: [own('o'), labelled(shape, context.batches[step]!), own('d')],
        numerators: null,
      }
    case 'table': {
      const counts = cells(witness.columns[find('mu', 0, table.tag).index]!)
      const parts = table.columns.map((column) => columnValues(table, column))
      return { parts, numerators: counts.map((count) => -count) }
    }
    default:
      return kind satisfies never
  }
}

/** `(z + 2^(s−1) − 2^κ·h, a, m)`, for the output `(…, o)`. */
function rescaled({ shape, find, witness }: Context, segment: Segment, z: Matrix): Lookups {
  const { step, layer } = segment
  const last = layer === shape.depth
  const role = (name: 'h' | 'a' | 'm' | 'o') =>
    liveCells(witness.columns[find(name, step, layer).index]!, segment)
  const half = 2 ** (shape.forward[layer - 1]! - 1)
  const unit = 2 ** (last ? shape.kappa.output : shape.kappa.hidden)
  const h = role('h')
  const g = liveCells(z, segment).map((value, i) => value + half - unit * h[i]!)
  return { parts: last ? [g, role('o')] : [g, role('a'), role('m')], numerators: null }
}

/** `(e + 2^(t−1) − 2^κ·v, d)`, looked up where the unit is on. */
function rescaledError({ shape, find, witness }: Context, segment: Segment, e: Matrix): Lookups {
  const { step, layer } = segment
  const role = (name: 'v' | 'd' | 'm') =>
    liveCells(witness.columns[find(name, step, layer).index]!, segment)
  const half = 2 ** (shape.steps[step]!.backward[layer - 1]! - 1)
  const unit = 2 ** shape.kappa.backward
  const v = role('v')
  const f = liveCells(e, segment).map((value, i) => value + half - unit * v[i]!)
  return { parts: [f, role('d')], numerators: role('m') }
}

/** The one-hot labels `[n_L, batch]`. */
function labelled({ layers, depth, batch }: ProofShape, { labels }: BatchRows): Int32Array {
  const hot = new Int32Array(layers[depth]! * batch)
  for (let b = 0; b < batch; b++) if (labels[b]! < layers[depth]!) hot[labels[b]! * batch + b] = 1
  return hot
}

/** The live cells, row by row without gaps. */
export function liveCells(
  { values, stride }: Matrix,
  { rows, cols }: { readonly rows: number; readonly cols: number },
): Int32Array {
  if (stride === cols) return values.subarray(0, rows * cols)
  const cells = new Int32Array(rows * cols)
  for (let row = 0; row < rows; row++)
    cells.set(values.subarray(row * stride, row * stride + cols), row * cols)
  return cells
}
