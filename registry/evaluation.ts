/**
 * The evaluation of a job: its last lease, on rows that training never saw and that a beacon draws when
 * the weights are fixed. Rules W-70 to W-76 of docs/spec/work.md.
 *
 * The loss of a training step is that of the weights before it. So an evaluation is one step of a job
 * that differs from the trained one in its rows alone, and whose weights nobody keeps: every prover and
 * judge of steps is one of evaluations.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Job, phaseAt, rangeCount } from './job.ts'
import type { JobState } from './jobRecord.ts'
import { addressOfWord, hashOfWord, slotOf } from './layout.ts'
import type { World } from './records.ts'

/** Most rows that one evaluation draws. */
export const maxEvaluationRows = 1_024

/** Loss of one row where all outputs are 0: what a model has that knows nothing and says so. */
export const blankLoss = 4_096n

/** Attempts that an evaluation gets: two drawn ones and two open ones. */
export const evaluationAttempts = 4

/** Leases of a job: its ranges, and the evaluation where rows are held out. */
export function leaseCount(job: Job): number {
  return rangeCount(job) + (job.heldOut === undefined ? 0 : 1)
}

/** Whether lease `range` is the job's evaluation. */
export function isEvaluation(job: Job, range: number): boolean {
  return job.heldOut !== undefined && range === rangeCount(job)
}

/** What lease `range` proves, as steps of a job: itself, or range 0 of its evaluation. */
export function leaseWork(job: Job, range: number): { readonly job: Job; readonly range: number } {
  return isEvaluation(job, range) ? { job: evaluationJob(job), range: 0 } : { job, range }
}

/**
 * The one step whose loss is the trained model's: as many of the held-out rows as a batch may have, the
 * last phase's shifts below, the smallest update. `leaseSteps` stays, for commitments depend on it.
 */
export function evaluationJob(job: Job): Job {
  const { heldOut, ...trained } = job
  const rows = heldOut?.rows ?? 0
  const { backwardShifts } = phaseAt(job, job.steps - 1)
  return {
    ...trained,
    dataset: heldOut?.dataset ?? job.dataset,
    batch: Math.min(rows, maxEvaluationRows),
    steps: 1,
    schedule: [{ fromStep: 0, updateShifts: job.forwardShifts.map(() => 0), backwardShifts }],
    lastRows: rows,
  }
}

/** The seed that orders the rows of lease `range`; zero while it is unknown. */
export function leaseSeed(job: Job, state: JobState, range: number): Hash {
  return isEvaluation(job, range) ? state.evaluationSeed : state.seed
}

/** What an evaluation found. */
export type Evaluation = {
  /** Whose rows they were. */
  readonly dataset: Hash
  readonly rows: number
  /** `Σ (o − 64·y)²` over the rows. */
  readonly loss: bigint
  readonly worker: Address
  readonly height: bigint
}

const fields = ['dataset', 'rows', 'loss', 'worker', 'height'] as const
const place = (job: Hash, field: (typeof fields)[number]): bigint =>
  slotOf('evaluation', job) + BigInt(fields.indexOf(field))

export async function recordEvaluation(world: World, job: Hash, found: Evaluation): Promise<void> {
  for (const field of fields) await world.jobs.put(place(job, field), BigInt(found[field]))
}

/** Null: not evaluated, or not yet. */
export async function readEvaluation(world: World, job: Hash): Promise<Evaluation | null> {
  const get = (field: (typeof fields)[number]) => world.jobs.get(place(job, field))
  const rows = Number(await get('rows'))
  if (rows === 0) return null
  return {
    dataset: hashOfWord(await get('dataset')),
    rows,
    loss: await get('loss'),
    worker: addressOfWord(await get('worker')),
    height: await get('height'),
  }
}
