/**
 * The work loop: finds the leases that are this validator's to take, trains them, and certifies.
 *
 * It follows the head. Everything it does can be done again after a crash: a lease whose certificate
 * was not included is simply trained once more.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
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
import type { LeaseOrder, LeaseResult, LeaseWork } from './leaseWork.ts'
import type { Logger } from './logger.ts'
import { logFields } from './logger.ts'
import type { Metrics } from './metrics.ts'

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
  readonly metrics: Metrics
  readonly log: Logger
}

export type WorkLoop = {
  /** The head moved: look for leases. `world` reads the state at `head`. */
  readonly onHead: (world: World, head: bigint) => Promise<void>
  /** Stop and forget what is being trained. */
  readonly stop: () => Promise<void>
}

/** Blocks that a certificate may wait for its inclusion before it is made anew. */
const patience = 8n

export function createWorkLoop(options: WorkOptions, modules: WorkModules): WorkLoop {
  const { self, parallel } = options
  const { params, submit, made, metrics, log } = modules
  const running = new Map<
    string,
    { readonly abort: AbortController; readonly done: Promise<void> }
  >()
  let toSitOut = options.sitOut
  const satOut = new Set<string>()
  /** Certificates sent, with the head they were sent at. */
  const submitted = new Map<string, bigint>()
  let latest = 0n

  async function onHead(world: World, head: bigint): Promise<void> {
    latest = head
    const leases = await assignSteps(world, params, head)
    forgetOthers(new Set(leases.map(nameOf)), head)
    for (const lease of leases) if (isWanted(lease, head)) await take(world, lease)
  }

  /** Drop what the chain has moved past, and certificates that have waited too long to be included. */
  function forgetOthers(current: ReadonlySet<string>, head: bigint): void {
    for (const [name, { abort }] of running) if (!current.has(name)) abort.abort()
    for (const [name, since] of submitted)
      if (!current.has(name) || head > since + patience) submitted.delete(name)
  }

  function isWanted(lease: Lease, head: bigint): boolean {
    const name = nameOf(lease)
    if (running.size >= parallel || running.has(name) || submitted.has(name)) return false
    return isMine(lease, head) && !sitsOut(lease, name)
  }

  async function take(world: World, lease: Lease): Promise<void> {
    const record = await readJob(world, lease.job)
    if (record === null) return
    const { job, range } = leaseWork(record.job, lease.range)
    const seed = leaseSeed(record.job, record.state, lease.range)
    const dataset = await readDataset(world, job.dataset)
    if (dataset !== null && seed !== zeroHash)
      begin({ lease, record, work: { job, range, seed }, dataset })
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
    const done = carryOut(order, abort.signal)
      .then((result) => {
        if (result.ok) submitted.set(name, latest)
        else if (!abort.signal.aborted)
          log.warn({ ...fieldsOf(lease), fault: logFields(result.fault) }, 'lease failed')
      })
      .catch((error) => log.error({ err: error }, 'work loop failed'))
      .finally(() => running.delete(name))
    running.set(name, { abort, done })
  }

  async function carryOut(order: LeaseOrder, signal: AbortSignal): Promise<Result<Hash, Fault>> {
    const { lease, work } = order
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
    const sent = await submit(call, sidecar)
    if (!sent.ok) return sent
    log.info(
      { ...fieldsOf(lease), transaction: sent.value, bytes: sidecar.length, trainMs, proveMs },
      'certificate sent',
    )
    return ok(sent.value)
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
