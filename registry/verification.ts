/**
 * What judging a certificate costs, from the job's shapes alone: known before any proof byte is read,
 * so that blocks can be bounded and gas priced.
 */
import { type Job, ProofKind, rangeSteps, stepMacs } from './job.ts'

/** Multiply-accumulates that re-execution is taken to do in a millisecond. */
const replayMacsPerMs = 4_000_000n

const baseGas = 80_000n
const gasPerMs = 12_000n

/** Whether this version of the chain accepts jobs of the kind. */
export function isProofAvailable(kind: ProofKind): boolean {
  return kind === ProofKind.Replay
}

/** Estimated milliseconds to judge a certificate of `range`; at least 1. */
export function verifyMs(job: Job, range: number): bigint {
  const { count } = rangeSteps(job, range)
  const macs = BigInt(Math.max(count, 0)) * stepMacs(job)
  return macs / replayMacsPerMs + 1n
}

/** Gas of `Jobs.certify` on top of its storage and logs. */
export function certifyGas(job: Job, range: number): bigint {
  return baseGas + gasPerMs * verifyMs(job, range)
}
