/**
 * Missed leases: a drawn holder that lets its attempt pass pays a tenth of the pay from its stake and
 * loses an eighth of its reputation.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { leaseWork } from './evaluation.ts'
import { splitFee } from './formulas.ts'
import { type Job, rangeSteps, stepMacs } from './job.ts'
import { type JobRecord, JobStatus, readJob, writeJobState } from './jobRecord.ts'
import { burn } from './ledger.ts'
import { readingStakesOnce, type World } from './records.ts'
import { attemptAt, drawnAttempts, leaseOf } from './schedule.ts'
import { recordMiss } from './service.ts'
import { penalise } from './stakes.ts'

/** One paid miss. */
export type Miss = {
  readonly attempt: number
  readonly holder: Address
  /** Wei taken from its stake. */
  readonly penalty: bigint
  /** Wei of it that went to who reported the miss. */
  readonly reward: bigint
}

export type MissFault =
  | { readonly code: 'jobs/unknown'; readonly id: Hash }
  | { readonly code: 'jobs/notRunning'; readonly id: Hash }
  | { readonly code: 'jobs/nothingMissed'; readonly attempt: bigint }

/** Fee of one lease, wei. */
export function leaseFee(job: Job, range: number, params: ChainParams): bigint {
  const work = leaseWork(job, range)
  const { count } = rangeSteps(work.job, work.range)
  return BigInt(count) * stepMacs(work.job) * job.pricePerMac + params.certificateFee
}

/**
 * Make the holders pay whose attempts of the running range have passed and who have not paid yet.
 * `reporter` gets 5 % of each penalty, half is burned, the rest joins the job's escrow.
 */
export async function settleMisses(
  world: World,
  params: ChainParams,
  record: JobRecord,
  reporter: Address,
  height: bigint,
): Promise<{ readonly misses: readonly Miss[]; readonly record: JobRecord }> {
  const passed = Math.min(attemptAt(record, params, height), drawnAttempts)
  const misses: Miss[] = []
  let escrow = record.state.escrow
  for (let attempt = record.state.missesPaid; attempt < passed; attempt++) {
    const lease = await leaseOf(world, params, record, attempt, height)
    if (lease?.holder == null) continue
    const fee = leaseFee(record.job, record.state.range, params)
    const penalty = await penalise(world, lease.holder, splitFee(fee).worker / 10n)
    const reward = penalty / 20n
    const burned = penalty / 2n
    await burn(world, moduleAddresses.staking, burned)
    await world.purse.transfer(moduleAddresses.staking, reporter, reward)
    await world.purse.transfer(
      moduleAddresses.staking,
      moduleAddresses.jobs,
      penalty - reward - burned,
    )
    escrow += penalty - reward - burned
    await recordMiss(world, lease.holder, fee)
    misses.push({ attempt, holder: lease.holder, penalty, reward })
  }
  const missesPaid = Math.max(passed, record.state.missesPaid)
  const changes = { escrow, missesPaid }
  await writeJobState(world, record.id, changes)
  return { misses, record: { ...record, state: { ...record.state, ...changes } } }
}

/** `Jobs.expire`: anyone reports the passed attempts of a job's running range. */
export async function expireLease(
  metered: World,
  params: ChainParams,
  id: Hash,
  reporter: Address,
  height: bigint,
): Promise<Result<readonly Miss[], MissFault>> {
  const world = readingStakesOnce(metered)
  const record = await readJob(world, id)
  if (record === null) return refuse({ code: 'jobs/unknown', id })
  if (record.state.status !== JobStatus.Active) return refuse({ code: 'jobs/notRunning', id })
  const { misses } = await settleMisses(world, params, record, reporter, height)
  if (misses.length > 0) return ok(misses)
  // Before the first attempt starts there is none to name.
  const attempt = Math.max(attemptAt(record, params, height), 0)
  return refuse({ code: 'jobs/nothingMissed', attempt: BigInt(attempt) })
}
