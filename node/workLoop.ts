/**
 * The work loop: finds the leases that are this validator's to take, trains them, and certifies.
 *
 * It follows the head. Everything it does can be done again after a crash: a lease whose certificate
 * was forgotten is simply trained once more. What it cannot do in time it gives back while that is free.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import { readDataset } from '../registry/datasets.ts'
import { leaseSeed, leaseWork } from '../registry/evaluation.ts'
import { rangeSteps, stepMacs } from '../registry/job.ts'
import { readJob } from '../registry/jobRecord.ts'
import type { World } from '../registry/records.ts'
import { assignSteps, drawnAttempts, type Lease } from '../registry/schedule.ts'
import { sidecarName } from '../registry/sidecar.ts'
import type { CertifyCall } from '../vm/modules/jobs.ts'
import { createLeasePace } from './leasePace.ts'
import type { LeaseOrder, LeaseResult, LeaseWork } from './leaseWork.ts'
import type { Logger } from './logger.ts'
import { logFields } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { createSentCertificates, type SendAgain } from './sentCertificates.ts'

export type WorkOptions = {
  readonly self: Address
  /** Drawn leases to let pass before working. */
  readonly sitOut: number
  /** Leases that may be trained at once. */
  readonly parallel: number
}

export type WorkModules = {
  readonly params: ChainParams
  readonly work: LeaseWork
  /** Told what a certificate cost to make, by the name of its sidecar. */
  readonly made: (sidecar: Hash, result: LeaseResult) => void
  /** Sign, keep and announce a certificate. */
  readonly submit: (call: CertifyCall, sidecar: Uint8Array) => Promise<Result<Hash, Fault>>
  /** Step back from the drawn lease of a job. */
  readonly decline: (job: Hash) => Promise<Result<Hash, Fault>>
  /** Whether rows and weights of a lease are on this machine. */
  readonly hasData: (order: LeaseOrder) => Promise<boolean>
  readonly clock: Pick<Clock, 'now'>
  readonly metrics: Metrics
  readonly log: Logger
}

export type WorkLoop = {
  /** The head moved: look for leases. `world` reads the state at `head`. */
  readonly onHead: (world: World, head: bigint) => Promise<void>
  /** Stop and forget what is being trained. */
  readonly stop: () => Promise<void>
}

type Running = {
  readonly order: LeaseOrder
  /** Clock, milliseconds. */
  readonly began: number
  readonly abort: AbortController
  readonly done: Promise<void>
}

export function createWorkLoop(options: WorkOptions, modules: WorkModules): WorkLoop {
  const { self, parallel } = options
  const { params, submit, made, clock, metrics, log } = modules
  const running = new Map<string, Running>()
  const pace = createLeasePace()
  let toSitOut = options.sitOut
  const satOut = new Set<string>()
  const submitted = createSentCertificates(log)
  /** Leases given back; not theirs any more once a block says so. */
  const declined = new Set<string>()
  let latest = 0n

  async function onHead(world: World, head: bigint): Promise<void> {
    latest = head
    const leases = await assignSteps(world, params, head)
    forgetOthers(new Set(leases.map(nameOf)), head)
    for (const lease of leases) {
      const order = await orderOf(world, lease)
      if (order === null) continue
      if (isWanted(lease, head)) begin(order)
      const why = mayDecline(lease, head) ? await obstacle(order, head) : null
      if (why !== null) decline(lease, why)
    }
  }

  /** Drop what the chain has moved past. */
  function forgetOthers(current: ReadonlySet<string>, head: bigint): void {
    for (const [name, { abort }] of running) if (!current.has(name)) abort.abort()
    for (const name of declined) if (!current.has(name)) declined.delete(name)
    submitted.follow(current, head)
  }

  function isWanted(lease: Lease, head: bigint): boolean {
    const name = nameOf(lease)
    if (running.size >= parallel || isUnderWay(name)) return false
    return isMine(lease, head) && !sitsOut(lease, name)
  }

  function isUnderWay(name: string): boolean {
    return running.has(name) || submitted.has(name) || declined.has(name)
  }

  /** What is to be done for a lease that may be this validator's; null while nothing can be. */
  async function orderOf(world: World, lease: Lease): Promise<LeaseOrder | null> {
    const isOurs = lease.holder === null ? lease.able.includes(self) : lease.holder === self
    const record = isOurs ? await readJob(world, lease.job) : null
    if (record === null) return null
    const { job, range } = leaseWork(record.job, lease.range)
    const seed = leaseSeed(record.job, record.state, lease.range)
    const dataset = await readDataset(world, job.dataset)
    if (dataset === null || seed === zeroHash) return null
    return { lease, record, work: { job, range, seed }, dataset }
  }

  /** Whether a lease of ours can still be given back, by a call in the block after `head`. */
  function mayDecline(lease: Lease, head: bigint): boolean {
    const name = nameOf(lease)
    if (lease.attempt >= drawnAttempts || lease.holder !== self) return false
    if (submitted.has(name) || declined.has(name) || satOut.has(name)) return false
    return head >= lease.start && head + 1n < lease.start + BigInt(params.declineBlocks)
  }

  /** Why a lease cannot be worked in time: its data are not here, or other leases take too long. */
  async function obstacle(order: LeaseOrder, head: bigint): Promise<'data' | 'busy' | null> {
    const isRunning = running.has(nameOf(order.lease))
    if (isRunning) return (await modules.hasData(order)) ? null : 'data'
    const own = pace.expect(order.work)
    if (own === null) return null
    let wait = 0
    for (const { order: other, began } of running.values())
      wait += Math.max(0, (pace.expect(other.work) ?? 0) - (clock.now() - began))
    const blocks = Number(order.lease.end - head) - 2
    return wait + own > blocks * params.minBlockIntervalMs ? 'busy' : null
  }

  function decline(lease: Lease, why: string): void {
    const name = nameOf(lease)
    declined.add(name)
    running.get(name)?.abort.abort()
    modules
      .decline(lease.job)
      .then((sent) => {
        if (sent.ok) return log.info({ ...fieldsOf(lease), why }, 'lease given back')
        declined.delete(name)
        log.warn({ ...fieldsOf(lease), why, fault: logFields(sent.fault) }, 'lease kept')
      })
      .catch((error) => log.error({ err: error }, 'work loop failed'))
  }

  /** Drawn leases are taken at once; open ones in turn, so that not everybody trains the same steps. */
  function isMine(lease: Lease, head: bigint): boolean {
    if (lease.attempt < drawnAttempts) return lease.holder === self
    const turn = Number((head - lease.start + 1n) % BigInt(Math.max(lease.able.length, 1)))
    return lease.able[turn] === self
  }

  function sitsOut(lease: Lease, name: string): boolean {
    if (satOut.has(name)) return true
    if (toSitOut === 0 || lease.attempt >= drawnAttempts) return false
    toSitOut -= 1
    satOut.add(name)
    log.warn(fieldsOf(lease), 'lease sat out')
    return true
  }

  function begin(order: LeaseOrder): void {
    const { lease } = order
    const name = nameOf(lease)
    const abort = new AbortController()
    const began = clock.now()
    const done = carryOut(order, abort.signal)
      .then((result) => {
        if (result.ok) submitted.add(name, latest, result.value)
        else if (!abort.signal.aborted)
          log.warn({ ...fieldsOf(lease), fault: logFields(result.fault) }, 'lease failed')
      })
      .catch((error) => log.error({ err: error }, 'work loop failed'))
      .finally(() => running.delete(name))
    running.set(name, { order, began, abort, done })
  }

  /** Work a lease and send its certificate; returns how to send it again. */
  async function carryOut(
    order: LeaseOrder,
    signal: AbortSignal,
  ): Promise<Result<SendAgain, Fault>> {
    const { lease, work } = order
    const began = clock.now()
    const { from, count } = rangeSteps(work.job, work.range)
    log.info({ ...fieldsOf(lease), from }, 'lease taken')
    const result = await modules.work(order, signal)
    if (!result.ok) return result
    const { claim, sidecar, trainMs, proveMs } = result.value
    metrics.trainedMacs.inc(Number(BigInt(count) * stepMacs(work.job)))
    metrics.trainSeconds.observe(trainMs / 1_000)
    if (proveMs > 0) metrics.proveSeconds.observe(proveMs / 1_000)
    const call = { ...claim, sidecar: sidecarName(sidecar) }
    made(call.sidecar, result.value)
    pace.learn(work, clock.now() - began)
    const send = () => submit(call, sidecar)
    const sent = await send()
    if (!sent.ok) return sent
    log.info(
      { ...fieldsOf(lease), transaction: sent.value, bytes: sidecar.length, trainMs, proveMs },
      'certificate sent',
    )
    return ok(send)
  }

  return {
    onHead,
    stop: async () => {
      for (const { abort } of running.values()) abort.abort()
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}

function nameOf({ job, range, attempt }: Lease): string {
  return `${job}/${range}/${attempt}`
}

function fieldsOf({ job, range, attempt }: Lease): object {
  return { job, range, attempt }
}
