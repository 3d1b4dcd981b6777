/**
 * The relations of a lease as public lists: segments of the fraction tree, product instances and
 * claims, each in canonical order. Prover and verifier read the same lists.
 *
 * Rules P-50, P-60 and P-70 of docs/spec/proof.md.
 */
import { invariant } from '../primitives/result.ts'
import { type Elements, join, span } from './extension.ts'
import { perObject } from './memo.ts'
import { chunkBits, type PlacedColumn, type ProofShape, type Role } from './parameters.ts'
import { ceilLog2, type SoundnessInputs } from './security.ts'
import type { Table } from './tables.ts'

export type SegmentKind =
  | 'RW'
  | 'SW'
  | 'RF'
  | 'ACT'
  | 'SA'
  | 'ERR'
  | 'SE'
  | 'OUT'
  | 'SO'
  | 'TG'
  | 'table'

/** A box of leaves: one lookup per live cell, or one table's rows. */
export type Segment = {
  readonly kind: SegmentKind
  readonly step: number
  readonly layer: number
  readonly table: Table
  readonly rows: number
  readonly cols: number
  readonly rowBits: number
  readonly colBits: number
  /** `rowBits + colBits`. */
  readonly bits: number
  /** First leaf; a multiple of `2^bits`. */
  readonly offset: number
}

export type SegmentTree = {
  /** By descending bits, hence by offset. */
  readonly segments: readonly Segment[]
  /** Layers, `D`: `2^D` leaves. */
  readonly depth: number
  /** End of the last segment. */
  readonly end: number
}

export const segmentTree: (shape: ProofShape) => SegmentTree = perObject(placeSegments)

function placeSegments(shape: ProofShape): SegmentTree {
  const listed = [...shape.steps.keys()].flatMap((step) => stepSegments(shape, step))
  const all = [...listed, ...shape.tables.map(tableSegment)]
  const sorted = all.toSorted((a, b) => b.bits - a.bits)
  let end = 0
  const segments = sorted.map((segment) => {
    const offset = end
    end += 2 ** segment.bits
    return { ...segment, offset }
  })
  let depth = 0
  while (2 ** depth < end) depth++
  return { segments, depth, end }
}

type Unplaced = Omit<Segment, 'offset'>

function stepSegments(shape: ProofShape, step: number): readonly Unplaced[] {
  const { depth } = shape
  const layers = Array.from({ length: depth }, (_, i) => i + 1)
  const weights = layers.flatMap((layer) =>
    ([shape.dense ? 'SW' : 'RW', 'RF'] as const).map((kind) =>
      weightSegment(shape, kind, step, layer),
    ),
  )
  const hidden = layers
    .slice(0, -1)
    .flatMap((layer) =>
      (['ACT', 'SA', 'ERR', 'SE'] as const).map((kind) => unitSegment(shape, kind, step, layer)),
    )
  const output = (['OUT', 'SO', 'TG'] as const).map((kind) => unitSegment(shape, kind, step, depth))
  return [...weights, ...hidden, ...output]
}

function weightSegment(
  shape: ProofShape,
  kind: SegmentKind,
  step: number,
  layer: number,
): Unplaced {
  const { layers, nu } = shape
  return {
    kind,
    step,
    layer,
    table: tableNamed(shape, kind),
    rows: layers[layer]!,
    cols: layers[layer - 1]!,
    rowBits: nu,
    colBits: nu,
    bits: 2 * nu,
  }
}

function unitSegment(shape: ProofShape, kind: SegmentKind, step: number, layer: number): Unplaced {
  const { nu, beta, layers, batch } = shape
  return {
    kind,
    step,
    layer,
    table: tableNamed(shape, unitTable(shape, kind, step, layer)),
    rows: layers[layer]!,
    cols: batch,
    rowBits: nu,
    colBits: beta,
    bits: nu + beta,
  }
}

function unitTable(shape: ProofShape, kind: SegmentKind, step: number, layer: number): string {
  if (kind === 'ACT') return `ACT${shape.forward[layer - 1]}`
  if (kind === 'ERR') return `ERR${shape.steps[step]!.backward[layer - 1]}`
  return kind
}

function tableNamed({ tables }: ProofShape, name: string): Table {
  const table = tables.find((entry) => entry.name === name)
  invariant(table !== undefined, `circuit: no table ${name}`)
  return table
}

function tableSegment(table: Table): Unplaced {
  const colBits = ceilLog2(table.rows)
  return {
    kind: 'table',
    step: 0,
    layer: table.tag,
    table,
    rows: 1,
    cols: table.rows,
    rowBits: 0,
    colBits,
    bits: colBits,
  }
}

export type FindColumn = (role: Role, step: number, layer: number) => PlacedColumn

/** Finds columns by what they hold. */
export const columnFinder: (shape: ProofShape) => FindColumn = perObject(findColumns)

function findColumns(shape: ProofShape): FindColumn {
  const key = (role: Role, step: number, layer: number) => `${role}/${step}/${layer}`
  const found = new Map(shape.columns.map((c) => [key(c.role, c.step, c.layer), c]))
  return (role, step, layer) => {
    const column = found.get(key(role, step, layer))
    invariant(column !== undefined, `circuit: no column ${key(role, step, layer)}`)
    return column
  }
}

/** A leaf claim: on a committed column, or on the virtual sums `z` and `e`. */
export type LeafClaim =
  | { readonly of: 'column'; readonly column: PlacedColumn }
  | { readonly of: 'z' | 'e'; readonly step: number; readonly layer: number }

/** Claims at the tree's end point: states, excesses, witness columns, then `z` and `e`. */
export const leafClaims: (shape: ProofShape) => readonly LeafClaim[] = perObject(listLeafClaims)

function listLeafClaims(shape: ProofShape): readonly LeafClaim[] {
  const find = columnFinder(shape)
  const steps = [...shape.steps.keys()]
  const layers = Array.from({ length: shape.depth }, (_, i) => i + 1)
  const states = [...steps, steps.length].flatMap((state) => [
    ...layers.map((layer) => find('w', state, layer)),
    ...layers.map((layer) => find('rho', state, layer)),
  ])
  const others = (['excess', 'witness'] as const).flatMap((name) =>
    shape.classes.flatMap(({ trees }) =>
      trees.filter((tree) => tree.name === name).flatMap(({ columns }) => columns),
    ),
  )
  const sums = steps.flatMap((step) => [
    ...layers.map((layer) => ({ of: 'z', step, layer }) as const),
    ...layers.slice(0, -1).map((layer) => ({ of: 'e', step, layer }) as const),
  ])
  return [...[...states, ...others].map((column) => ({ of: 'column', column }) as const), ...sums]
}

export type Instance = {
  readonly kind: 'forward' | 'backward' | 'update' | 'loss'
  readonly step: number
  readonly layer: number
  /** Variables of its sum. */
  readonly variables: number
}

/** The product sumchecks, in the order of their weights `γ^i`. */
export const instancesOf: (shape: ProofShape) => readonly Instance[] = perObject(listInstances)

function listInstances(shape: ProofShape): readonly Instance[] {
  const { nu, beta, depth } = shape
  const layers = Array.from({ length: depth }, (_, i) => i + 1)
  return [...shape.steps.keys()].flatMap((step) => [
    ...layers.map((layer) => ({ kind: 'forward', step, layer, variables: nu }) as const),
    ...layers
      .slice(0, -1)
      .map((layer) => ({ kind: 'backward', step, layer, variables: nu }) as const),
    ...layers.map((layer) => ({ kind: 'update', step, layer, variables: beta }) as const),
    { kind: 'loss', step, layer: depth, variables: nu + beta } as const,
  ])
}

/** Coordinates of the tree's end point by meaning. */
export function pointsOf({ nu, beta }: ProofShape, zeta: Elements) {
  return {
    weights: span(zeta, 0, 2 * nu),
    units: span(zeta, 0, nu + beta),
    /** `ζ_k`, `ζ_j^w`: column and row of a weight. */
    weightCol: span(zeta, 0, nu),
    weightRow: span(zeta, nu, 2 * nu),
    /** `ζ_b`, `ζ_j^a`: row of the batch and unit. */
    sample: span(zeta, 0, beta),
    unit: span(zeta, beta, beta + nu),
  }
}

/** The columns that an instance leaves claims on, and where. Inputs of layer 1 are public. */
export function endPoints(
  shape: ProofShape,
  find: FindColumn,
  { kind, step, layer }: Instance,
  zeta: Elements,
  sigma: Elements,
): readonly { readonly column: PlacedColumn; readonly point: Elements }[] {
  const { nu, beta } = shape
  const { weightCol, weightRow, sample, unit } = pointsOf(shape, zeta)
  const wide = span(sigma, 0, nu)
  const deep = span(sigma, 0, beta)
  const input = (point: Elements) =>
    layer > 1 ? [{ column: find('a', step, layer - 1), point }] : []
  switch (kind) {
    case 'forward':
      return [
        { column: find('w', step, layer), point: join([wide, unit]) },
        ...input(join([sample, wide])),
      ]
    case 'backward':
      return [
        { column: find('w', step, layer + 1), point: join([unit, wide]) },
        { column: find('d', step, layer + 1), point: join([sample, wide]) },
      ]
    case 'update':
      return [
        { column: find('d', step, layer), point: join([deep, weightRow]) },
        ...input(join([deep, weightCol])),
      ]
    case 'loss':
      return [{ column: find('o', step, layer), point: span(sigma, 0, nu + beta) }]
    default:
      return kind satisfies never
  }
}

/** Variables that choose a loss chunk. */
export function chunkVariables({ nu, beta }: ProofShape): number {
  return Math.max(0, nu + beta - chunkBits)
}

/** What the soundness of a proof of this shape depends on, with a full list of saturated weights. */
export function soundnessInputs(shape: ProofShape, listed: number): SoundnessInputs {
  const { segments, depth } = segmentTree(shape)
  const cells = (wanted: (kind: SegmentKind) => boolean) =>
    segments
      .filter(({ kind }) => wanted(kind))
      .reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  const instances = instancesOf(shape)
  const ends = instances.reduce((sum, { kind, layer }) => {
    if (kind === 'loss') return sum + 1
    return sum + (kind !== 'backward' && layer === 1 ? 1 : 2)
  }, 0)
  return {
    tableRows: cells((kind) => kind === 'table'),
    lookups: cells((kind) => kind !== 'table'),
    maskedLookups: cells((kind) => kind === 'ERR'),
    treeDepth: depth,
    nu: shape.nu,
    beta: shape.beta,
    instances: instances.length,
    claims: shape.columns.length + ends + listed,
    variables: Math.max(...shape.columns.map(({ variables }) => variables)),
    classes: shape.classes.map(({ layout, trees }) => {
      const columns = trees.flatMap((tree) => tree.columns)
      const widest = Math.max(...columns.map(({ variables }) => variables))
      return {
        code: layout.code,
        queries: layout.queries,
        columns: columns.length,
        tensorCoordinates: ceilLog2(columns.length) + widest - layout.lowBits,
      }
    }),
  }
}
