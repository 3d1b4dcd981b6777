/**
 * Judging a step proof, cheap checks first: form, the custodians' signature, where the first range
 * starts, and only then the proof, in a child process.
 */
import { fastAggregateVerify } from '../consensus/bls.ts'
import { zeroHash } from '../primitives/hash.ts'
import { type Fault, ok, refuse } from '../primitives/result.ts'
import type { StepStatement, VerifyStep } from '../proof/stepVerifier.ts'
import { encodeJob } from '../registry/job.ts'
import { decodeProofSidecar } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { custodySignBytes } from './custodyMessage.ts'
import type { InitialCommitments } from './initialCommitments.ts'
import { type EnsureBlob, unavailable } from './leaseTraining.ts'
import type { ProofPool } from './proofPool.ts'
import { datasetFileOf, ensureRows } from './rowFiles.ts'

export type ProofJudgeModules = {
  readonly pool: Pick<ProofPool, 'verify'>
  readonly initial: InitialCommitments
  readonly blobs: Pick<BlobStore, 'path'>
  readonly ensureBlob: EnsureBlob
  /** Told how long a proof that holds took. */
  readonly verified: (ms: number) => void
}

/** Whether the custodians signed; an evaluation has none, and zeros in the place of their signature. */
function isVouched(statement: StepStatement, custody: Uint8Array): boolean {
  const { job, jobId: id, range, after, weightsAfter: weights, custodians } = statement
  if (job.lastRows !== undefined) return custody.every((byte) => byte === 0)
  const message = custodySignBytes(job.chainId, { job: id, range, after, weights })
  return fastAggregateVerify(custodians, message, custody)
}

export function createProofJudge(modules: ProofJudgeModules): VerifyStep {
  const { pool, initial, blobs, ensureBlob, verified } = modules

  /** What has no weights before starts from the job's own initial ones; else the chain holds the start. */
  async function startFault({
    jobId,
    job,
    seed,
    weightsBefore,
    before,
  }: StepStatement): Promise<Fault | null> {
    if (weightsBefore !== zeroHash) return null
    const expected = await initial(jobId, job, seed)
    if (!expected.ok) return unavailable(expected.fault).fault
    return expected.value === before
      ? null
      : { code: 'proof/initial', ...{ expected: expected.value, got: before } }
  }

  return async (statement, bytes, signal) => {
    const { job, seed, range, worker, before, after, losses } = statement
    const sidecar = decodeProofSidecar(bytes)
    if (!sidecar.ok) return sidecar
    const { custody, proof } = sidecar.value
    if (!isVouched(statement, custody))
      return refuse({ code: 'custody/signature', custodians: statement.custodians.length })
    const start = await startFault(statement)
    if (start !== null) return refuse(start)
    const there = await ensureRows(statement, ensureBlob, signal)
    if (!there.ok) return refuse({ code: 'unavailable/dataset', blob: statement.datasetBlob })
    const task = {
      job: encodeJob(job),
      statement: { seed, range, worker, before, after, losses },
      proof,
      dataset: datasetFileOf(job.dataset, statement, blobs),
    }
    const judged = await pool.verify(task, { signal })
    if (!judged.ok) return unavailable(judged.fault)
    if (judged.value.fault !== null) return refuse(judged.value.fault)
    verified(judged.value.verifyMs)
    return ok('valid')
  }
}
