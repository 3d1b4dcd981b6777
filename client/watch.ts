/**
 * Following a job: over a WebSocket transport by subscription, over HTTP by asking again.
 */
import type { Account, Chain, Client, Transport } from 'viem'
import type { Hash } from '../primitives/hash.ts'
import type { Ask } from './ask.ts'
import type { CertificateWire, JobWire, PageWire } from './wire.ts'

export type WatchOptions = {
  /** Told every certificate once, in range order, those from before the watch included. */
  readonly onCertificate?: ((certificate: CertificateWire) => void) | undefined
  /** Told the job whenever it moved. */
  readonly onJob?: ((job: JobWire) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

type Subscribing = {
  readonly subscribe?: (order: {
    readonly params: readonly unknown[]
    readonly onData: (data: unknown) => void
    readonly onError?: (error: unknown) => void
  }) => Promise<{ readonly unsubscribe: () => Promise<unknown> }>
}

/** Resolves with the job's state once it is finished or cancelled, or when the signal aborts. */
export async function watchJob(
  client: Client<Transport, Chain | undefined, Account | undefined>,
  ask: Ask,
  id: Hash,
  { onCertificate = () => {}, onJob = () => {}, signal }: WatchOptions,
): Promise<JobWire> {
  const moved = createBell()
  const stop = await listen(client, id, moved.ring)
  signal?.addEventListener('abort', moved.ring, { once: true })
  let told = 0
  let before = ''
  try {
    for (;;) {
      const job = await ask<JobWire | null>('train_getJob', id)
      if (job === null) throw new Error(`there is no job ${id}`)
      told = await tellCertificates(ask, job, told, onCertificate)
      const now = `${job.status} ${job.rangesDone}`
      if (now !== before) onJob(job)
      before = now
      const isOver = job.status === 'finished' || job.status === 'cancelled'
      if (isOver || signal?.aborted === true) return job
      await moved.rung(client.pollingInterval)
    }
  } finally {
    stop()
  }
}

/** @returns ranges told so far. */
async function tellCertificates(
  ask: Ask,
  job: JobWire,
  from: number,
  tell: (certificate: CertificateWire) => void,
): Promise<number> {
  let next = from
  while (next < Number(job.rangesDone)) {
    const window = { cursor: next, limit: 100 }
    const page = await ask<PageWire<CertificateWire>>('train_listCertificates', job.id, window)
    // What the index has not read yet comes with the next look.
    if (page.items.length === 0) return next
    for (const certificate of page.items) tell(certificate)
    next = Number(page.items.at(-1)!.range) + 1
  }
  return next
}

/** Ring whenever the node tells of the job; where nothing can be subscribed, waiting must do. */
async function listen(
  client: Client<Transport, Chain | undefined, Account | undefined>,
  id: Hash,
  ring: () => void,
): Promise<() => void> {
  const { subscribe } = client.transport as Subscribing
  if (subscribe === undefined) return () => {}
  const feed = await subscribe({ params: ['jobs', { job: id }], onData: ring, onError: ring })
  return () => {
    feed.unsubscribe().catch(() => {})
  }
}

/** A wait that ends when rung, or after `ms`. */
function createBell() {
  let isRung = false
  let wake = () => {}
  return {
    ring: () => {
      isRung = true
      wake()
    },
    rung: (ms: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(done, isRung ? 0 : ms)
        wake = done
        function done(): void {
          clearTimeout(timer)
          isRung = false
          resolve()
        }
      }),
  }
}
