/**
 * Commitments to the initial weights of jobs: what the first range of a proven job must start from.
 * Worked out once per job, ahead of the first certificate.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Fault } from '../primitives/result.ts'
import { ok, type Result } from '../primitives/result.ts'
import { encodeJob, type Job } from '../registry/job.ts'
import type { ProofPool } from './proofPool.ts'

export type InitialCommitments = (id: Hash, job: Job, seed: Hash) => Promise<Result<Hash, Fault>>

/** Jobs remembered; the oldest have long begun. */
const maxJobs = 256

export function createInitialCommitments(pool: Pick<ProofPool, 'commit'>): InitialCommitments {
  const known = new Map<Hash, Promise<Result<Hash, Fault>>>()

  async function work(id: Hash, job: Job, seed: Hash): Promise<Result<Hash, Fault>> {
    const committed = await pool.commit({ job: encodeJob(job), state: seed })
    if (committed.ok) return ok(committed.value.commitment)
    known.delete(id)
    return committed
  }

  return (id, job, seed) => {
    const found = known.get(id)
    if (found !== undefined) return found
    const commitment = work(id, job, seed)
    known.set(id, commitment)
    if (known.size > maxJobs) known.delete(known.keys().next().value!)
    return commitment
  }
}
