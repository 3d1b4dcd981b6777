/** Small trained leases that the tests of `proof/` share. */
import type { Rows } from '../../compute/backend.ts'
import { initialState, type ModelState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { type StepTrace, traceStep } from '../../compute/step.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { columnFinder } from '../../proof/circuit.ts'
import type { Matrix } from '../../proof/linear.ts'
import type { PlacedColumn, ProofShape, Role } from '../../proof/parameters.ts'
import type { LeaseClaim } from '../../proof/prover.ts'
import { transposed, type Witness } from '../../proof/witness.ts'
import { type Job, rangeSteps } from '../../registry/job.ts'
import { jobOf, randomRows, seedOf } from '../compute/support.ts'

/** A job small in every way: short tables, few rows of code. */
export function tinyJob(layers: readonly number[], overrides: Partial<Job> = {}): Job {
  const depth = layers.length - 1
  return jobOf(layers, {
    batch: 3,
    leaseSteps: 1,
    fractionBits: 4,
    forwardShifts: Array.from({ length: depth }, () => 3),
    schedule: [
      {
        fromStep: 0,
        updateShifts: Array.from({ length: depth }, () => 0),
        backwardShifts: Array.from({ length: depth - 1 }, () => 2),
      },
    ],
    ...overrides,
  })
}

export type TrainedLease = {
  readonly claim: LeaseClaim
  readonly before: ModelState
  readonly steps: readonly StepTrace[]
  readonly batches: readonly Rows[]
}

export function claimOf(job: Job, range = 0): LeaseClaim {
  return { job, seed: seedOf(7), range, worker: zeroAddress }
}

/** Trains one range from these weights. */
export async function trainLease(
  job: Job,
  number: number,
  before: ModelState = initialState(job, seedOf(number)),
  rowsOf: (step: number) => Rows = (step) => randomRows(job, 100 * number + step),
): Promise<TrainedLease> {
  const claim = claimOf(job)
  const { from, count } = rangeSteps(job, claim.range)
  const steps: StepTrace[] = []
  const batches: Rows[] = []
  let state = before
  for (let i = 0; i < count; i++) {
    const rows = rowsOf(i)
    const step = await traceStep(referenceBackend.products, job, state, from + i, rows)
    steps.push(step)
    batches.push(rows)
    state = step.state
  }
  return { claim, before, steps, batches }
}

/** Weights at the edge of their range, so that many saturate. */
export function extremeState(job: Job, number: number): ModelState {
  const random = new SeededRandom('extreme', seedOf(number))
  const edges = [127, -127, 126, -126]
  const state = initialState(job, seedOf(number))
  return {
    layers: state.layers.map((layer) => ({
      ...layer,
      w: Int8Array.from(layer.w, (value) =>
        random.below(3) > 0 ? edges[random.below(4)]! : value,
      ),
      rho: Uint32Array.from(layer.rho, () => random.below(2 ** job.fractionBits)),
    })),
  }
}

/** `z` and `e` as a dishonest prover makes them: from whatever its columns hold. */
export function sumsOf(
  shape: ProofShape,
  columns: readonly Matrix[],
  batches: readonly Rows[],
): Pick<Witness, 'z' | 'e'> {
  const find = columnFinder(shape)
  const layers = Array.from({ length: shape.depth }, (_, i) => i + 1)
  // Live cells alone: what padding holds is of no account.
  const column = (role: Role, step: number, layer: number): Matrix => {
    const { index, rows, cols } = find(role, step, layer)
    return { ...columns[index]!, rows, cols }
  }
  const z = shape.steps.map((_, step) =>
    layers.map((layer) => {
      const rows = batches[step]!
      const input =
        layer === 1 ? transposed(rows.features, rows.count) : column('a', step, layer - 1)
      return product(column('w', step, layer), input, shape.batch)
    }),
  )
  const e = shape.steps.map((_, step) =>
    layers
      .slice(0, -1)
      .map((layer) =>
        product(flipped(column('w', step, layer + 1)), column('d', step, layer + 1), shape.batch),
      ),
  )
  return { z, e }
}

function product(a: Matrix, b: Matrix, cols: number): Matrix {
  const values = new Int32Array(a.rows * cols)
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < cols; j++)
      for (let k = 0; k < a.cols; k++)
        values[i * cols + j] =
          values[i * cols + j]! + a.values[i * a.stride + k]! * b.values[k * b.stride + j]!
  return { rows: a.rows, cols, stride: cols, values }
}

function flipped({ rows, cols, stride, values }: Matrix): Matrix {
  const turned = new Int32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) turned[j * rows + i] = values[i * stride + j]!
  return { rows: cols, cols: rows, stride: rows, values: turned }
}

/** The column as stored with junk in every dead cell that its code rows hold. */
export function withJunk(column: PlacedColumn, matrix: Matrix, random: SeededRandom): Matrix {
  const { role, rows, cols, colBits, codeRows, layout } = column
  const weights = role === 'w' || role === 'rho' || role === 'excess'
  const stride = weights ? layout.stride : 2 ** colBits
  const span = codeRows * 2 ** layout.lowBits
  const lines = Math.max(1, Math.ceil(span / 2 ** colBits))
  const kept = role === 'mu' ? Math.min(stride, span) : stride
  const values = Int32Array.from({ length: lines * kept }, () => random.below(2_013_265_921))
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++)
      values[row * kept + col] = matrix.values[row * matrix.stride + col]!
  return { rows: lines, cols: kept, stride: kept, values }
}
