/**
 * The valuation of a collection's datasets: trials, which are jobs alike but for the datasets that they
 * train on, each evaluated on the same rows; and the values that follow from their losses.
 * Rules E-50 to E-60 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { beaconAt } from './beacon.ts'
import {
  type Collection,
  keepBeacon,
  keptBeacon,
  readCollection,
  readTrial,
  recordValues,
} from './collections.ts'
import { readDataset, writeJoint } from './datasets.ts'
import { drawSubsets, type Subset, subsetsToTrain, valuesOf } from './dataValue.ts'
import { blankLoss, evaluationAttempts, evaluationJob, readEvaluation } from './evaluation.ts'
import type { Job } from './job.ts'
import { type JobFault, nextJobNonce, openJob, totalFee } from './jobBook.ts'
import { currentCharges, totalCharges } from './jobCharges.ts'
import { JobStatus, readJob } from './jobRecord.ts'
import { hashOfWord, slotOf } from './layout.ts'
import type { World } from './records.ts'
import { attemptAt } from './schedule.ts'

/** Why it is not known what has to be trained. */
export type DrawFault =
  | { readonly code: 'jobs/notAgreed'; readonly collection: Hash }
  | { readonly code: 'jobs/tooEarly'; readonly start: bigint; readonly height: bigint }
  | { readonly code: 'jobs/lapsed'; readonly collection: Hash }

export type TrialFault =
  | JobFault
  | DrawFault
  | { readonly code: 'jobs/notDrawn'; readonly subset: bigint }
  | { readonly code: 'jobs/tried'; readonly job: Hash }

export type ValuationFault =
  | { readonly code: 'registry/notAgreed'; readonly name: Hash }
  | { readonly code: 'registry/alreadyValued'; readonly name: Hash }
  | { readonly code: 'registry/notTried'; readonly subset: bigint }

/** Who pays for a trial, and what. */
export type TrialOrder = {
  readonly collection: Hash
  readonly subset: Subset
  readonly owner: Address
  readonly pricePerMac: bigint
}

/** A price that the owners did not agree to, at which their validators might be the only ones able. */
const outOfRange = {
  code: 'jobs/outOfRange',
  field: 'pricePerMac',
  max: 2n ** 128n - 1n,
} as const

/** Which job trains on a subset; zero: none yet. */
const triedPlace = (name: Hash, subset: Subset): bigint => slotOf('tried', name, subset)

/** The trial of a subset: a job like the others, which whoever pays for it owns. */
async function trialJob(
  world: World,
  { collection, subset, owner, pricePerMac }: TrialOrder,
): Promise<Job> {
  const found = await readCollection(world, collection)
  invariant(found !== null, 'trialJob: of a collection')
  const { trial, salt } = await readTrial(world, collection)
  const parts = []
  for (const [i, root] of found.datasets.entries())
    if ((subset >> i) & 1) parts.push((await readDataset(world, root))!)
  const title = `trial ${subset} of a collection`
  const dataset = await writeJoint(world, title, salt, parts)
  return { ...trial, dataset, owner, pricePerMac, nonce: await nextJobNonce(world, owner) }
}

/** What a trial that is opened now costs its owner besides the open fee, wei; each the same. */
export async function trialCost(
  world: World,
  params: ChainParams,
  collection: Hash,
  pricePerMac: bigint,
): Promise<bigint> {
  const { trial } = await readTrial(world, collection)
  const job = { ...trial, pricePerMac }
  return totalFee(job, params) + totalCharges(job, await currentCharges(world, job, true), params)
}

/** A subset, the job that trains on it, and what its evaluation found. */
export type Trial = {
  readonly subset: Subset
  readonly job: Hash | null
  readonly loss: bigint | null
}

/** What has to be trained to value a collection, and how far that is; empty until it is drawn. */
export async function trialsOf(
  world: World,
  name: Hash,
  height: bigint,
): Promise<readonly Trial[]> {
  const draw = await drawOf(world, name, height)
  const found: Trial[] = []
  for (const subset of draw.ok ? draw.value.trials : []) {
    const job = await trialOf(world, name, subset)
    const evaluation = job === null ? null : await readEvaluation(world, job)
    found.push({ subset, job, loss: evaluation?.loss ?? null })
  }
  return found
}

/**
 * Open the trial of a subset. It is opened again where it ended without an evaluation, or nobody able
 * has taken it in four attempts. `wei` came with the call, as for every job.
 */
export async function openTrial(
  world: World,
  params: ChainParams,
  order: TrialOrder,
  wei: bigint,
  height: bigint,
): Promise<Result<{ readonly id: Hash; readonly job: Job }, TrialFault>> {
  const { collection: name, subset } = order
  const draw = await drawOf(world, name, height)
  if (!draw.ok) return draw
  if (!draw.value.trials.includes(subset))
    return refuse({ code: 'jobs/notDrawn', subset: BigInt(subset) })
  const before = await trialOf(world, name, subset)
  if (before !== null && !(await isVain(world, params, before, height)))
    return refuse({ code: 'jobs/tried', job: before })
  const job = await trialJob(world, order)
  const { pricePerMac: min } = (await readTrial(world, name)).trial
  if (job.pricePerMac < min) return refuse({ ...outOfRange, got: job.pricePerMac, min })
  const opened = await openJob(world, params, job, wei, height, name)
  if (!opened.ok) return opened
  await world.registry.put(triedPlace(name, subset), BigInt(opened.value))
  // Beacons are forgotten, and a valuation may take its time.
  await keepBeacon(world, name, draw.value.beacon)
  return ok({ id: opened.value, job })
}

/** Whether a trial has ended, or will, without telling anything. */
async function isVain(
  world: World,
  params: ChainParams,
  id: Hash,
  height: bigint,
): Promise<boolean> {
  const record = await readJob(world, id)
  invariant(record !== null, 'valuation: a trial is a job')
  const { status } = record.state
  if (status === JobStatus.Cancelled) return true
  if (status === JobStatus.Finished) return (await readEvaluation(world, id)) === null
  return status === JobStatus.Active && attemptAt(record, params, height) >= evaluationAttempts
}

/** What a valuation looks at, round by round, and what has to be trained for it, in ascending order. */
export type Draw = {
  readonly collection: Collection
  readonly beacon: Hash
  readonly rounds: readonly Subset[]
  readonly trials: readonly Subset[]
}

/** What the beacon drew two blocks after all owners had agreed, once it is known. */
export async function drawOf(
  world: World,
  name: Hash,
  height: bigint,
): Promise<Result<Draw, DrawFault>> {
  const collection = await readCollection(world, name)
  if (collection === null || collection.agreedAt === 0n)
    return refuse({ code: 'jobs/notAgreed', collection: name })
  const start = collection.agreedAt + 2n
  if (height < start) return refuse({ code: 'jobs/tooEarly', start, height })
  const beacon = (await keptBeacon(world, name)) ?? (await beaconAt(world, start, height))
  if (beacon === null) return refuse({ code: 'jobs/lapsed', collection: name })
  const count = collection.datasets.length
  const rounds = drawSubsets(beacon, count, collection.rounds)
  return ok({ collection, beacon, rounds, trials: subsetsToTrain(rounds, count) })
}

/** The job that trains on a subset; null: none yet. */
async function trialOf(world: World, name: Hash, subset: Subset): Promise<Hash | null> {
  const word = await world.registry.get(triedPlace(name, subset))
  return word === 0n ? null : hashOfWord(word)
}

/** Work out the values of a collection's datasets when all its trials are evaluated. */
export async function valueCollection(
  world: World,
  name: Hash,
  height: bigint,
): Promise<Result<readonly bigint[], ValuationFault>> {
  const draw = await drawOf(world, name, height)
  if (!draw.ok) return refuse({ code: 'registry/notAgreed', name })
  const { collection, rounds } = draw.value
  if (collection.valuedAt > 0n) return refuse({ code: 'registry/alreadyValued', name })
  const { trial } = await readTrial(world, name)
  const blank = blankLoss * BigInt(evaluationJob(trial).batch)
  const losses = new Map<Subset, bigint>([[0, blank]])
  for (const { subset, loss } of await trialsOf(world, name, height)) {
    if (loss === null) return refuse({ code: 'registry/notTried', subset: BigInt(subset) })
    losses.set(subset, loss)
  }
  const values = valuesOf(rounds, collection.datasets.length, (subset) => losses.get(subset)!)
  await recordValues(world, name, values, height)
  return ok(values)
}
