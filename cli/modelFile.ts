/**
 * A trained model as one file: the job that made it and its weights, enough to predict without a node.
 *
 * `WGLMODL1`, the canonical job (length-prefixed), the canonical state (length-prefixed).
 */
import { decodeState, type ModelState } from '../compute/modelState.ts'
import { weightsCommitment } from '../node/weightsCommitment.ts'
import type { ChainParams } from '../params/chainParams.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { decode, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import { admitJob } from '../registry/admission.ts'
import { decodeJob, encodeJob, type Job } from '../registry/job.ts'

export type Model = {
  readonly job: Job
  readonly state: ModelState
  /** Commitment to the weights, as certificates name it. */
  readonly commitment: Hash
}

const magic = utf8ToBytes('WGLMODL1')
const maxJobBytes = 1_048_576
const maxStateBytes = 4_294_967_295

/** Parameters that bound nothing but what every chain must. */
const anyPrice = {
  basePrice: 0n,
  macsPerBlock: 1n << 128n,
  elementsPerBlock: 1n << 128n,
  replayMacsCap: 1n << 128n,
} as ChainParams

/** @param state - canonical bytes, see `compute/modelState.ts`. */
export function encodeModel(job: Job, state: Uint8Array): Uint8Array {
  return new Writer().fixed(magic).blob(encodeJob(job)).blob(state).bytes()
}

/** The job in a file from elsewhere, if a chain could have admitted it, whatever it cost there. */
export function readForeignJob(bytes: Uint8Array): Result<Job, Fault> {
  const job = decodeJob(bytes)
  return job.ok ? admitJob(job.value, anyPrice) : job
}

export function decodeModel(bytes: Uint8Array): Result<Model, Fault> {
  const parts = decode(bytes, (reader) => {
    const start = reader.fixed(magic.length)
    if (!start.every((byte, i) => byte === magic[i])) reader.fail('not a waggle model')
    return { job: reader.blob(maxJobBytes), state: reader.blob(maxStateBytes) }
  })
  if (!parts.ok) return parts
  const job = readForeignJob(parts.value.job)
  if (!job.ok) return job
  const state = decodeState(job.value, parts.value.state)
  if (!state.ok) return state
  const commitment = weightsCommitment(job.value, parts.value.state)
  if (!commitment.ok) return commitment
  return ok({ job: job.value, state: state.value, commitment: commitment.value })
}
