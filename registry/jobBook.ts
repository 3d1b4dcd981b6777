/**
 * The book of jobs: opening with escrow, the queue, seeds, cancelling, finishing.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, zeroAddress } from '../primitives/address.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type AdmissionFault, admitJob } from './admission.ts'
import { valuesIn } from './collections.ts'
import { type Dataset, partsOf, readDataset } from './datasets.ts'
import { mayTrain } from './datasetTerms.ts'
import {
  evaluationAttempts,
  evaluationJob,
  isEvaluation,
  leaseCount,
  leaseSeed,
} from './evaluation.ts'
import { type Job, jobIdOf, proofKinds, rowSpan, stepMacs } from './job.ts'
import { currentCharges, totalCharges, writeCharges } from './jobCharges.ts'
import {
  type JobRecord,
  type JobState,
  JobStatus,
  readJob,
  writeJobBytes,
  writeJobState,
} from './jobRecord.ts'
import { hashOfWord, listItems, listLength, listPush, listRemove, slotOf } from './layout.ts'
import { burn } from './ledger.ts'
import { type Miss, settleMisses } from './misses.ts'
import { readModel, registerModel } from './models.ts'
import { basePriceOf } from './prices.ts'
import type { World } from './records.ts'
import { attemptAt, drawnAttempts } from './schedule.ts'
import { collectionOf, markTrial, trialSeed } from './trials.ts'
import { dropWaiting, maxWaiting, pushWaiting, takeWaiting, waitingCount } from './waitingJobs.ts'

export type JobFault =
  | AdmissionFault
  | { readonly code: 'jobs/unknown'; readonly id: Hash }
  | { readonly code: 'jobs/unknownDataset'; readonly dataset: Hash }
  | { readonly code: 'jobs/notAllowed'; readonly dataset: Hash; readonly account: Address }
  | { readonly code: 'jobs/unknownModel'; readonly model: Hash }
  | {
      readonly code: 'jobs/baseMismatch'
      readonly field: string
      readonly expected: bigint
      readonly got: bigint
    }
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
  | { readonly code: 'jobs/notValued'; readonly dataset: Hash }
  | { readonly code: 'jobs/isTrial'; readonly collection: Hash }

/** The fees of all leases of a job, wei. */
export function totalFee(job: Job, params: ChainParams): bigint {
  const evaluation = job.heldOut === undefined ? 0n : stepMacs(evaluationJob(job))
  return (
    (BigInt(job.steps) * stepMacs(job) + evaluation) * job.pricePerMac +
    BigInt(leaseCount(job)) * params.certificateFee
  )
}

/** What a job that is opened now costs its owner besides the open fee, wei: fees, rows and royalties. */
export async function jobCost(world: World, params: ChainParams, job: Job): Promise<bigint> {
  return totalFee(job, params) + totalCharges(job, await currentCharges(world, job), params)
}

/** How many jobs `owner` has opened: the nonce of its next. */
export function nextJobNonce(world: World, owner: Address): Promise<bigint> {
  return world.jobs.get(slotOf('jobNonce', owner))
}

/**
 * Open a job. `wei` came with the call and is in the module's account: {@link jobCost} and the open fee,
 * to the wei. Returns the job's name.
 *
 * @param trialOf - the collection whose datasets it helps to value: their owners have agreed to that.
 */
export async function openJob(
  world: World,
  params: ChainParams,
  job: Job,
  wei: bigint,
  height: bigint,
  trialOf: Hash | null = null,
): Promise<Result<Hash, JobFault>> {
  const admitted = admitJob(job, { ...params, basePrice: await basePriceOf(world, params) })
  if (!admitted.ok) return admitted
  const unfit =
    (await rowsFault(world, job, job, trialOf !== null)) ??
    (job.heldOut === undefined ? null : await rowsFault(world, evaluationJob(job), job, false))
  if (unfit !== null) return refuse(unfit)
  const base = await baseOf(world, job)
  if (!base.ok) return base
  const charges = await currentCharges(world, job, trialOf !== null)
  const escrow = totalFee(job, params) + totalCharges(job, charges, params)
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
    ...base.value,
    declinedBy: zeroAddress,
    missesPaid: 0,
    cancelRequested: false,
    evaluationSeed: zeroHash,
  })
  await writeCharges(world, id, charges)
  if (trialOf !== null) await markTrial(world, id, trialOf)
  await listPush(world.jobs, BigInt(id), 'jobs')
  await burn(world, moduleAddresses.jobs, params.openFee)
  if (active) await activate(world, id, height)
  else await pushWaiting(world, id, job.pricePerMac, height)
  return ok(id)
}

/** Whether the rows of `work` are there, are for its owner, and fit. */
async function rowsFault(
  world: World,
  work: Job,
  { owner }: Job,
  trial: boolean,
): Promise<JobFault | null> {
  const dataset = await readDataset(world, work.dataset)
  if (dataset === null) return { code: 'jobs/unknownDataset', dataset: work.dataset }
  if (!trial) {
    const unfit = await jointFault(world, work, dataset)
    if (unfit !== null) return unfit
    for (const part of partsOf(dataset))
      if (!(await mayTrain(world, part, owner)))
        return { code: 'jobs/notAllowed', dataset: part.root, account: owner }
  }
  return datasetFault(work, dataset)
}

/** Several datasets are trained on when they are valued, and held out from never. */
async function jointFault(world: World, work: Job, dataset: Dataset): Promise<JobFault | null> {
  if (dataset.joint === undefined) return null
  if (work.lastRows !== undefined || work.heldOut?.dataset === dataset.root) {
    const got = BigInt(dataset.joint.parts.length)
    return { code: 'jobs/datasetMismatch', field: 'heldOut', expected: 1n, got }
  }
  const valued = (await valuesIn(world, dataset.root)).length > 0
  return valued ? null : { code: 'jobs/notValued', dataset: dataset.root }
}

/** The weights that a job starts from; zeros where it draws its own. */
async function baseOf(
  world: World,
  job: Job,
): Promise<Result<Pick<JobState, 'commitment' | 'weights'>, JobFault>> {
  if (job.base === undefined) return ok({ commitment: zeroHash, weights: zeroHash })
  const model = await readModel(world, job.base)
  if (model === null) return refuse({ code: 'jobs/unknownModel', model: job.base })
  const { job: trained } = (await readJob(world, job.base))!
  const fault = baseFault(job, trained)
  if (fault !== null) return refuse(fault)
  return ok({ commitment: model.commitment, weights: model.weights })
}

/** Weights, and commitments to them, carry over only between jobs whose shapes are alike. */
function baseFault(job: Job, base: Job): JobFault | null {
  const shapeOf = ({ proofKind, layers, fractionBits, leaseSteps }: Job) => ({
    proofKind: proofKinds.indexOf(proofKind),
    depth: layers.length,
    ...Object.fromEntries(layers.map((width, i) => [`layers.${i}`, width])),
    fractionBits,
    leaseSteps,
  })
  const got: Readonly<Record<string, number>> = shapeOf(job)
  for (const [field, expected] of Object.entries(shapeOf(base)))
    if (got[field] !== expected)
      return {
        code: 'jobs/baseMismatch',
        field,
        expected: BigInt(expected),
        got: BigInt(got[field] ?? 0),
      }
  return null
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
    const seed = evaluates
      ? { evaluationSeed: mixHash }
      : { seed: (await trialSeed(world, record.id)) ?? mixHash }
    await writeJobState(world, record.id, seed)
    await listRemove(world.jobs, word, 'unseeded')
  }
}

/** A job that was cancelled at once: what came back to its owner, and who paid for missed leases. */
export type Cancelled = { readonly refund: bigint; readonly misses: readonly Miss[] }

/**
 * Ask for the end of a job. It takes effect when the running range settles, or at once where the range
 * is beyond its drawn holders, who then pay for missing it, or the job still waits. Returns null if the
 * end is yet to come.
 */
export async function cancelJob(
  world: World,
  params: ChainParams,
  id: Hash,
  caller: Address,
  height: bigint,
): Promise<Result<Cancelled | null, JobFault>> {
  const record = await readJob(world, id)
  if (record === null) return refuse({ code: 'jobs/unknown', id })
  const { job, state } = record
  if (job.owner !== caller) return refuse({ code: 'jobs/notOwner', owner: job.owner })
  if (isEvaluation(job, state.range)) return refuse({ code: 'jobs/notRunning', id })
  if (state.status === JobStatus.Waiting) {
    const refund = await endJob(world, params, record, JobStatus.Cancelled, height)
    return ok({ refund, misses: [] })
  }
  const collection = await collectionOf(world, id)
  const least = collection === null ? drawnAttempts : evaluationAttempts
  if (isStale(record, params, height, least)) {
    const settled = await settleMisses(world, params, record, caller, height)
    const refund = await endJob(world, params, settled.record, JobStatus.Cancelled, height)
    return ok({ refund, misses: settled.misses })
  }
  if (state.status !== JobStatus.Active) return refuse({ code: 'jobs/notRunning', id })
  // Who saw its losses could end the trials that it does not like.
  if (collection !== null) return refuse({ code: 'jobs/isTrial', collection })
  await writeJobState(world, id, { cancelRequested: true })
  return ok(null)
}

function isStale(record: JobRecord, params: ChainParams, height: bigint, least: number): boolean {
  return record.state.status === JobStatus.Active && attemptAt(record, params, height) >= least
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
      parent: job.base ?? null,
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
