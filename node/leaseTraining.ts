/**
 * Training one lease from published data: what a worker does to earn it and a judge to check it.
 */
import { stateBytes } from '../compute/modelState.ts'
import type { Timed, TrainingPool } from '../compute/trainingPool.ts'
import type { TrainResult } from '../compute/trainingTask.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { StepStatement } from '../proof/stepVerifier.ts'
import { encodeJob, rangeSteps } from '../registry/job.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { ensureRows, rowFilesOf } from './rowFiles.ts'

/** A blob's bytes brought here if they are anywhere, unless there are more than `maxBytes`. */
export type EnsureBlob = (
  hash: Hash,
  signal: AbortSignal,
  maxBytes?: number,
) => Promise<Result<null, Fault>>

export type LeaseTrainingModules = {
  readonly pool: Pick<TrainingPool, 'train'>
  readonly blobs: Pick<BlobStore, 'readAll' | 'path'>
  readonly ensureBlob: EnsureBlob
}

export type LeaseInputs = Pick<
  StepStatement,
  'job' | 'seed' | 'range' | 'weightsBefore' | 'datasetBlob' | 'joint'
>

/**
 * Train the steps of a range. Every fault's code starts with `unavailable/`: it is about this node's
 * data and machine, never about what somebody claims.
 */
export type TrainLease = (
  inputs: LeaseInputs,
  signal: AbortSignal,
) => Promise<Result<TrainResult & Timed, Fault>>

export function createLeaseTraining(modules: LeaseTrainingModules): TrainLease {
  const { pool, blobs, ensureBlob } = modules

  async function weightsBefore(
    { job, weightsBefore: blob }: LeaseInputs,
    signal: AbortSignal,
  ): Promise<Result<Uint8Array | null, Fault>> {
    if (blob === zeroHash) return ok(null)
    const there = await ensureBlob(blob, signal)
    if (!there.ok) return refuse({ code: 'unavailable/weights', blob })
    const bytes = await blobs.readAll(blob, stateBytes(job))
    return bytes.ok ? bytes : unavailable(bytes.fault)
  }

  return async (inputs, signal) => {
    const { job, seed, range, datasetBlob } = inputs
    const dataset = await ensureRows(inputs, ensureBlob, signal)
    if (!dataset.ok) return refuse({ code: 'unavailable/dataset', blob: datasetBlob })
    const state = await weightsBefore(inputs, signal)
    if (!state.ok) return state
    const { from, count } = rangeSteps(job, range)
    const task = {
      job: encodeJob(job),
      seed,
      fromStep: from,
      steps: count,
      state: state.value,
      dataset: rowFilesOf(inputs, blobs),
    }
    const trained = await pool.train(task, { signal })
    return trained.ok ? trained : unavailable(trained.fault)
  }
}

/** Our own trouble, told apart from a false claim. */
export function unavailable(fault: Fault): { readonly ok: false; readonly fault: Fault } {
  return refuse({ ...fault, code: `unavailable/${fault.code}` })
}
