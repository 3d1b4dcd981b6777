/**
 * What a certificate claims, and who judges it. Every way of proving implements {@link VerifyStep}:
 * succinct proofs (`node/proofJudge.ts`) and re-execution (`node/replay.ts`).
 */
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { RowBlobs } from '../registry/datasets.ts'
import type { Job } from '../registry/job.ts'

/** The statement of one lease: these steps of this job take these weights to those, with these losses. */
export type StepStatement = RowBlobs & {
  /** The job that is paid for the work. */
  readonly jobId: Hash
  /** The job whose steps they are: itself, or its evaluation. */
  readonly job: Job
  /** Seed of initial weights and batch order. */
  readonly seed: Hash
  readonly range: number
  /** Bound into the statement, so that nobody can certify with another's proof. */
  readonly worker: Address
  /** Commitments to the weights before the first and after the last step. */
  readonly before: Hash
  readonly after: Hash
  /** Loss of each step. */
  readonly losses: readonly bigint[]
  /** Content hashes of blobs: weights before (zero: the initial ones) and after. */
  readonly weightsBefore: Hash
  readonly weightsAfter: Hash
  /** BLS keys of who vouches that the blob after holds the weights after; none for `replay`. */
  readonly custodians: readonly Hex[]
}

/**
 * Judge a proof. Total: any bytes give a verdict. A fault whose code starts with `unavailable/` says
 * that this node lacks the data to judge, not that the claim is false.
 */
export type VerifyStep = (
  statement: StepStatement,
  proof: Uint8Array,
  signal: AbortSignal,
) => Promise<Result<'valid', Fault>>
