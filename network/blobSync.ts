/**
 * Blobs across the network: gives out what is here and fetches what is asked for, each blob once at a
 * time however many ask for it.
 */
import { maxBlobBytes } from '../params/protocol.ts'
import { type Clock, systemClock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { type DownloadFault, downloadBlob, type InTurn } from './blobDownload.ts'
import { serveBlobs } from './blobServer.ts'
import type { Host } from './host.ts'
import type { PeerId } from './peer.ts'

export type BlobSyncModules = {
  readonly host: Pick<Host, 'request' | 'serve' | 'peers' | 'ban'>
  readonly store: BlobStore
  readonly report: (problem: unknown) => void
  readonly clock?: Clock | undefined
}

type FetchOptions = {
  /** Whom to ask. @default whoever is connected */
  readonly peers?: readonly PeerId[] | undefined
  /** Told after each chunk. */
  readonly onProgress?: ((done: number, chunks: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** @default 10 minutes */
  readonly timeoutMs?: number | undefined
  /** @default maxBlobBytes */
  readonly maxBytes?: number | undefined
}

/** `fetch/ended`: the time was over, or the caller's signal aborted. */
type FetchFault = DownloadFault

export type BlobSync = {
  /** Make `hash` whole in the store; the verdict is its size in bytes. */
  readonly fetchBlob: (hash: Hash, options?: FetchOptions) => Promise<Result<number, FetchFault>>
  /** End all downloads; what has arrived stays. */
  readonly stop: () => Promise<void>
}

/**
 * Rounds of downloads at once, each of at most 16 MiB, and of searches for blobs that nobody may have.
 * Others wait their turn, and each takes its turns one by one: what is nowhere holds up nothing.
 */
const maxDownloads = 4
const maxSearches = 4

/** How long a peer may take for one chunk. */
const answerMs = 20_000

type Running = {
  readonly result: Promise<Result<number, FetchFault>>
  readonly controller: AbortController
  readonly listeners: Set<(done: number, chunks: number) => void>
  waiters: number
}

/** Serves at once; call it before the host starts. */
export function createBlobSync(modules: BlobSyncModules): BlobSync {
  const { host, store, report, clock = systemClock } = modules
  const downloads = new Map<Hash, Running>()
  const fetching = createTurns(maxDownloads)
  const searching = createTurns(maxSearches)
  serveBlobs({ host, store, report })

  async function fetchBlob(
    hash: Hash,
    options: FetchOptions = {},
  ): Promise<Result<number, FetchFault>> {
    const { maxBytes = maxBlobBytes } = options
    for (;;) {
      const result = await join(hash, options)
      if (result.ok)
        return result.value <= maxBytes ? result : refuse(tooLarge(hash, maxBytes, result.value))
      // Whoever began this download may have wanted less of it than we do.
      const another = result.fault.code === 'fetch/tooLarge' && result.fault.maxBytes < maxBytes
      if (!another) return result
    }
  }

  /** Wait for the download of `hash`, begun here or before; the last to leave ends it. */
  async function join(hash: Hash, options: FetchOptions): Promise<Result<number, FetchFault>> {
    const size = await store.size(hash)
    if (size !== null) return ok(size)
    // One that is ending still holds the file.
    const last = downloads.get(hash)
    if (last?.controller.signal.aborted === true) await last.result
    const running = downloads.get(hash) ?? begin(hash, options)
    const { onProgress = () => {} } = options
    running.listeners.add(onProgress)
    running.waiters++
    const result = await orGiveUp(running.result, options)
    running.waiters--
    running.listeners.delete(onProgress)
    if (result !== null) return result
    if (running.waiters > 0) return refuse({ code: 'fetch/ended', hash, missing: null })
    running.controller.abort()
    return running.result
  }

  /** Null if the caller's time is over or its signal aborts. */
  async function orGiveUp<T>(work: Promise<T>, options: FetchOptions): Promise<T | null> {
    const { timeoutMs = 600_000, signal } = options
    const { promise, resolve } = Promise.withResolvers<null>()
    const giveUp = () => resolve(null)
    const cancel = clock.after(timeoutMs, giveUp)
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted === true) giveUp()
    try {
      return await Promise.race([work, promise])
    } finally {
      cancel()
      signal?.removeEventListener('abort', giveUp)
    }
  }

  function begin(hash: Hash, { peers, maxBytes = maxBlobBytes }: FetchOptions): Running {
    const controller = new AbortController()
    const { signal } = controller
    const listeners: Running['listeners'] = new Set()
    const onProgress = (done: number, chunks: number) => {
      for (const listener of listeners) listener(done, chunks)
    }
    const result = downloadBlob(
      { hash, peers, maxBytes, signal, onProgress, answerMs },
      { host, store, clock, fetching, searching },
    ).finally(() => downloads.delete(hash))
    const running = { result, controller, listeners, waiters: 0 }
    downloads.set(hash, running)
    return running
  }

  async function stop(): Promise<void> {
    const running = [...downloads.values()]
    for (const { controller } of running) controller.abort()
    await Promise.allSettled(running.map(({ result }) => result))
  }

  return { fetchBlob, stop }
}

/** Carries out `max` pieces of work at once, the others first come, first served. */
function createTurns(max: number): InTurn {
  const waiting: (() => void)[] = []
  let active = 0
  return async (work) => {
    if (active >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else active++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) active--
      else next()
    }
  }
}

function tooLarge(hash: Hash, maxBytes: number, got: number): FetchFault {
  return { code: 'fetch/tooLarge', hash, maxBytes, got }
}
