/**
 * Those who work: they take the leases that the schedule gives them, train, collect custodians and hand
 * in certificates, each as its conduct says.
 */
import type { Address } from '../primitives/address.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import { concludeJob } from '../registry/conclude.ts'
import { type Custody, custodyOf } from '../registry/custody.ts'
import { isEvaluation, leaseWork } from '../registry/evaluation.ts'
import { rangeSteps, stepMacs } from '../registry/job.ts'
import { cancelJob } from '../registry/jobBook.ts'
import { type JobRecord, JobStatus, readJob } from '../registry/jobRecord.ts'
import { hashOfWord, listItems, listLength } from '../registry/layout.ts'
import { attemptAt, type Lease, leaseOf } from '../registry/schedule.ts'
import { type Claim, certify, declineLease } from '../registry/settlement.ts'
import { Delivery, type Duty } from './conduct.ts'
import type { Dice } from './dice.ts'
import { custodyCost, gasCost } from './setting.ts'
import type { Actor, Member, Simulation } from './simulation.ts'

/** A certificate under way. */
type Result = { readonly worker: Member; readonly at: bigint; readonly hidden: boolean }

/** A running job and what is being done about it. */
type Task = {
  record: JobRecord
  attempt: number
  lease: Lease | null
  result: Result | null
  custody: Custody | null
  /** Who vouched when the chain refused; trying again with the same is in vain. */
  refused: bigint | null
}

/** Told of each settled lease, and how the job ended, if it did. */
export type OnSettled = (record: JobRecord, fee: bigint, ended: JobStatus | null) => void

/** What a model is worth; asked once, when its evaluation is handed in. */
type LossOf = (record: JobRecord) => Promise<bigint>

export type Workshop = {
  readonly act: Actor
  readonly onSettled: (listener: OnSettled) => void
  /** Say what evaluations find. @default 1n */
  readonly onEvaluating: (lossOf: LossOf) => void
  /** Jobs whose running range is drawn by the beacon of `height`. */
  readonly drawnBy: (height: bigint) => readonly JobRecord[]
}

const nothing = { lease: null, result: null, custody: null, refused: null } as const

/** Blocks that training and proving a lease takes. */
const workBlocks = 2n
/** Owners give up on a job that nobody has taken in so many attempts. */
const patience = 4

export function createWorkshop(sim: Simulation, dice: Dice): Workshop {
  const tasks = new Map<Hash, Task>()
  const listeners: OnSettled[] = []
  let lossOf: LossOf = async () => 1n
  const { world, params } = sim

  async function act(_: Simulation, height: bigint) {
    await meetNewJobs()
    for (const [id, task] of tasks) {
      await follow(task, height)
      const { result } = task
      if (result !== null && result.at <= height) await handIn(id, task, result, height)
      if (task.attempt >= patience) await giveUp(id, task, height)
    }
  }

  async function meetNewJobs() {
    if ((await listLength(world.jobs, 'active')) === tasks.size) return
    const active = new Set((await listItems(world.jobs, 'active')).map(hashOfWord))
    for (const id of tasks.keys()) if (!active.has(id)) tasks.delete(id)
    for (const id of active) if (!tasks.has(id)) await refresh(id)
  }

  /** Read a job anew; forget it if it runs no more. */
  async function refresh(id: Hash) {
    const record = await readJob(world, id)
    if (record?.state.status !== JobStatus.Active) tasks.delete(id)
    else tasks.set(id, { record, attempt: -1, ...nothing })
  }

  async function follow(task: Task, height: bigint) {
    const attempt = attemptAt(task.record, params, height)
    if (attempt < 0 || attempt === task.attempt) return
    task.attempt = attempt
    Object.assign(task, nothing)
    task.lease = await leaseOf(world, params, task.record, attempt, height)
    if (task.lease === null) return
    const worker = workerOf(task.lease, height)
    if (worker !== null) await take(task, task.lease, worker, height)
  }

  /** The drawn holder, or whoever is quickest. */
  function workerOf(lease: Lease, height: bigint): Member | null {
    if (lease.holder !== null) return sim.members.get(lease.holder) ?? null
    const free = lease.able
      .map((address) => sim.members.get(address)!)
      .filter(({ busyUntil }) => busyUntil <= height)
    return free.length === 0 ? null : free[dice.below(free.length)]!
  }

  async function take(task: Task, lease: Lease, worker: Member, height: bigint) {
    const { job, state } = task.record
    const work = leaseWork(job, state.range)
    const macs = BigInt(rangeSteps(work.job, work.range).count) * stepMacs(work.job)
    const evaluates = isEvaluation(job, state.range)
    const duty: Duty = { lease, pricePerMac: job.pricePerMac, macs, evaluates }
    const begins = worker.busyUntil > height ? worker.busyUntil : height
    const late = begins + workBlocks >= lease.end
    const delivery = late ? Delivery.Decline : worker.conduct.deliver(duty)
    if (delivery === Delivery.Decline) {
      const declined = await declineLease(world, params, task.record.id, worker.address, height)
      sim.spend(worker.address, gasCost)
      if (declined.ok) await refresh(task.record.id)
    }
    // A copied proof names another worker, and no voter takes it: the lease passes.
    if (delivery !== Delivery.Full && delivery !== Delivery.Hidden) return
    sim.spend(worker.address, macs * sim.computeCost)
    worker.busyUntil = begins + workBlocks
    task.result = { worker, at: begins + workBlocks, hidden: delivery === Delivery.Hidden }
  }

  async function handIn(id: Hash, task: Task, result: Result, height: bigint) {
    const { record } = task
    const { worker } = result
    const leader = sim.members.get(sim.proposer())!
    if (leader !== worker && !leader.conduct.includes(worker.address)) return
    const vouched = await custodians(task, result, height)
    if (vouched === task.refused) return
    const work = leaseWork(record.job, record.state.range)
    const { count } = rangeSteps(work.job, work.range)
    const after = hashOf(
      'waggle/simulate/state',
      new TextEncoder().encode(`${id}${record.state.range}`),
    )
    const evaluates = isEvaluation(record.job, record.state.range)
    const claim: Claim = {
      job: id,
      range: record.state.range,
      before: record.state.commitment,
      after,
      weights: evaluates ? record.state.weights : after,
      losses: evaluates ? [await lossOf(record)] : Array.from({ length: count }, () => 1n),
      custodians: vouched,
    }
    const settled = await certify(world, params, claim, worker.address, leader.address, height)
    if (!settled.ok) task.refused = vouched
    if (!settled.ok) return
    sim.spend(worker.address, gasCost)
    const { fee, ended } = settled.value
    for (const listener of listeners) listener(record, fee, ended)
    await refresh(id)
  }

  /** Bits of those who vouch; weights that nobody can fetch find only the careless. */
  async function custodians(
    task: Task,
    { worker, hidden }: Result,
    height: bigint,
  ): Promise<bigint> {
    const { record, lease } = task
    task.custody ??= await custodyOf(world, params, record.job, lease!, height)
    const { custody } = task
    if (custody === null) return 0n
    const asked = ({ address }: { readonly address: Address }) =>
      height >= custody.openFrom || custody.committee.includes(address)
    let bits = 0n
    for (const [i, member] of custody.members.entries())
      if (asked(member) && vouches(member.address, worker, hidden)) bits |= 1n << BigInt(i)
    return bits
  }

  function vouches(address: Address, worker: Member, hidden: boolean): boolean {
    if (address === worker.address) return true
    const how = sim.members.get(address)!.conduct.vouches(worker.address)
    if (how === 'fetched' && !hidden) sim.spend(address, custodyCost)
    return how === 'blindly' || (how === 'fetched' && !hidden)
  }

  async function giveUp(id: Hash, { record }: Task, height: bigint) {
    const { job, state } = record
    const ended = isEvaluation(job, state.range)
      ? await concludeJob(world, params, id, job.owner, height)
      : await cancelJob(world, params, id, job.owner, height)
    if (ended.ok) tasks.delete(id)
  }

  return {
    act,
    onSettled: (listener) => void listeners.push(listener),
    onEvaluating: (found) => {
      lossOf = found
    },
    drawnBy: (height) =>
      [...tasks.values()]
        .map(({ record }) => record)
        .filter(({ state }) => state.rangeSince + 1n === height),
  }
}
