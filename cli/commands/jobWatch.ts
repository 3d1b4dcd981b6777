/**
 * `waggle job watch`: a job's certificates as they are committed, until it is paid.
 */

import { jobOfWire } from '../../client/jobWire.ts'
import type { CertificateWire, JobEventWire, PageWire } from '../../client/wire.ts'
import { type Address, checksumAddress } from '../../primitives/address.ts'
import type { Hash } from '../../primitives/hash.ts'
import { evaluationJob, isEvaluation } from '../../registry/evaluation.ts'
import { type Job, rangeSteps } from '../../registry/job.ts'
import { coinsText } from '../format.ts'
import { type Io, paint } from '../io.ts'
import { type Progress, startProgress } from '../progress.ts'
import { createReport, type Report } from '../report.ts'
import { connect, type Node, type RpcFlags } from '../rpc.ts'
import { subscribe } from '../subscription.ts'
import { shorten } from '../table.ts'
import { findJob } from './model.ts'

/** Follow `id` to its end, or until the user has seen enough. */
export async function watchJob(id: Hash, flags: RpcFlags, io: Io): Promise<void> {
  const node = await connect(flags.rpc)
  const job = jobOfWire(await findJob(node, id))
  const report = createReport(io, flags)
  const progress = startProgress(io, { label: 'training', total: job.steps, unit: 'steps' })
  const follower = createFollower(id, job, report, io, progress)
  // Subscribed before the past is read, so that nothing falls between.
  const live = await subscribe<JobEventWire>(node.url, ['jobs', { job: id }], follower.onEvent)
  try {
    for (const certificate of await pastCertificates(node, id)) follower.onCertificate(certificate)
    const { status } = await findJob(node, id)
    if (status === 'finished' || status === 'cancelled') follower.onEnd(status)
    await Promise.race([follower.ended, live.lost, aborted(io.stopped)])
  } finally {
    live.close()
    progress.end()
  }
}

type Follower = {
  readonly onCertificate: (certificate: CertificateFields) => void
  readonly onEvent: (event: JobEventWire) => void
  readonly onEnd: (status: 'finished' | 'cancelled') => void
  readonly ended: Promise<void>
}

/** What both a listed certificate and a `Certified` event say. */
type CertificateFields = Pick<
  CertificateWire,
  'range' | 'worker' | 'fee' | 'losses' | 'weights' | 'blockNumber'
>

function createFollower(id: Hash, job: Job, report: Report, io: Io, progress: Progress): Follower {
  const seen = new Set<number>()
  const paid = new Map<Address, bigint>()
  let over = false
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })

  function onCertificate(certificate: CertificateFields): void {
    const range = Number(BigInt(certificate.range))
    if (seen.has(range)) return
    seen.add(range)
    const fee = BigInt(certificate.fee)
    const { from, count } = rangeSteps(job, range)
    const evaluates = isEvaluation(job, range)
    const rows = evaluates ? evaluationJob(job).batch : job.batch
    const worker = certificate.worker.toLowerCase() as Address
    const loss = Number(BigInt(certificate.losses.at(-1) ?? 0)) / rows
    paid.set(worker, (paid.get(worker) ?? 0n) + fee)
    const json = {
      event: evaluates ? 'Evaluated' : 'Certified',
      job: id,
      range,
      ...(evaluates ? { rows } : { fromStep: from, steps: count }),
      worker,
      feeWei: fee,
      lossPerRow: loss,
      weights: certificate.weights,
      block: Number(BigInt(certificate.blockNumber)),
    }
    report.result(json, () => {
      const who = checksumAddress(worker)
      const parts = [
        evaluates ? `${rows} held-out rows` : `steps ${from} to ${from + count - 1}`,
        `loss ${loss.toFixed(0)} a row`,
        coinsText(fee),
        io.columns < 110 ? shorten(who, 13) : who,
      ]
      return `${paint(io, 'green', evaluates ? 'evaluated' : 'certified')}  ${parts.join('  ')}\n`
    })
    progress.update([...seen].reduce((sum, one) => sum + rangeSteps(job, one).count, 0))
  }

  function onEvent({ event, blockNumber, details }: JobEventWire): void {
    if (event === 'Certified')
      onCertificate({ ...(details as unknown as CertificateFields), blockNumber })
    else if (event === 'JobFinished') onEnd('finished')
    else if (event === 'JobCancelled') onEnd('cancelled')
    else if (event !== 'Evaluated') onOther({ event, blockNumber, details })
  }

  /** A missed or declined lease. */
  function onOther({ event, blockNumber, details }: Omit<JobEventWire, 'job' | 'transactionHash'>) {
    const block = Number(BigInt(blockNumber))
    report.result(
      { event, job: id, block, ...details },
      () => `${paint(io, 'yellow', plain(event))}  in block ${block}\n`,
    )
  }

  function onEnd(status: 'finished' | 'cancelled'): void {
    if (over) return
    over = true
    const total = [...paid.values()].reduce((sum, wei) => sum + wei, 0n)
    const workers = [...paid].map(([worker, wei]) => ({ worker, feeWei: wei }))
    report.result({ event: status, job: id, leases: seen.size, feesWei: total, workers }, () =>
      [
        `${paint(io, 'bold', status)}  ${seen.size} leases, ${coinsText(total)} in fees, `,
        `${workers.length} workers\n`,
        status === 'finished' ? `next: waggle model pull ${id} -o model.waggle\n` : '',
      ].join(''),
    )
    end()
  }

  return { onCertificate, onEvent, onEnd, ended }
}

async function pastCertificates(node: Node, id: Hash): Promise<readonly CertificateWire[]> {
  const found: CertificateWire[] = []
  for (let cursor = 0; ; ) {
    const page = await node.call<PageWire<CertificateWire>>('train_listCertificates', id, {
      cursor,
      limit: 100,
    })
    found.push(...page.items)
    if (page.next === null) return found
    cursor = Number(BigInt(page.next))
  }
}

/** `LeaseMissed` as `lease missed`. */
function plain(event: string): string {
  return event.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
