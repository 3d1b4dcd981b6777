/**
 * Judging a step proof, cheap checks first: form, the custodians' signature, where the first range
 * starts, and only then the proof, in a child process.
 */
import { fastAggregateVerify } from '../consensus/bls.ts'
import { type Fault, ok, refuse } from '../primitives/result.ts'
import type { StepStatement, VerifyStep } from '../proof/stepVerifier.ts'
import { encodeJob } from '../registry/job.ts'
import { decodeProofSidecar } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { custodySignBytes } from './custodyMessage.ts'
import type { InitialCommitments } from './initialCommitments.ts'
import { type EnsureBlob, unavailable } from './leaseTraining.ts'
import type { ProofPool } from './proofPool.ts'

export type ProofJudgeModules = {
  readonly pool: Pick<ProofPool, 'verify'>
  readonly initial: InitialCommitments
  readonly blobs: Pick<BlobStore, 'path'>
  readonly ensureBlob: EnsureBlob
  /** Told how long a proof that holds took. */
  readonly verified: (ms: number) => void
}

export function createProofJudge(modules: ProofJudgeModules): VerifyStep {
  const { pool, initial, blobs, ensureBlob, verified } = modules

  /** Later ranges start from what the chain holds; the first from the job's own initial weights. */
  async function startFault({
    jobId,
    job,
    seed,
    range,
    before,
  }: StepStatement): Promise<Fault | null> {
    if (range > 0) return null
    const expected = await initial(jobId, job, seed)
    if (!expected.ok) return unavailable(expected.fault).fault
    return expected.value === before
      ? null
      : { code: 'proof/initial', ...{ expected: expected.value, got: before } }
  }

  return async (statement, bytes, signal) => {
    const { job, jobId, seed, range, worker, before, after, losses } = statement
    const sidecar = decodeProofSidecar(bytes)
    if (!sidecar.ok) return sidecar
    const { custody, proof } = sidecar.value
    const vouched = { job: jobId, range, after, weights: statement.weightsAfter }
    const message = custodySignBytes(job.chainId, vouched)
    if (!fastAggregateVerify(statement.custodians, message, custody))
      return refuse({ code: 'custody/signature', custodians: statement.custodians.length })
    const start = await startFault(statement)
    if (start !== null) return refuse(start)
    const there = await ensureBlob(statement.datasetBlob, signal)
    if (!there.ok) return refuse({ code: 'unavailable/dataset', blob: statement.datasetBlob })
    const task = {
      job: encodeJob(job),
      statement: { seed, range, worker, before, after, losses },
      proof,
      dataset: { path: blobs.path(statement.datasetBlob), root: job.dataset },
    }
    const judged = await pool.verify(task, { signal })
    if (!judged.ok) return unavailable(judged.fault)
    if (judged.value.fault !== null) return refuse(judged.value.fault)
    verified(judged.value.verifyMs)
    return ok('valid')
  }
}
