/**
 * Working a lease: from the chain's state to a claim with its sidecar. One implementation for each kind
 * of proof.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { Dataset } from '../registry/datasets.ts'
import type { Job, ProofKind } from '../registry/job.ts'
import type { JobRecord } from '../registry/jobRecord.ts'
import type { Lease } from '../registry/schedule.ts'
import type { Claim } from '../registry/settlement.ts'

export type LeaseOrder = {
  readonly lease: Lease
  readonly record: JobRecord
  /** The steps: of the job, or of its evaluation. */
  readonly work: { readonly job: Job; readonly range: number; readonly seed: Hash }
  /** The one that the steps draw from. */
  readonly dataset: Dataset
}

export type LeaseResult = {
  readonly claim: Claim
  readonly sidecar: Uint8Array
  readonly trainMs: number
  readonly proveMs: number
}

export type LeaseWork = (
  order: LeaseOrder,
  signal: AbortSignal,
) => Promise<Result<LeaseResult, Fault>>

/** The work of each kind of job. */
export function byProofKind(works: Readonly<Record<ProofKind, LeaseWork>>): LeaseWork {
  return (order, signal) => works[order.record.job.proofKind](order, signal)
}
