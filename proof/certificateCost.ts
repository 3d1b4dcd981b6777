/**
 * What judging a certificate costs, from the job's shapes alone: known before any proof byte is read,
 * so that blocks can be bounded and gas priced. Rules W-60 to W-62 of docs/spec/work.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { leaseCount, leaseWork } from '../registry/evaluation.ts'
import { type Job, ProofKind, rangeCount, rangeSteps, stepMacs } from '../registry/job.ts'
import { proofSidecarOverhead, replaySidecarBytes } from '../registry/sidecar.ts'
import { remembering } from './memo.ts'
import { shapeKey, shapeOf } from './parameters.ts'
import { largestProof } from './proof.ts'

export type CertificateCost = {
  /** No sidecar of the range is longer. */
  readonly sidecarBytes: number
  /** Estimated; at least 1. */
  readonly verifyMs: bigint
}

export type CostFault = {
  readonly code: 'jobs/outOfRange'
  readonly field: 'sidecarBytes' | 'verifyMs'
  readonly got: bigint
  readonly min: bigint
  readonly max: bigint
}

/** Multiply-accumulates that re-execution is taken to do in a millisecond. */
const replayMacsPerMs = 4_000_000n

/** Of a proof: every job's part, bytes of proof and features of rows that take a millisecond. */
const proofBaseMs = 10
const proofBytesPerMs = 16_384
const featuresPerMs = 16_384

const baseGas = 80_000n
const gasPerMs = 12_000n

/** The most milliseconds that the gas of one transaction pays, EIP-7825, its other work allowed for. */
const maxVerifyMs = 1_100n

/** Cost of a certificate of lease `range`, which the job must have. */
export function certificateCost(trained: Job, lease: number): CertificateCost {
  const { job, range } = leaseWork(trained, lease)
  return job.proofKind === ProofKind.Replay ? replayCost(job, range) : proofCost(job, range)
}

function replayCost(job: Job, range: number): CertificateCost {
  const macs = BigInt(rangeSteps(job, range).count) * stepMacs(job)
  return { sidecarBytes: replaySidecarBytes, verifyMs: macs / replayMacsPerMs + 1n }
}

function proofCost(job: Job, range: number): CertificateCost {
  const bytes = knownBytes(shapeKey(job, range), () =>
    Math.max(...[false, true].map((dense) => largestProof(shapeOf(job, range, dense)))),
  )
  const features = rangeSteps(job, range).count * job.batch * job.layers[0]!
  const ms = proofBaseMs + bytes / proofBytesPerMs + features / featuresPerMs
  return { sidecarBytes: bytes + proofSidecarOverhead, verifyMs: BigInt(Math.ceil(ms)) }
}

/** Bytes of the largest proof by shape: blocks, pools and fees ask for the same few jobs. */
const knownBytes = remembering<number>(256)

/** Gas of `Jobs.certify` on top of its storage and logs; the least for a range that there is not. */
export function certifyGas(job: Job, range: number): bigint {
  if (range >= leaseCount(job)) return baseGas
  return baseGas + gasPerMs * certificateCost(job, range).verifyMs
}

/** Whether some range's certificate could never be paid, sent or judged in a block. */
export function costFault(job: Job, params: ChainParams): CostFault | null {
  const [last, end] = [rangeCount(job) - 1, leaseCount(job) - 1]
  const ends = new Set([0, ...job.schedule.map(phaseRange(job)), last, end])
  for (const range of ends) {
    const { sidecarBytes, verifyMs } = certificateCost(job, range)
    const blockMs = BigInt(params.maxVerifyMs)
    const fault =
      above('sidecarBytes', BigInt(sidecarBytes), BigInt(params.maxSidecarBytes)) ??
      above('verifyMs', verifyMs, blockMs < maxVerifyMs ? blockMs : maxVerifyMs)
    if (fault !== null) return fault
  }
  return null
}

/** The range that holds a phase's first step: ranges within one phase cost the same. */
function phaseRange(job: Job): (phase: { readonly fromStep: number }) => number {
  return ({ fromStep }) => Math.min(Math.floor(fromStep / job.leaseSteps), rangeCount(job) - 1)
}

function above(field: CostFault['field'], got: bigint, max: bigint): CostFault | null {
  return got > max ? { code: 'jobs/outOfRange', field, got, min: 1n, max } : null
}
