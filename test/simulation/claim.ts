/**
 * A certificate for the lease that `worker` holds at a chain's head, whoever did the work.
 */
import type { Chain } from '../../chain/chain.ts'
import type { Address } from '../../primitives/address.ts'
import { type Hash, hashOf, zeroHash } from '../../primitives/hash.ts'
import { rangeSteps } from '../../registry/job.ts'
import { type JobRecord, readJob } from '../../registry/jobRecord.ts'
import { assignSteps } from '../../registry/schedule.ts'
import { sidecarName } from '../../registry/sidecar.ts'
import type { CertifyCall } from '../../vm/modules/jobs.ts'

/** What a certificate says has come out of the work. */
export type Claimed = Pick<CertifyCall, 'after' | 'weights' | 'losses'>

export type HeldLease = { readonly record: JobRecord; readonly range: number }

/** The lease that `worker` may settle next, or null. Its work can be done. */
export async function leaseOf(chain: Chain, worker: Address): Promise<HeldLease | null> {
  const { height } = chain.head()
  const records = (await chain.readAt(height))!.world
  const leases = await assignSteps(records, chain.rules.params, height)
  const lease = leases.find(({ able }) => able.includes(worker))
  const record = lease && (await readJob(records, lease.job))
  if (!lease || !record || record.state.range !== lease.range) return null
  // Blocks have yet to draw it.
  if (record.state.seed === zeroHash) return null
  return { record, range: lease.range }
}

/** The call that claims it; all four members of the set are said to vouch for the weights. */
export function claimOfLease(
  { record, range }: HeldLease,
  claimed: Claimed,
  sidecar: Uint8Array,
): CertifyCall {
  return {
    job: record.id,
    range,
    before: record.state.commitment,
    ...claimed,
    custodians: 0b1111n,
    sidecar: sidecarName(sidecar),
  }
}

/** Of work that nobody has done. */
export function madeUp({ record, range }: HeldLease, sidecar: Uint8Array): Claimed {
  const { count } = rangeSteps(record.job, range)
  return {
    after: named('after', sidecar),
    weights: named('weights', sidecar),
    losses: Array.from({ length: count }, () => 1n),
  }
}

function named(tag: string, sidecar: Uint8Array): Hash {
  return hashOf(tag, sidecar)
}
