/**
 * Where a session keeps its buffers, and the programs over them: a step of training, and a forward pass.
 */
import type { Recipe, StepShifts } from './shifts.ts'
import { createLayout } from './wasmMemory.ts'
import type { Phase } from './wasmProgram.ts'

/** Rows are padded to it in activations and errors. */
const rowTile = 4
/** Widths are padded to it. */
const columnTile = 8

/** Buffers of one layer; addresses relative to the session's region. */
export type LayerPlan = {
  /** Padded `n_l` and `n_{l−1}`. */
  readonly width: number
  readonly inner: number
  /** `2^F·w + rho` as int32, `[width, inner]`. */
  readonly state: number
  readonly rowsRight: number
  /** Needed for the error below; the first layer has none. */
  readonly colsRight: number
  /** Input of the layer, packed: `rowsLeft` for its forward product, `colsRight` for its gradient. */
  readonly inputRowsLeft: number
  readonly inputColsRight: number
  /** Error of the layer, packed: `rowsLeft` for the error below, `colsLeft` for its gradient. */
  readonly errorRowsLeft: number
  readonly errorColsLeft: number
  /** Count of zero errors, int32. */
  readonly zeros: number
}

export type Plan = {
  /** Rows that one run takes at most. */
  readonly capacity: number
  readonly layers: readonly LayerPlan[]
  /** int8 `[capacity, padded n_0]`. */
  readonly features: number
  /** uint32 `[capacity]`. */
  readonly labels: number
  /** int8 `[capacity, padded n_L]`. */
  readonly outputs: number
  /** uint64. */
  readonly loss: number
  /** int32. */
  readonly saturated: number
  /** Bytes of the region. */
  readonly bytes: number
}

export function padRows(rows: number): number {
  return Math.ceil(rows / rowTile) * rowTile
}

export function padWidth(width: number): number {
  return Math.ceil(width / columnTile) * columnTile
}

/** Rows of a forward pass when the batch is smaller. */
const minCapacity = 64

export function planSession(job: Recipe): Plan {
  const capacity = padRows(Math.max(job.batch, minCapacity))
  const { place, size } = createLayout()
  const widths = job.layers.map(padWidth)
  const layers = widths.slice(1).map((width, i): LayerPlan => {
    const inner = widths[i]!
    const first = i === 0
    return {
      width,
      inner,
      state: place(4 * width * inner),
      rowsRight: place(width * inner),
      colsRight: first ? 0 : place(width * inner),
      inputRowsLeft: place(2 * capacity * inner),
      inputColsRight: place(capacity * inner),
      errorRowsLeft: first ? 0 : place(2 * capacity * width),
      errorColsLeft: place(2 * capacity * width),
      zeros: place(4),
    }
  })
  const plan = {
    capacity,
    layers,
    features: place(capacity * widths[0]!),
    labels: place(4 * capacity),
    outputs: place(capacity * widths.at(-1)!),
    loss: place(8),
    saturated: place(4),
  }
  return { ...plan, bytes: size() }
}

/** Adds `base` to addresses; 0 stays 0, which means "not wanted". */
type Locate = (address: number, wanted?: boolean) => number

/** Forward pass of `rows` (padded) rows into `outputs`. */
export function forwardPhases(
  plan: Plan,
  base: number,
  shifts: Pick<StepShifts, 'forward'>,
  rows: number,
  threads: number,
): readonly Phase[] {
  const at = locate(base)
  const last = plan.layers.length - 1
  const first = plan.layers[0]!
  const packInput: Phase = {
    kernel: 'pack',
    units: rows / rowTile,
    chunk: 4,
    fields: [
      ...[at(plan.features), rows, first.inner, at(first.inputRowsLeft), 0],
      ...[at(first.inputColsRight), 0],
    ],
  }
  const products = plan.layers.map((layer, i): Phase => {
    const above = plan.layers[i + 1]
    const units = layer.width / columnTile
    return {
      kernel: 'forward',
      units,
      chunk: chunkOf(units, layer.inner, threads),
      fields: [
        ...[at(layer.inputRowsLeft), at(layer.rowsRight), layer.inner, rows, layer.width],
        ...[shifts.forward[i]!, i === last ? -127 : 0],
        ...[at(above?.inputRowsLeft ?? 0, above !== undefined)],
        ...[at(above?.inputColsRight ?? 0, above !== undefined), at(plan.outputs, i === last)],
      ],
    }
  })
  return [packInput, ...products]
}

/** A whole step of `rows` (padded) rows. */
export function trainPhases(
  plan: Plan,
  base: number,
  shifts: StepShifts,
  rows: number,
  threads: number,
): readonly Phase[] {
  const at = locate(base)
  const top = plan.layers.at(-1)!
  const last = plan.layers.length - 1
  const outputError: Phase = {
    kernel: 'outputError',
    units: rows / rowTile,
    chunk: 4,
    fields: [
      ...[at(plan.outputs), at(plan.labels), rows, top.width],
      ...[at(top.errorRowsLeft, last > 0), at(top.errorColsLeft), at(plan.loss), at(top.zeros)],
    ],
  }
  const phases = [...forwardPhases(plan, base, shifts, rows, threads), outputError]
  for (let i = last; i > 0; i--) phases.push(backwardPhase(plan, at, shifts, rows, threads, i))
  for (let i = last; i >= 0; i--) phases.push(updatePhase(plan, at, shifts, rows, i))
  return phases
}

/** From the error of layer `i` to that of the layer below. */
function backwardPhase(
  { layers }: Plan,
  at: Locate,
  shifts: StepShifts,
  rows: number,
  threads: number,
  i: number,
): Phase {
  const layer = layers[i]!
  const below = layers[i - 1]!
  const units = layer.inner / columnTile
  return {
    kernel: 'backward',
    units,
    chunk: chunkOf(units, layer.width, threads),
    fields: [
      ...[at(layer.errorRowsLeft), at(layer.colsRight), layer.width, rows, layer.inner],
      ...[shifts.backward[i - 1]!, at(layer.inputColsRight)],
      ...[at(below.errorRowsLeft, i > 1), at(below.errorColsLeft), at(below.zeros)],
    ],
  }
}

function updatePhase(
  { layers, saturated }: Plan,
  at: Locate,
  shifts: StepShifts,
  rows: number,
  i: number,
): Phase {
  const layer = layers[i]!
  return {
    kernel: 'update',
    units: layer.width / rowTile,
    chunk: updateChunk,
    fields: [
      ...[at(layer.errorColsLeft), at(layer.inputColsRight), rows, layer.width, layer.inner],
      ...[at(layer.state), shifts.fractionBits, shifts.update[i]!],
      ...[at(layer.rowsRight), at(layer.colsRight, i > 0), at(saturated)],
    ],
  }
}

/** 32 rows of state share the panels of the input they are multiplied with. */
const updateChunk = 8

/** Right panels of a chunk stay in the second-level cache while the left operand passes. */
const chunkBytes = 131_072

/** Panels of a chunk, so that every thread has a few to claim. */
export function chunkOf(units: number, contraction: number, threads: number): number {
  const fitting = Math.floor(chunkBytes / (8 * contraction))
  const fair = threads === 1 ? units : Math.ceil(units / (2 * threads))
  return Math.max(1, Math.min(fitting, fair))
}

function locate(base: number): Locate {
  return (address, wanted = true) => (wanted ? base + address : 0)
}
