/**
 * The book of jobs: opening with escrow, the queue, seeds, cancelling, finishing.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, zeroAddress } from '../primitives/address.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type AdmissionFault, admitJob } from './admission.ts'
import { type Dataset, readDataset } from './datasets.ts'
import { evaluationJob, isEvaluation, leaseCount, leaseSeed } from './evaluation.ts'
import { type Job, jobIdOf, rowSpan, stepMacs } from './job.ts'
import { type JobRecord, JobStatus, readJob, writeJobBytes, writeJobState } from './jobRecord.ts'
import { hashOfWord, listItems, listLength, listPush, listRemove, slotOf } from './layout.ts'
import { burn } from './ledger.ts'
import { registerModel } from './models.ts'
import { basePriceOf } from './prices.ts'
import type { World } from './records.ts'
import { attemptAt, drawnAttempts } from './schedule.ts'
import { dropWaiting, maxWaiting, pushWaiting, takeWaiting, waitingCount } from './waitingJobs.ts'

export type JobFault =
  | AdmissionFault
  | { readonly code: 'jobs/unknown'; readonly id: Hash }
  | { readonly code: 'jobs/unknownDataset'; readonly dataset: Hash }
  | {
      readonly code: 'jobs/datasetMismatch'
      readonly field: string
      readonly expected: bigint
      readonly got: bigint
    }
  | { readonly code: 'jobs/wrongEscrow'; readonly required: bigint; readonly got: bigint }
  | { readonly code: 'jobs/queueFull'; readonly max: bigint }
  | { readonly code: 'jobs/notOwner'; readonly owner: Address }
  | { readonly code: 'jobs/notRunning'; readonly id: Hash }

/** What a whole job costs its owner besides the open fee, wei. */
export function totalFee(job: Job, params: ChainParams): bigint {
  const evaluation = job.heldOut === undefined ? 0n : stepMacs(evaluationJob(job))
  return (
    (BigInt(job.steps) * stepMacs(job) + evaluation) * job.pricePerMac +
    BigInt(leaseCount(job)) * params.certificateFee
  )
}

/** How many jobs `owner` has opened: the nonce of its next. */
export function nextJobNonce(world: World, owner: Address): Promise<bigint> {
  return world.jobs.get(slotOf('jobNonce', owner))
}

/**
 * Open a job. `wei` came with the call and is in the module's account: the whole fee and the open fee,
 * to the wei. Returns the job's name.
 */
export async function openJob(
  world: World,
  params: ChainParams,
  job: Job,
  wei: bigint,
  height: bigint,
): Promise<Result<Hash, JobFault>> {
  const admitted = admitJob(job, { ...params, basePrice: await basePriceOf(world, params) })
  if (!admitted.ok) return admitted
  const dataset = await readDataset(world, job.dataset)
  if (dataset === null) return refuse({ code: 'jobs/unknownDataset', dataset: job.dataset })
  const judges = await readDataset(world, job.heldOut?.dataset ?? job.dataset)
  if (judges === null) return refuse({ code: 'jobs/unknownDataset', dataset: job.heldOut!.dataset })
  const mismatch =
    datasetFault(job, dataset) ??
    (job.heldOut === undefined ? null : datasetFault(evaluationJob(job), judges))
  if (mismatch !== null) return refuse(mismatch)
  const escrow = totalFee(job, params)
  const required = escrow + params.openFee
  if (wei !== required) return refuse({ code: 'jobs/wrongEscrow', required, got: wei })

  const active = (await listLength(world.jobs, 'active')) < params.maxActiveJobs
  if (!active && (await waitingCount(world)) >= maxWaiting)
    return refuse({ code: 'jobs/queueFull', max: BigInt(maxWaiting) })

  const id = jobIdOf(job)
  await world.jobs.put(slotOf('jobNonce', job.owner), job.nonce + 1n)
  await writeJobBytes(world, id, job)
  await writeJobState(world, id, {
    status: JobStatus.Waiting,
    openedAt: height,
    seed: zeroHash,
    range: 0,
    rangeSince: height,
    escrow,
    commitment: zeroHash,
    weights: zeroHash,
    declinedBy: zeroAddress,
    missesPaid: 0,
    cancelRequested: false,
    evaluationSeed: zeroHash,
  })
  await listPush(world.jobs, BigInt(id), 'jobs')
  await burn(world, moduleAddresses.jobs, params.openFee)
  if (active) await activate(world, id, height)
  else await pushWaiting(world, id, job.pricePerMac, height)
  return ok(id)
}

function datasetFault(job: Job, dataset: Dataset): JobFault | null {
  const inputs = job.layers[0]!
  const outputs = job.layers.at(-1)!
  const fault = (field: string, expected: number, got: number) =>
    ({
      code: 'jobs/datasetMismatch',
      field,
      expected: BigInt(expected),
      got: BigInt(got),
    }) as const
  if (inputs !== dataset.features) return fault('features', dataset.features, inputs)
  if (outputs < dataset.classes) return fault('classes', dataset.classes, outputs)
  const least = job.lastRows ?? job.batch
  if (least > dataset.rows) return fault('rows', dataset.rows, least)
  const { count } = rowSpan(job, dataset.rows)
  return job.batch > count ? fault('rows', Math.max(count, 0), job.batch) : null
}

async function activate(world: World, id: Hash, height: bigint): Promise<void> {
  await listPush(world.jobs, BigInt(id), 'active')
  await listPush(world.jobs, BigInt(id), 'unseeded')
  await writeJobState(world, id, { status: JobStatus.Active, rangeSince: height })
}

/** The last step is certified: the rows of the evaluation are drawn in two blocks. */
export async function awaitEvaluation(world: World, id: Hash): Promise<void> {
  await listPush(world.jobs, BigInt(id), 'unseeded')
}

/**
 * Give every job that became active, or whose weights were fixed, two blocks ago its seed, from the
 * beacon it could not foresee.
 */
export async function seedJobs(world: World, height: bigint, mixHash: Hash): Promise<void> {
  for (const word of await listItems(world.jobs, 'unseeded')) {
    const record = await readJob(world, hashOfWord(word))
    if (record === null || record.state.rangeSince + 2n > height) continue
    const evaluates = isEvaluation(record.job, record.state.range)
    const seed = evaluates ? { evaluationSeed: mixHash } : { seed: mixHash }
    await writeJobState(world, record.id, seed)
    await listRemove(world.jobs, word, 'unseeded')
  }
}

/**
 * Ask for the end of a job. It takes effect when the running range settles, or at once where the range
 * is beyond its drawn holders or the job still waits. Returns the refund, or null if it is yet to come.
 */
export async function cancelJob(
  world: World,
  params: ChainParams,
  id: Hash,
  caller: Address,
  height: bigint,
): Promise<Result<bigint | null, JobFault>> {
  const record = await readJob(world, id)
  if (record === null) return refuse({ code: 'jobs/unknown', id })
  const { job, state } = record
  if (job.owner !== caller) return refuse({ code: 'jobs/notOwner', owner: job.owner })
  if (isEvaluation(job, state.range)) return refuse({ code: 'jobs/notRunning', id })
  if (state.status === JobStatus.Waiting || isStale(record, params, height))
    return ok(await endJob(world, params, record, JobStatus.Cancelled, height))
  if (state.status !== JobStatus.Active) return refuse({ code: 'jobs/notRunning', id })
  await writeJobState(world, id, { cancelRequested: true })
  return ok(null)
}

function isStale(record: JobRecord, params: ChainParams, height: bigint): boolean {
  return (
    record.state.status === JobStatus.Active && attemptAt(record, params, height) >= drawnAttempts
  )
}

/**
 * End a job: finished jobs get all their unspent escrow back and their model registered; a cancelled
 * one pays 1 % of it, burned. Returns the refund.
 */
export async function endJob(
  world: World,
  params: ChainParams,
  record: JobRecord,
  status: typeof JobStatus.Finished | typeof JobStatus.Cancelled,
  height: bigint,
): Promise<bigint> {
  const { id, job, state } = record
  const kept = status === JobStatus.Cancelled ? (state.escrow + 99n) / 100n : 0n
  await burn(world, moduleAddresses.jobs, kept)
  const refund = state.escrow - kept
  if (refund > 0n) await world.purse.transfer(moduleAddresses.jobs, job.owner, refund)
  await writeJobState(world, id, { status, escrow: 0n })
  if (state.status === JobStatus.Waiting) await dropWaiting(world, id)
  else await listRemove(world.jobs, BigInt(id), 'active')
  if (leaseSeed(job, state, state.range) === zeroHash)
    await listRemove(world.jobs, BigInt(id), 'unseeded')
  if (status === JobStatus.Finished)
    await registerModel(world, {
      job: id,
      dataset: job.dataset,
      owner: job.owner,
      weights: state.weights,
      commitment: state.commitment,
      height,
    })
  await promoteWaiting(world, params, height)
  return refund
}

/** Fill a free place among the active jobs with the waiting job of the highest priority. */
async function promoteWaiting(world: World, params: ChainParams, height: bigint): Promise<void> {
  if ((await listLength(world.jobs, 'active')) >= params.maxActiveJobs) return
  const id = await takeWaiting(world, params, height)
  if (id !== null) await activate(world, id, height)
}
