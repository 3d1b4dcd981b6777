/**
 * The schedule: who holds the lease of a job's running range. Computed from the height, never stored.
 *
 * Attempts of a range that was opened at `h0` follow each other from `h0 + 2`. The first two last
 * `L + 8` blocks and have one drawn holder each; from the third on whoever is able may certify, first
 * come, first served, and there is more time: twice as long, then four times.
 * Rules W-30 to W-36 of docs/spec/work.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { leaseGrace } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf, hashToUint } from '../primitives/hash.ts'
import { leaseBlocks } from './admission.ts'
import { beaconAt } from './beacon.ts'
import { isSetKept, validatorSetAt } from './epochSets.ts'
import { leaseWeight } from './formulas.ts'
import { type Job, weightCount } from './job.ts'
import { type JobRecord, JobStatus, readJob } from './jobRecord.ts'
import { hashOfWord, listItems } from './layout.ts'
import type { World } from './records.ts'
import { jailedSince } from './stakes.ts'
import { barredFrom } from './trials.ts'
import { epochOf, type Validator, type ValidatorSet } from './validatorSet.ts'

/** Attempts that have one holder; later ones are open to all who are able. */
export const drawnAttempts = 2

export type Lease = {
  readonly job: Hash
  readonly range: number
  readonly attempt: number
  /** First height at which a certificate of this attempt is valid. */
  readonly start: bigint
  /** First height at which it no longer is. */
  readonly end: bigint
  /** The drawn holder; null where the attempt is open to all of `able`. */
  readonly holder: Address | null
  /** Who may hold a lease of this attempt. */
  readonly able: readonly Address[]
}

/** Blocks of a drawn attempt. */
function attemptSpan({ job, state }: JobRecord, params: ChainParams): bigint {
  return leaseBlocks(job, params, state.range) + BigInt(leaseGrace)
}

/**
 * First height of attempt `attempt`. Spans before it: 0, 1, 2, 4, 8, 12, …, so that a lease that is too
 * short for every machine there is ends all the same.
 */
export function attemptStart(record: JobRecord, params: ChainParams, attempt: number): bigint {
  const spans = attempt < 3 ? attempt : 4 * (attempt - 2)
  return record.state.rangeSince + 2n + BigInt(spans) * attemptSpan(record, params)
}

/** The attempt at `height`; negative before the first starts. */
export function attemptAt(record: JobRecord, params: ChainParams, height: bigint): number {
  const since = height - record.state.rangeSince - 2n
  if (since < 0n) return -1
  const spans = Number(since / attemptSpan(record, params))
  if (spans < 2) return spans
  return 2 + Math.floor(spans / 4)
}

/**
 * The validators of a set who may take a lease of the job, in canonical order.
 *
 * @param barred - who may not, whatever they accept; E-58 of docs/spec/economy.md.
 */
export function ableFor(
  job: Job,
  set: ValidatorSet,
  barred: readonly Address[] = [],
): readonly Validator[] {
  return set.validators.filter(
    (validator) =>
      !validator.jailed &&
      validator.ask <= job.pricePerMac &&
      validator.maxParams >= BigInt(weightCount(job)) &&
      validator.address !== job.owner &&
      !barred.includes(validator.address),
  )
}

/** First candidate whose cumulative lease weight exceeds the draw; null if nobody weighs anything. */
export function drawHolder(
  beacon: Hash,
  job: Hash,
  range: number,
  attempt: number,
  candidates: readonly Validator[],
): Address | null {
  const weights = candidates.map(({ stake, reputation }) => leaseWeight(stake, reputation))
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  if (total === 0n) return null
  const draw = hashOf(
    'waggle/lease/v1',
    hashBytes(beacon),
    hashBytes(job),
    uintBytes(range, 4),
    uintBytes(attempt, 4),
  )
  let rest = hashToUint(draw) % total
  const index = weights.findIndex((weight) => {
    if (rest < weight) return true
    rest -= weight
    return false
  })
  return candidates[index]!.address
}

/**
 * The lease of `record`'s running range in `attempt`, as known at height `now`; null while the beacon
 * that draws it is unknown, or no longer kept, and for jobs that do not run.
 */
export async function leaseOf(
  world: World,
  params: ChainParams,
  record: JobRecord,
  attempt: number,
  now: bigint,
): Promise<Lease | null> {
  if (record.state.status !== JobStatus.Active || attempt < 0) return null
  const start = attemptStart(record, params, attempt)
  const end = attemptStart(record, params, attempt + 1)
  const beacon = await beaconAt(world, start - 1n, now)
  const epoch = epochOf(start - 1n, params.epochLength)
  if (beacon === null || !(await isSetKept(world, epoch))) return null

  const set = await asOf(world, await validatorSetAt(world, epoch), start)
  const able = ableFor(record.job, set, await barredFrom(world, record.id))
  const lease = { job: record.id, range: record.state.range, attempt, start, end }
  const addresses = able.map(({ address }) => address)
  if (attempt >= drawnAttempts) return { ...lease, holder: null, able: addresses }

  const before = await formerHolder(world, params, record, attempt, now)
  const candidates = able.filter(
    ({ address }) => address !== before && address !== record.state.declinedBy,
  )
  const holder = drawHolder(beacon, record.id, record.state.range, attempt, candidates)
  return { ...lease, holder, able: holder === null ? [] : [holder] }
}

/**
 * The set with those out who were jailed before `start`: a later jailing must not draw a running lease
 * anew, nor have somebody pay for one that it never held.
 */
export async function asOf(world: World, set: ValidatorSet, start: bigint): Promise<ValidatorSet> {
  const validators: Validator[] = []
  for (const validator of set.validators) {
    const { address, jailed } = validator
    const out = jailed && (await jailedSince(world, address)) < start
    validators.push({ ...validator, jailed: out })
  }
  return { ...set, validators }
}

async function formerHolder(
  world: World,
  params: ChainParams,
  record: JobRecord,
  attempt: number,
  now: bigint,
): Promise<Address | null> {
  if (attempt === 0) return null
  return (await leaseOf(world, params, record, attempt - 1, now))?.holder ?? null
}

/** The lease that a certificate in the next block, at `head + 1`, would be judged by. */
export async function nextLease(
  world: World,
  params: ChainParams,
  record: JobRecord,
  head: bigint,
): Promise<Lease | null> {
  return leaseOf(world, params, record, attemptAt(record, params, head + 1n), head)
}

/** The leases of every active job at `head + 1`: who may train what, next. */
export async function assignSteps(
  world: World,
  params: ChainParams,
  head: bigint,
): Promise<readonly Lease[]> {
  const leases: Lease[] = []
  for (const word of await listItems(world.jobs, 'active')) {
    const record = await readJob(world, hashOfWord(word))
    const lease = record === null ? null : await nextLease(world, params, record, head)
    if (lease !== null) leases.push(lease)
  }
  return leases
}
