/**
 * The shape of one proof: everything that job, range and saturation mode determine, and a prover
 * cannot choose. Rules P-1 to P-34 of docs/spec/proof.md.
 */
import { invariant } from '../primitives/result.ts'
import { excessBound, familiesOf, splitOf } from '../registry/admission.ts'
import { depthOf, type Job, phaseAt, rangeSteps } from '../registry/job.ts'
import { type Layout, stateLayout, witnessLayout } from './layout.ts'
import { remembering } from './memo.ts'
import { ceilLog2 } from './security.ts'
import { type Table, tablesOf } from './tables.ts'

/** What a committed column holds. `w` and `rho` belong to a state, the others to a step. */
export type Role = 'w' | 'rho' | 'excess' | 'a' | 'm' | 'h' | 'd' | 'v' | 'o' | 'mu'

/** A committed column: live cells `rows × cols`, index `row·2^colBits + col`. */
export type Column = {
  readonly role: Role
  /** State number 0..k of `w` and `rho`; step number 0..k−1 otherwise; 0 for `mu`. */
  readonly step: number
  /** Layer 1..L; the table's tag for `mu`. */
  readonly layer: number
  readonly rows: number
  readonly cols: number
  readonly rowBits: number
  readonly colBits: number
}

export type TreeName = 'before' | 'mid' | 'after' | 'excess' | 'witness'

export type Tree = { readonly name: TreeName; readonly columns: readonly PlacedColumn[] }

/** Trees whose rows share one code and one set of positions. */
export type RowClass = { readonly layout: Layout; readonly trees: readonly Tree[] }

/** A column with its place: its number among all, and its rows of code. */
export type PlacedColumn = Column & {
  readonly index: number
  readonly layout: Layout
  readonly codeRows: number
  /** Variables of its extension; at least the layout's low bits. */
  readonly variables: number
}

export type StepNumbers = {
  /** `t_1..t_{L−1}`, entry `l − 1`. */
  readonly backward: readonly number[]
  /** `u_1..u_L`. */
  readonly update: readonly number[]
}

export type ProofShape = {
  readonly layers: readonly number[]
  /** `L`. */
  readonly depth: number
  readonly batch: number
  readonly fractionBits: number
  readonly forward: readonly number[]
  /** One entry per step of the lease. */
  readonly steps: readonly StepNumbers[]
  readonly dense: boolean
  readonly nu: number
  readonly beta: number
  readonly kappa: { readonly hidden: number; readonly output: number; readonly backward: number }
  /** `H_W`. */
  readonly excess: number
  readonly tables: readonly Table[]
  readonly classes: readonly RowClass[]
  /** All columns, in the order of their claims and values. */
  readonly columns: readonly PlacedColumn[]
  /** Loss chunks of one step. */
  readonly chunks: number
}

/** Most saturated weights that a proof may list; with more it uses the dense mode. */
export const maxSaturated = 256
/** log2 of the indices whose squared errors one loss chunk sums: below p for certain. */
export const chunkBits = 15

/** The shape of range `range` of an admitted job. */
export function shapeOf(job: Job, range: number, dense: boolean): ProofShape {
  const steps = stepNumbers(job, range)
  return knownShapes(`${keyOf(job, steps)} ${dense}`, () => makeShape(job, steps, dense))
}

const knownShapes = remembering<ProofShape>(16)

/** Equal for ranges whose shapes are. */
export function shapeKey(job: Job, range: number): string {
  return keyOf(job, stepNumbers(job, range))
}

function keyOf(job: Job, steps: readonly StepNumbers[]): string {
  const { layers, batch, leaseSteps, fractionBits, forwardShifts, schedule } = job
  return JSON.stringify([layers, batch, leaseSteps, fractionBits, forwardShifts, schedule, steps])
}

function stepNumbers(job: Job, range: number): readonly StepNumbers[] {
  const { from, count } = rangeSteps(job, range)
  invariant(count >= 1, `shapeOf: range ${range} has no steps`)
  return Array.from({ length: count }, (_, i) => {
    const { backwardShifts, updateShifts } = phaseAt(job, from + i)
    return { backward: backwardShifts, update: updateShifts }
  })
}

function makeShape(job: Job, steps: readonly StepNumbers[], dense: boolean): ProofShape {
  const count = steps.length
  const depth = depthOf(job)
  const widest = Math.max(...job.layers)
  const nu = Math.max(1, ceilLog2(widest))
  const beta = Math.max(1, ceilLog2(job.batch))
  const splits = splitsOf(job)
  const excess = Number(excessBound(job))
  const tables = tablesOf({
    fractionBits: job.fractionBits,
    dense,
    hiddenShifts: distinct(job.forwardShifts.slice(0, -1)),
    outputShift: job.forwardShifts.at(-1)!,
    backwardShifts: distinct(steps.flatMap(({ backward }) => backward)),
    ...splits,
    excess,
  })
  const { layers, leaseSteps, batch } = job
  const sizes = { layers, leaseSteps, depth, batch, nu, beta, steps: count }
  const classes = classesOf(sizes, tables, dense)
  const { hidden, output, backward } = splits
  return {
    layers: job.layers,
    depth,
    batch: job.batch,
    fractionBits: job.fractionBits,
    forward: job.forwardShifts,
    steps,
    dense,
    nu,
    beta,
    kappa: { hidden: hidden.kappa, output: output.kappa, backward: backward.kappa },
    excess,
    tables,
    classes,
    columns: classes.flatMap(({ trees }) => trees.flatMap(({ columns }) => columns)),
    chunks: Math.max(1, Math.ceil((job.layers[depth]! * 2 ** beta) / 2 ** chunkBits)),
  }
}

type NumberSplit = { readonly kappa: number; readonly bound: number }

/** Families that a job does not have get a split that nothing uses. */
function splitsOf(job: Job): Readonly<Record<'hidden' | 'output' | 'backward', NumberSplit>> {
  const found = familiesOf(job).map((family) => {
    const { kappa, bound } = splitOf(family)
    return [family.name, { kappa, bound: Number(bound) }] as const
  })
  const none = { kappa: 0, bound: 0 }
  return { hidden: none, output: none, backward: none, ...Object.fromEntries(found) }
}

/** What the layout of weights depends on. */
export type StateShape = Pick<Job, 'layers' | 'leaseSteps'>

/** The layout of a job's weights, and the columns of one state. */
export function stateColumns(
  { layers, leaseSteps }: StateShape,
  step: number,
): { readonly layout: Layout; readonly columns: readonly Column[] } {
  const nu = Math.max(1, ceilLog2(Math.max(...layers)))
  const columns = layers.slice(1).flatMap((rows, i) => {
    const shape = { step, layer: i + 1, rows, cols: layers[i]!, rowBits: nu, colBits: nu }
    return [{ role: 'w', ...shape } as const, { role: 'rho', ...shape } as const]
  })
  return { layout: stateLayout(layers, nu, leaseSteps), columns }
}

type Sizes = StateShape & {
  readonly depth: number
  readonly batch: number
  readonly nu: number
  readonly beta: number
  readonly steps: number
}

function classesOf(sizes: Sizes, tables: readonly Table[], dense: boolean): readonly RowClass[] {
  const { nu, steps } = sizes
  const { layout } = stateColumns(sizes, 0)
  const state = (step: number) => stateColumns(sizes, step).columns
  const mid = Array.from({ length: steps - 1 }, (_, i) => state(i + 1)).flat()
  const excess = Array.from({ length: steps }, (_, step) =>
    state(step).flatMap((column) =>
      column.role === 'w' ? [{ ...column, role: 'excess' } as const] : [],
    ),
  ).flat()
  const states: NamedColumns[] = [
    { name: 'before', columns: state(0) },
    ...(mid.length > 0 ? [{ name: 'mid', columns: mid } as const] : []),
    { name: 'after', columns: state(steps) },
    ...(dense ? [{ name: 'excess', columns: excess } as const] : []),
  ]
  const witness: NamedColumns = { name: 'witness', columns: witnessColumns(sizes, tables) }
  // Rows as wide as a power of two fit both kinds of column: one class, one set of positions.
  if (layout.stride === 2 ** nu) return placed([{ layout, trees: [...states, witness] }])
  const spans = witness.columns.map(({ rows, colBits, cols }) =>
    rows === 1 ? cols : rows * 2 ** colBits,
  )
  return placed([
    { layout, trees: states },
    { layout: witnessLayout(spans), trees: [witness] },
  ])
}

type NamedColumns = { readonly name: TreeName; readonly columns: readonly Column[] }

function witnessColumns(
  { layers, depth, batch, nu, beta, steps }: Sizes,
  tables: readonly Table[],
): readonly Column[] {
  const perStep = Array.from({ length: steps }, (_, step) =>
    layers.slice(1).flatMap((rows, i) => {
      const layer = i + 1
      const roles =
        layer < depth ? (['a', 'm', 'h', 'd', 'v'] as const) : (['h', 'o', 'd'] as const)
      return roles.map((role) => ({
        role,
        step,
        layer,
        rows,
        cols: batch,
        rowBits: nu,
        colBits: beta,
      }))
    }),
  ).flat()
  const counts = tables.map(({ tag, rows }) => ({
    role: 'mu' as const,
    step: 0,
    layer: tag,
    rows: 1,
    cols: rows,
    rowBits: 0,
    colBits: ceilLog2(rows),
  }))
  return [...perStep, ...counts]
}

/** Gives every column its number and its rows. */
function placed(
  classes: readonly { readonly layout: Layout; readonly trees: readonly NamedColumns[] }[],
): readonly RowClass[] {
  let index = 0
  return classes.map(({ layout, trees }) => ({
    layout,
    trees: trees.map(({ name, columns }) => ({
      name,
      columns: columns.map((column) => placeColumn(column, layout, index++)),
    })),
  }))
}

export function placeColumn(column: Column, layout: Layout, index: number): PlacedColumn {
  const { rows, cols, rowBits, colBits } = column
  const stored = rows === 1 ? cols : rows * 2 ** colBits
  return {
    ...column,
    index,
    layout,
    codeRows: Math.ceil(stored / 2 ** layout.lowBits),
    variables: Math.max(rowBits + colBits, layout.lowBits),
  }
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].toSorted((a, b) => a - b)
}
