/**
 * What a training worker does: train a range of steps, score a model, or predict. Tasks and results
 * are plain data that cross a process boundary; states and jobs travel in their canonical encodings.
 */
import { readFileSync } from 'node:fs'
import type { CodecFault } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { decodeJob, type Job, rowSpan } from '../registry/job.ts'
import type { Backend, Session } from './backend.ts'
import { batchPlan, batchRows } from './batch.ts'
import { type Dataset, type DatasetFault, readRows } from './dataset.ts'
import { addScores, predictions, type Score, score } from './evaluate.ts'
import { type JointFault, openRows, type RowFiles } from './jointRows.ts'
import {
  commitStateBytes,
  decodeState,
  encodeState,
  initialState,
  type ModelState,
  type ModelStateFault,
} from './modelState.ts'

export type TrainTask = {
  readonly kind: 'train'
  /** Canonical bytes of an admitted job. */
  readonly job: Uint8Array
  /** Seed of the batch order. */
  readonly seed: Hash
  readonly fromStep: number
  readonly steps: number
  /** Canonical state before `fromStep`; null: the job's initial one, drawn from the seed. */
  readonly state: Uint8Array | null
  readonly dataset: RowFiles
}

export type TrainResult = {
  /** Commitment to the state before the first step. */
  readonly before: Hash
  /** Canonical state after the last step. */
  readonly state: Uint8Array
  readonly commitment: Hash
  /** Loss of each step, in order. */
  readonly losses: readonly bigint[]
  /** Weights that saturated, over all steps. */
  readonly saturated: number
}

export type EvaluateTask = {
  readonly kind: 'evaluate'
  readonly job: Uint8Array
  /** Canonical state, or the path of a file of it. */
  readonly state: Uint8Array | string
  readonly dataset: RowFiles
  /** @default all rows */
  readonly sample?: RowSample | undefined
}

/** `taken` rows, evenly spaced among the `count` from `first` on. */
export type RowSample = {
  readonly first: number
  readonly count: number
  readonly taken: number
}

export type PredictTask = {
  readonly kind: 'predict'
  readonly job: Uint8Array
  readonly state: Uint8Array
  /** `[rows, n_0]`, each in [−127, 127]. */
  readonly features: Int8Array
}

export type PredictResult = {
  /** Class of each row. */
  readonly classes: Uint32Array
  /** `[rows, n_L]`. */
  readonly outputs: Int8Array
}

export type TrainingTask = TrainTask | EvaluateTask | PredictTask

export type TaskFault =
  | CodecFault
  | ModelStateFault
  | JointFault
  | { readonly code: 'task/features'; readonly expected: number; readonly got: number }
  | { readonly code: 'task/rows'; readonly batch: number; readonly got: number }
  | { readonly code: 'task/steps'; readonly limit: number; readonly got: number }
  | { readonly code: 'task/cancelled'; readonly done: number }

/** Told after each step, or after each chunk of rows. */
export type Progress = {
  readonly done: number
  readonly total: number
  /** Loss of the step just done. */
  readonly loss: bigint
}

/** What carrying out a task needs from the worker around it. */
export type TaskModules = {
  readonly backend: Backend
  readonly openDataset: (path: string) => Result<Dataset, DatasetFault>
  readonly progress: (progress: Progress) => void
  /** Lets messages in, then says whether the task is still wanted. */
  readonly cancelled: () => Promise<boolean>
}

/** Rows of one forward pass of an evaluation. */
const chunkRows = 256

export async function train(
  task: TrainTask,
  modules: TaskModules,
): Promise<Result<TrainResult, TaskFault>> {
  const model = task.state === null ? freshModel(task) : openModel({ ...task, state: task.state })
  if (!model.ok) return model
  const { job, state } = model.value
  const before = commitStateBytes(task.state ?? encodeState(job, state))
  const got = task.fromStep + task.steps
  if (got > job.steps) return refuse({ code: 'task/steps', limit: job.steps, got })
  const dataset = openFitting(task.dataset, job, modules)
  if (!dataset.ok) return dataset
  const { first, count } = rowSpan(job, dataset.value.rows)
  if (first < 0 || count < job.batch)
    return refuse({ code: 'task/rows', batch: job.batch, got: Math.min(dataset.value.rows, count) })
  return withSession(modules.backend, job, state, async (session) => {
    const trained = await trainSteps(session, task, job, dataset.value, modules)
    if (!trained.ok) return trained
    const bytes = encodeState(job, await session.state())
    return ok({ ...trained.value, before, state: bytes, commitment: commitStateBytes(bytes) })
  })
}

export async function evaluate(
  task: EvaluateTask,
  modules: TaskModules,
): Promise<Result<Score, TaskFault>> {
  const bytes = typeof task.state === 'string' ? readFileSync(task.state) : task.state
  const model = openModel({ job: task.job, state: bytes })
  if (!model.ok) return model
  const { job, state } = model.value
  const dataset = openFitting(task.dataset, job, modules)
  if (!dataset.ok) return dataset
  const every = { first: 0, count: dataset.value.rows, taken: dataset.value.rows }
  const { first, count, taken: total } = task.sample ?? every
  return withSession(modules.backend, job, state, async (session) => {
    let sum: Score = { rows: 0, correct: 0, loss: 0n }
    while (sum.rows < total) {
      if (await modules.cancelled()) return refuse({ code: 'task/cancelled', done: sum.rows })
      const length = Math.min(chunkRows, total - sum.rows)
      const indices = Uint32Array.from(
        { length },
        (_, i) => first + Math.floor(((sum.rows + i) * count) / total),
      )
      const rows = readRows(dataset.value, indices)
      if (!rows.ok) return rows
      const outputs = await session.outputs(rows.value)
      sum = addScores(sum, score(outputs, rows.value, job.layers.at(-1)!))
      modules.progress({ done: sum.rows, total, loss: sum.loss })
    }
    return ok(sum)
  })
}

export async function predict(
  task: PredictTask,
  modules: TaskModules,
): Promise<Result<PredictResult, TaskFault>> {
  const model = openModel(task)
  if (!model.ok) return model
  const { job, state } = model.value
  const { features } = task
  const expected = job.layers[0]!
  const count = Math.floor(features.length / expected)
  if (count < 1 || count * expected !== features.length)
    return refuse({ code: 'task/features', expected, got: features.length })
  const lowest = features.indexOf(-128)
  if (lowest !== -1) {
    const [row, column] = [Math.floor(lowest / expected), lowest % expected]
    return refuse({ code: 'dataset/feature', row, column, got: -128 })
  }
  const rows = { count, features, labels: new Uint32Array(count) }
  return withSession(modules.backend, job, state, async (session) => {
    const outputs = await session.outputs(rows)
    return ok({ classes: predictions(outputs, job.layers.at(-1)!), outputs })
  })
}

async function trainSteps(
  session: Session,
  task: TrainTask,
  job: Job,
  dataset: Dataset,
  { progress, cancelled }: TaskModules,
): Promise<Result<Pick<TrainResult, 'losses' | 'saturated'>, TaskFault>> {
  const plan = batchPlan(job, task.seed, dataset.rows)
  const losses: bigint[] = []
  let saturated = 0
  for (let done = 0; done < task.steps; done++) {
    if (await cancelled()) return refuse({ code: 'task/cancelled', done })
    const step = task.fromStep + done
    const rows = readRows(dataset, batchRows(plan, step))
    if (!rows.ok) return rows
    const report = await session.step(step, rows.value)
    losses.push(report.loss)
    saturated += report.saturated
    progress({ done: done + 1, total: task.steps, loss: report.loss })
  }
  return ok({ losses, saturated })
}

type Model = { readonly job: Job; readonly state: ModelState }

function freshModel({ job: bytes, seed }: TrainTask): Result<Model, TaskFault> {
  const job = decodeJob(bytes)
  return job.ok ? ok({ job: job.value, state: initialState(job.value, seed) }) : job
}

function openModel(task: Pick<PredictTask, 'job' | 'state'>): Result<Model, TaskFault> {
  const job = decodeJob(task.job)
  if (!job.ok) return job
  const state = decodeState(job.value, task.state)
  return state.ok ? ok({ job: job.value, state: state.value }) : state
}

/** The dataset in `files`, if its rows fit the model. */
function openFitting(files: RowFiles, job: Job, modules: TaskModules): Result<Dataset, TaskFault> {
  const dataset = openRows(files, modules.openDataset)
  if (!dataset.ok) return dataset
  const { features } = dataset.value
  if (features !== job.layers[0])
    return refuse({ code: 'task/features', expected: job.layers[0]!, got: features })
  return dataset
}

async function withSession<T>(
  backend: Backend,
  job: Job,
  state: ModelState,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await backend.open(job, state)
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}
