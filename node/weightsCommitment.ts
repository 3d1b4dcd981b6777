/**
 * The commitment to weights that certificates of a job name: for proven jobs the root of the proof's
 * tree over them, for replayed ones a hash.
 */
import { commitStateBytes, decodeState, type ModelStateFault } from '../compute/modelState.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result } from '../primitives/result.ts'
import type { Kernels } from '../proof/kernels.ts'
import { commitWeights } from '../proof/prover.ts'
import { openWasmKernels } from '../proof/wasmKernels.ts'
import { type Job, ProofKind } from '../registry/job.ts'

let kernels: Kernels | null = null

/** @param bytes - canonical bytes of the weights, see `compute/modelState.ts`. */
export function weightsCommitment(job: Job, bytes: Uint8Array): Result<Hash, ModelStateFault> {
  const state = decodeState(job, bytes)
  if (!state.ok) return state
  if (job.proofKind === ProofKind.Replay) return ok(commitStateBytes(bytes))
  kernels ??= openWasmKernels()
  return ok(commitWeights(job, state.value, kernels))
}
