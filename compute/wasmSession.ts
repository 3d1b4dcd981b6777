/**
 * A model in WebAssembly memory, from one step to the next. Weights live as `2^F·w + rho` in one int32
 * each, plus the packed int8 operands that the products read; an update writes all three.
 */
import { invariant } from '../primitives/result.ts'
import type { Rows, Session, StepReport } from './backend.ts'
import { emptyState, fitsShape, type LayerState, type ModelState } from './modelState.ts'
import { assertRecipe, type Recipe, shiftsAt } from './shifts.ts'
import type { Heap } from './wasmMemory.ts'
import {
  forwardPhases,
  type LayerPlan,
  type Plan,
  padRows,
  planSession,
  trainPhases,
} from './wasmPlan.ts'
import { encodeProgram, type Program } from './wasmProgram.ts'
import type { Team } from './wasmTeam.ts'

/** The label of padding, and of labels that no output stands for. */
const noLabel = 65_535

export function openWasmSession(team: Team, heap: Heap, job: Recipe, state: ModelState): Session {
  assertRecipe(job)
  invariant(fitsShape(job, state), 'wasm: state of another job')
  const plan = planSession(job)
  const base = heap.take(plan.bytes)
  const words = new Int32Array(team.memory.buffer)
  const weights = plan.layers.reduce((sum, { width, inner }) => sum + width * inner, 0)
  const trainThreads = team.threadsFor(3 * weights * job.batch)
  const forwardThreads = team.threadsFor(weights * plan.capacity)
  loadState(team, heap, { plan, base, job }, state)
  const forward = encodeProgram(
    forwardPhases(plan, base, shiftsAt(job, 0), plan.capacity, forwardThreads),
  )
  const train = job.schedule.map(({ fromStep }): Program => {
    const shifts = shiftsAt(job, fromStep)
    return encodeProgram(trainPhases(plan, base, shifts, padRows(job.batch), trainThreads))
  })
  let open = true

  async function step(number: number, rows: Rows): Promise<StepReport> {
    invariant(open && rows.count === job.batch, `wasm: step of ${rows.count} rows`)
    const phase = job.schedule.findLastIndex(({ fromStep }) => fromStep <= number)
    loadRows(team, { plan, base, job }, rows, padRows(job.batch))
    clearCounters(words, plan, base)
    team.run(train[Math.max(0, phase)]!, trainThreads)
    return readReport(words, plan, base, job)
  }

  async function outputs(rows: Rows): Promise<Int8Array> {
    invariant(open, 'wasm: session is closed')
    const classes = job.layers.at(-1)!
    const features = job.layers[0]!
    const all = new Int8Array(rows.count * classes)
    for (let from = 0; from < rows.count; from += plan.capacity) {
      const count = Math.min(plan.capacity, rows.count - from)
      const part = {
        count,
        features: rows.features.subarray(from * features, (from + count) * features),
        labels: rows.labels.subarray(from, from + count),
      }
      loadRows(team, { plan, base, job }, part, plan.capacity)
      team.run(forward, forwardThreads)
      all.set(
        readMatrix(team, base + plan.outputs, count, classes, plan.layers.at(-1)!.width),
        from * classes,
      )
    }
    return all
  }

  async function close(): Promise<void> {
    if (open) heap.give(base)
    open = false
  }

  return { step, outputs, close, state: async () => readState(team, { plan, base, job }) }
}

type Placed = { readonly plan: Plan; readonly base: number; readonly job: Recipe }

/** Rows into their padded buffers. Padding has zero features and no label. */
function loadRows(team: Team, { plan, base, job }: Placed, rows: Rows, padded: number): void {
  const features = job.layers[0]!
  const stride = plan.layers[0]!.inner
  const classes = job.layers.at(-1)!
  const to = new Int8Array(team.memory.buffer, base + plan.features, padded * stride)
  to.fill(0, rows.count * stride)
  writeMatrix(to, rows.features, rows.count, features, stride)
  const labels = new Uint32Array(team.memory.buffer, base + plan.labels, padded)
  labels.fill(noLabel)
  for (let b = 0; b < rows.count; b++) if (rows.labels[b]! < classes) labels[b] = rows.labels[b]!
}

function writeMatrix(
  to: Int8Array,
  from: Int8Array,
  rows: number,
  columns: number,
  stride: number,
): void {
  if (columns === stride) {
    to.set(from)
    return
  }
  for (let row = 0; row < rows; row++) {
    to.set(from.subarray(row * columns, (row + 1) * columns), row * stride)
    to.fill(0, row * stride + columns, (row + 1) * stride)
  }
}

/** A copy of the live part of a padded int8 matrix. */
function readMatrix(
  team: Team,
  address: number,
  rows: number,
  columns: number,
  stride: number,
): Int8Array {
  const from = new Int8Array(team.memory.buffer, address, rows * stride)
  const copy = new Int8Array(rows * columns)
  for (let row = 0; row < rows; row++)
    copy.set(from.subarray(row * stride, row * stride + columns), row * columns)
  return copy
}

/** Writes every layer's state and has its `w` packed. */
function loadState(team: Team, heap: Heap, { plan, base, job }: Placed, state: ModelState): void {
  const cells = plan.layers.map(({ width, inner }) => width * inner)
  const staging = heap.take(Math.max(...cells))
  const words = new Int32Array(team.memory.buffer)
  for (const [i, layer] of plan.layers.entries()) {
    const { w } = state.layers[i]!
    const { width, inner } = layer
    const staged = new Int8Array(team.memory.buffer, staging, width * inner).fill(0)
    writeMatrix(staged, w, state.layers[i]!.width, state.layers[i]!.inner, inner)
    writeUnits(words, base, layer, state.layers[i]!, job.fractionBits)
    const right = [base + layer.rowsRight]
    const colsRight = i > 0 ? base + layer.colsRight : 0
    const fields = [staging, width, inner, 0, 0, colsRight, ...right]
    team.run(encodeProgram([{ kernel: 'pack', units: width / 4, chunk: 16, fields }]), 1)
  }
  heap.give(staging)
}

/** `2^F·w + rho` of each weight; padding is 0. */
function writeUnits(
  words: Int32Array,
  base: number,
  { state, width, inner: stride }: LayerPlan,
  { width: rows, inner, w, rho }: LayerState,
  fractionBits: number,
): void {
  const unit = 2 ** fractionBits
  const start = (base + state) / 4
  words.fill(0, start, start + width * stride)
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < inner; k++) {
      const i = row * inner + k
      words[start + row * stride + k] = w[i]! * unit + rho[i]!
    }
}

function readState(team: Team, { plan, base, job }: Placed): ModelState {
  const words = new Int32Array(team.memory.buffer)
  const copy = emptyState(job)
  const mask = 2 ** job.fractionBits - 1
  for (const [l, { width, inner, w, rho }] of copy.layers.entries()) {
    const layer = plan.layers[l]!
    const start = (base + layer.state) / 4
    for (let row = 0; row < width; row++)
      for (let k = 0; k < inner; k++) {
        const units = words[start + row * layer.inner + k]!
        w[row * inner + k] = units >> job.fractionBits
        rho[row * inner + k] = units & mask
      }
  }
  return copy
}

function clearCounters(words: Int32Array, plan: Plan, base: number): void {
  for (const address of [plan.loss, plan.loss + 4, plan.saturated]) words[(base + address) / 4] = 0
  for (const { zeros } of plan.layers) words[(base + zeros) / 4] = 0
}

function readReport(words: Int32Array, plan: Plan, base: number, job: Recipe): StepReport {
  const at = (address: number) => words[(base + address) / 4]!
  const low = BigInt(at(plan.loss) >>> 0)
  const high = BigInt(at(plan.loss + 4) >>> 0)
  const zeroErrors = plan.layers.map(({ width, zeros }, i) => {
    // Every padded cell counted as a zero error.
    const padding = padRows(job.batch) * width - job.batch * job.layers[i + 1]!
    return at(zeros) - padding
  })
  return { loss: (high << 32n) | low, zeroErrors, saturated: at(plan.saturated) }
}
