/**
 * Settlement: a certificate of the running range is judged by the lease, the fee is split and paid, and
 * the next range opens, all in the certificate's own block.
 *
 * The proof itself is judged elsewhere, before a vote (docs/spec/consensus.md, admissibility).
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, zeroAddress } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  type Custodians,
  type Custody,
  type CustodyFault,
  custodiansOf,
  custodyFault,
  custodyOf,
} from './custody.ts'
import { type DataShare, dataShares } from './dataShares.ts'
import {
  type Evaluation,
  isEvaluation,
  leaseCount,
  leaseWork,
  recordEvaluation,
} from './evaluation.ts'
import { splitCustody, splitFee } from './formulas.ts'
import { type Job, rangeCount, rangeSteps } from './job.ts'
import { awaitEvaluation, endJob } from './jobBook.ts'
import { type PaidCharge, payCharges } from './jobCharges.ts'
import {
  isFresh,
  type JobRecord,
  type JobState,
  JobStatus,
  readJob,
  writeJobState,
} from './jobRecord.ts'
import { recordVouched } from './keepers.ts'
import { burn } from './ledger.ts'
import { leaseFee, type Miss, settleMisses } from './misses.ts'
import { countLease } from './prices.ts'
import { readingStakesOnce, type World } from './records.ts'
import { attemptAt, drawnAttempts, type Lease, leaseOf } from './schedule.ts'
import { recordCertificate, recordEarning } from './service.ts'

/** What a worker claims of one lease; the arguments of `Jobs.certify`. */
export type Claim = {
  readonly job: Hash
  readonly range: number
  /** Commitments to the weights before and after the range. */
  readonly before: Hash
  readonly after: Hash
  /** Content hash of the blob with the weights after it. */
  readonly weights: Hash
  /** Loss of each step. */
  readonly losses: readonly bigint[]
  /** Who vouches for the blob. */
  readonly custodians: Custodians
}

export type ClaimFault =
  | { readonly code: 'jobs/unknown'; readonly id: Hash }
  | { readonly code: 'jobs/notRunning'; readonly id: Hash }
  | { readonly code: 'jobs/otherRange'; readonly expected: bigint; readonly got: bigint }
  | { readonly code: 'jobs/tooEarly'; readonly start: bigint; readonly height: bigint }
  | { readonly code: 'jobs/notHolder'; readonly holder: Address; readonly attempt: bigint }
  | { readonly code: 'jobs/otherWeights'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'jobs/lossCount'; readonly expected: bigint; readonly got: bigint }
  | CustodyFault

export type Settled = {
  readonly fee: bigint
  /** What was paid on top of it, for rows and to the owners of ancestors. */
  readonly charge: PaidCharge
  /** Of the fee, to the owners of the rows. */
  readonly shares: readonly DataShare[]
  readonly steps: number
  readonly misses: readonly Miss[]
  readonly ended: typeof JobStatus.Finished | typeof JobStatus.Cancelled | null
  readonly refund: bigint
  /** Null where the lease was one of training. */
  readonly evaluation: Evaluation | null
}

/** Settle `worker`'s claim in the block at `height`, proposed by `proposer`. */
export async function certify(
  metered: World,
  params: ChainParams,
  claim: Claim,
  worker: Address,
  proposer: Address,
  height: bigint,
): Promise<Result<Settled, ClaimFault>> {
  const world = readingStakesOnce(metered)
  const found = await readJob(world, claim.job)
  if (found === null) return refuse({ code: 'jobs/unknown', id: claim.job })
  const lease = await leaseOf(world, params, found, attemptAt(found, params, height), height)
  const custody = lease && (await custodyOf(world, params, found.job, lease, height))
  const fault =
    judgeClaim(found, claim, lease, worker, height) ??
    custodyFault(custody, claim.custodians, height)
  if (fault !== null) return refuse(fault)

  const { misses, record } = await settleMisses(world, params, found, worker, height)
  const fee = leaseFee(record.job, claim.range, params)
  const vouching = custodianAddresses(custody, claim)
  const shares = await payFee(world, record, worker, proposer, fee, vouching)
  if (custody !== null) await recordVouched(world, record.id, custody.epoch, claim.custodians)
  const charge = await payCharges(world, record.id, record.job, claim.range, fee)
  const work = leaseWork(record.job, claim.range)
  const { count } = rangeSteps(work.job, work.range)
  await countLease(world, work.job, count)
  const evaluates = isEvaluation(record.job, claim.range)
  const state = {
    ...record.state,
    escrow: record.state.escrow - fee - charge.total,
    // The step of an evaluation changes nothing.
    commitment: evaluates ? record.state.commitment : claim.after,
    weights: claim.weights,
    range: claim.range + 1,
    rangeSince: height,
    declinedBy: zeroAddress,
    missesPaid: 0,
  }
  await writeJobState(world, record.id, state)
  const { dataset, batch: rows } = work.job
  const evaluation = evaluates ? { dataset, rows, loss: claim.losses[0]!, worker, height } : null
  if (evaluation !== null) await recordEvaluation(world, record.id, evaluation)
  const ended = endOf(record.job, state)
  if (ended === null && isEvaluation(record.job, state.range))
    await awaitEvaluation(world, record.id)
  const refund =
    ended === null ? 0n : await endJob(world, params, { ...record, state }, ended, height)
  return ok({ fee, charge, shares, steps: count, misses, ended, refund, evaluation })
}

/** How a job ends whose lease before `state.range` was settled; null: it goes on. */
function endOf(job: Job, { range, cancelRequested }: JobState): Settled['ended'] {
  if (range >= leaseCount(job)) return JobStatus.Finished
  if (!cancelRequested) return null
  return range >= rangeCount(job) ? JobStatus.Finished : JobStatus.Cancelled
}

/** Whether a claim fits the job and the lease, as the chain can tell without the proof. */
export function judgeClaim(
  record: JobRecord,
  claim: Claim,
  lease: Lease | null,
  worker: Address,
  height: bigint,
): ClaimFault | null {
  const { state, job, id } = record
  if (state.status !== JobStatus.Active) return { code: 'jobs/notRunning', id }
  if (claim.range !== state.range)
    return { code: 'jobs/otherRange', expected: BigInt(state.range), got: BigInt(claim.range) }
  if (lease === null || claim.range >= leaseCount(job))
    return { code: 'jobs/tooEarly', start: state.rangeSince + 2n, height }
  if (!lease.able.includes(worker))
    return {
      code: 'jobs/notHolder',
      holder: lease.holder ?? zeroAddress,
      attempt: BigInt(lease.attempt),
    }
  if (!isFresh(state) && claim.before !== state.commitment)
    return { code: 'jobs/otherWeights', expected: state.commitment, got: claim.before }
  if (isEvaluation(job, claim.range) && claim.weights !== state.weights)
    return { code: 'jobs/otherWeights', expected: state.weights, got: claim.weights }
  const work = leaseWork(job, claim.range)
  const { count } = rangeSteps(work.job, work.range)
  if (claim.losses.length !== count)
    return { code: 'jobs/lossCount', expected: BigInt(count), got: BigInt(claim.losses.length) }
  return null
}

/** Nobody for replay jobs, whose custody is the vote itself, and for evaluations, which leave nothing. */
function custodianAddresses(custody: Custody | null, { custodians }: Claim): readonly Address[] {
  return custody === null ? [] : custodiansOf(custody, custodians).map(({ address }) => address)
}

/**
 * Custodians share their part, and owners of rows theirs, which is returned; what does not divide, or has
 * nobody to go to, is burned.
 */
async function payFee(
  world: World,
  record: JobRecord,
  worker: Address,
  proposer: Address,
  fee: bigint,
  custodians: readonly Address[],
): Promise<readonly DataShare[]> {
  const split = splitFee(fee)
  const { id, job } = record
  const shares = await dataShares(world, { id, dataset: job.dataset }, split.dataset)
  const shared = shares.reduce((sum, { wei }) => sum + wei, 0n)
  const pay = (to: Address, wei: bigint) => world.purse.transfer(moduleAddresses.jobs, to, wei)
  const { share, pot, rest } = splitCustody(split.custody, custodians.length)
  const burned = split.burned + rest + split.dataset - shared
  await pay(worker, split.worker)
  await pay(proposer, split.proposer)
  for (const { owner, wei } of shares) if (wei > 0n) await pay(owner, wei)
  for (const custodian of custodians) await pay(custodian, share)
  await pay(moduleAddresses.custody, pot)
  await burn(world, moduleAddresses.jobs, burned)
  await recordCertificate(world, worker, fee, burned)
  await recordEarning(world, worker, split.worker)
  await recordEarning(world, proposer, split.proposer)
  for (const custodian of custodians) await recordEarning(world, custodian, share)
  return shares
}

export type DeclineFault =
  | ClaimFault
  | { readonly code: 'jobs/declined'; readonly by: Address }
  | { readonly code: 'jobs/tooLate'; readonly until: bigint; readonly height: bigint }

/** `Jobs.decline`: the drawn holder steps back, free of charge, early in its lease, once per range. */
export async function declineLease(
  metered: World,
  params: ChainParams,
  id: Hash,
  caller: Address,
  height: bigint,
): Promise<Result<Lease, DeclineFault>> {
  const world = readingStakesOnce(metered)
  const record = await readJob(world, id)
  if (record === null) return refuse({ code: 'jobs/unknown', id })
  if (record.state.status !== JobStatus.Active) return refuse({ code: 'jobs/notRunning', id })
  const attempt = attemptAt(record, params, height)
  const lease = await leaseOf(world, params, record, attempt, height)
  if (lease === null)
    return refuse({ code: 'jobs/tooEarly', start: record.state.rangeSince + 2n, height })
  if (lease.holder !== caller || attempt >= drawnAttempts)
    return refuse({
      code: 'jobs/notHolder',
      holder: lease.holder ?? zeroAddress,
      attempt: BigInt(attempt),
    })
  if (record.state.declinedBy !== zeroAddress)
    return refuse({ code: 'jobs/declined', by: record.state.declinedBy })
  const until = lease.start + BigInt(params.declineBlocks)
  if (height >= until) return refuse({ code: 'jobs/tooLate', until, height })
  await settleMisses(world, params, record, caller, height)
  await writeJobState(world, id, { declinedBy: caller, rangeSince: height, missesPaid: 0 })
  return ok(lease)
}
