/**
 * From a `Jobs.certify` transaction to the statement that its proof must prove, as the state at a head
 * has it.
 */
import { encodeFunctionData } from 'viem'
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { StepStatement } from '../proof/stepVerifier.ts'
import { custodiansOf, custodyFault, custodyOf } from '../registry/custody.ts'
import { readDataset, rowBlobsOf } from '../registry/datasets.ts'
import { leaseSeed, leaseWork } from '../registry/evaluation.ts'
import { type JobRecord, readJob } from '../registry/jobRecord.ts'
import type { World } from '../registry/records.ts'
import { nextLease } from '../registry/schedule.ts'
import { type ClaimFault, judgeClaim } from '../registry/settlement.ts'
import type { Validator } from '../registry/validatorSet.ts'
import { type CertifyCall, certifyCallOf } from '../vm/modules/jobs.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { decodeCall } from '../vm/natives.ts'

/** Calldata of `Jobs.certify`. */
export function encodeCertify(call: CertifyCall): Hex {
  return encodeFunctionData({
    abi: jobsAbi,
    functionName: 'certify',
    args: [
      call.job,
      call.range,
      call.before,
      call.after,
      call.weights,
      call.losses,
      call.custodians,
      call.sidecar,
    ],
  })
}

/** Reads calldata; null for anything but a canonical `certify`. */
export function decodeCertify(data: Uint8Array): CertifyCall | null {
  const call = decodeCall(jobsAbi, data)
  return call?.functionName === 'certify' ? certifyCallOf(call.args) : null
}

export type StatementFault = ClaimFault | { readonly code: 'unavailable/seed'; readonly job: Hash }

/**
 * The statement of `call`, if the block after `head` could settle it. Faults that a later head may mend
 * are told apart by {@link isEarly}.
 */
export async function statementOf(
  world: World,
  params: ChainParams,
  head: bigint,
  call: CertifyCall,
  worker: Address,
): Promise<Result<StepStatement, StatementFault>> {
  const record = await readJob(world, call.job)
  if (record === null) return refuse({ code: 'jobs/unknown', id: call.job })
  const lease = await nextLease(world, params, record, head)
  const custody = lease && (await custodyOf(world, params, record.job, lease, head))
  const fault =
    judgeClaim(record, call, lease, worker, head + 1n) ??
    custodyFault(custody, call.custodians, head + 1n)
  if (fault !== null) return refuse(fault)
  const custodians = custody === null ? [] : custodiansOf(custody, call.custodians)
  return describe(world, record, call, worker, custodians)
}

/** Whether a certificate refused for `fault` may be right for a head that this node has not seen yet. */
export function isEarly(fault: Fault): boolean {
  if (fault.code === 'jobs/tooEarly' || fault.code === 'jobs/unknown') return true
  const { expected, got } = fault as Partial<{ expected: unknown; got: unknown }>
  const ahead = typeof expected === 'bigint' && typeof got === 'bigint' && got === expected + 1n
  return fault.code === 'jobs/otherRange' && ahead
}

async function describe(
  world: World,
  { id, job, state }: JobRecord,
  call: CertifyCall,
  worker: Address,
  custodians: readonly Validator[],
): Promise<Result<StepStatement, StatementFault>> {
  const work = leaseWork(job, call.range)
  const seed = leaseSeed(job, state, call.range)
  const dataset = await readDataset(world, work.job.dataset)
  if (dataset === null || seed === zeroHash) return refuse({ code: 'unavailable/seed', job: id })
  return ok({
    jobId: id,
    ...work,
    seed,
    worker,
    before: call.before,
    after: call.after,
    losses: call.losses,
    weightsBefore: state.weights,
    weightsAfter: call.weights,
    ...rowBlobsOf(dataset),
    custodians: custodians.map(({ publicKey }) => publicKey),
  })
}
