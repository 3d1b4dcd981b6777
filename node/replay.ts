/**
 * Judging by re-execution: the leased steps are trained again from the published weights, bit for bit.
 * The judge of `replay` jobs, and the second judge of every other kind in tests.
 */
import type { TrainResult } from '../compute/trainingTask.ts'
import { type Fault, ok, refuse } from '../primitives/result.ts'
import type { StepStatement, VerifyStep } from '../proof/stepVerifier.ts'
import { decodeReplaySidecar, type ReplaySidecar } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { type TrainLease, unavailable } from './leaseTraining.ts'

export type ReplayModules = {
  readonly train: TrainLease
  readonly blobs: Pick<BlobStore, 'put'>
}

export function createReplay({ train, blobs }: ReplayModules): VerifyStep {
  return async (statement, proof, signal) => {
    const sidecar = decodeReplaySidecar(proof)
    if (!sidecar.ok) return sidecar
    const claimed = sidecarFault(statement, sidecar.value)
    if (claimed !== null) return refuse(claimed)
    const trained = await train(statement, signal)
    if (!trained.ok) return trained
    const fault = compare(statement, trained.value)
    if (fault !== null) return refuse(fault)
    // An evaluation leaves the weights as they were, which the chain has checked.
    if (statement.job.lastRows !== undefined) return ok('valid')
    const kept = await blobs.put(trained.value.state)
    if (!kept.ok) return unavailable(kept.fault)
    return kept.value === statement.weightsAfter
      ? ok('valid')
      : refuse(differ('replay/weights', kept.value, statement.weightsAfter))
  }
}

/** Two things that should be equal. */
type Difference = Fault & { readonly expected: unknown; readonly got: unknown }

function differ(code: string, expected: unknown, got: unknown): Difference {
  return { code, expected, got }
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
