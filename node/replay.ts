/**
 * Judging by re-execution: the leased steps are trained again from the published weights, bit for bit.
 * The judge of `replay` jobs, and the second judge of every other kind in tests.
 */
import { stateBytes } from '../compute/modelState.ts'
import type { TrainingPool } from '../compute/trainingPool.ts'
import type { TrainResult } from '../compute/trainingTask.ts'
import type { Hash } from '../primitives/hash.ts'
import { zeroHash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { StepStatement, VerifyStep } from '../proof/stepVerifier.ts'
import { encodeJob, rangeSteps } from '../registry/job.ts'
import { decodeReplaySidecar, type ReplaySidecar } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'

/** A blob's bytes brought here if they are anywhere. */
export type EnsureBlob = (hash: Hash, signal: AbortSignal) => Promise<Result<null, Fault>>

export type ReplayModules = {
  readonly pool: Pick<TrainingPool, 'train'>
  readonly blobs: Pick<BlobStore, 'put' | 'readAll' | 'path'>
  readonly ensureBlob: EnsureBlob
}

export function createReplay({ pool, blobs, ensureBlob }: ReplayModules): VerifyStep {
  async function weightsBefore(
    statement: StepStatement,
    signal: AbortSignal,
  ): Promise<Result<Uint8Array | null, Fault>> {
    if (statement.weightsBefore === zeroHash) return ok(null)
    const there = await ensureBlob(statement.weightsBefore, signal)
    if (!there.ok) return refuse({ code: 'unavailable/weights', blob: statement.weightsBefore })
    return blobs.readAll(statement.weightsBefore, stateBytes(statement.job))
  }

  /** Train the leased steps again. */
  async function retrain(statement: StepStatement, signal: AbortSignal): Promise<Retrained> {
    const dataset = await ensureBlob(statement.datasetBlob, signal)
    if (!dataset.ok) return refuse({ code: 'unavailable/dataset', blob: statement.datasetBlob })
    const before = await weightsBefore(statement, signal)
    if (!before.ok) return before
    const { from, count } = rangeSteps(statement.job, statement.range)
    const task = {
      job: encodeJob(statement.job),
      seed: statement.seed,
      fromStep: from,
      steps: count,
      state: before.value,
      dataset: blobs.path(statement.datasetBlob),
    }
    const trained = await pool.train(task, { signal })
    return trained.ok ? trained : unavailable(trained.fault)
  }

  return async (statement, proof, signal) => {
    const sidecar = decodeReplaySidecar(proof)
    if (!sidecar.ok) return sidecar
    const claimed = sidecarFault(statement, sidecar.value)
    if (claimed !== null) return refuse(claimed)
    const trained = await retrain(statement, signal)
    if (!trained.ok) return trained
    const fault = compare(statement, trained.value)
    if (fault !== null) return refuse(fault)
    const kept = await blobs.put(trained.value.state)
    if (!kept.ok) return unavailable(kept.fault)
    return kept.value === statement.weightsAfter
      ? ok('valid')
      : refuse(differ('replay/weights', kept.value, statement.weightsAfter))
  }
}

type Retrained = Result<TrainResult, Fault>

/** Two things that should be equal. */
type Difference = Fault & { readonly expected: unknown; readonly got: unknown }

function differ(code: string, expected: unknown, got: unknown): Difference {
  return { code, expected, got }
}

/** Our own trouble, which says nothing about the claim. */
function unavailable(fault: Fault): { readonly ok: false; readonly fault: Fault } {
  return refuse({ ...fault, code: `unavailable/${fault.code}` })
}

function sidecarFault(
  statement: StepStatement,
  { worker, after }: ReplaySidecar,
): Difference | null {
  if (worker !== statement.worker) return differ('replay/worker', statement.worker, worker)
  if (after !== statement.after) return differ('replay/after', statement.after, after)
  return null
}

/** The first thing in which a claim differs from what we computed. */
function compare(statement: StepStatement, trained: TrainResult): Difference | null {
  if (trained.before !== statement.before)
    return differ('replay/before', trained.before, statement.before)
  const step = trained.losses.findIndex((loss, i) => loss !== statement.losses[i])
  if (step !== -1)
    return { ...differ('replay/loss', trained.losses[step], statement.losses[step]), ...{ step } }
  if (trained.commitment !== statement.after)
    return differ('replay/state', trained.commitment, statement.after)
  return null
}
