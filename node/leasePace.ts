/**
 * How long leases take on this machine, told by the last of each kind of proof.
 */
import type { Job, ProofKind } from '../registry/job.ts'
import { rangeSteps, stepMacs } from '../registry/job.ts'

export type LeasePace = {
  /** A lease took `ms` from the first step to the certificate. */
  readonly learn: (work: Worked, ms: number) => void
  /** Milliseconds that a lease should take; null before the first of its kind. */
  readonly expect: (work: Worked) => number | null
}

export type Worked = { readonly job: Job; readonly range: number }

export function createLeasePace(): LeasePace {
  const msPerMac = new Map<ProofKind, number>()
  return {
    learn: ({ job, range }, ms) => void msPerMac.set(job.proofKind, ms / macsOf(job, range)),
    expect: ({ job, range }) => {
      const pace = msPerMac.get(job.proofKind)
      return pace === undefined ? null : pace * macsOf(job, range)
    },
  }
}

function macsOf(job: Job, range: number): number {
  return rangeSteps(job, range).count * Number(stepMacs(job))
}
