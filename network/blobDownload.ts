/**
 * One download: a blob's chunks from several peers at once. A peer that sends a wrong byte is banned;
 * one that fails to answer is left aside until the next round.
 */
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { BlobFault } from '../storage/blobFault.ts'
import {
  type BlobManifest,
  blobHashOf,
  chunkLength,
  decodeManifest,
  maxManifestBytes,
} from '../storage/blobManifest.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { PartialBlob } from '../storage/partialBlob.ts'
import { blobTopics, chunkQuestion, hashQuestion } from './blobServer.ts'
import type { Host } from './host.ts'
import type { PeerId } from './peer.ts'

export type DownloadOptions = {
  readonly hash: Hash
  /** Whom to ask; those connected at the time of each round, if not given. */
  readonly peers?: readonly PeerId[] | undefined
  readonly maxBytes: number
  /** Ends the download; what has arrived stays for the next time. */
  readonly signal: AbortSignal
  readonly onProgress: (done: number, chunks: number) => void
  /** How long a peer may take for one answer. */
  readonly answerMs: number
}

/** Carries out work when its turn has come. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

export type DownloadModules = {
  readonly host: Pick<Host, 'request' | 'peers' | 'ban'>
  readonly store: BlobStore
  readonly clock: Clock
  /** For each round of chunks, and for each round of asking who has the blob. */
  readonly fetching: InTurn
  readonly searching: InTurn
}

/** `missing` counts chunks; null if not even the manifest was found. */
export type DownloadFault =
  | { readonly code: 'fetch/ended'; readonly hash: Hash; readonly missing: number | null }
  | {
      readonly code: 'fetch/tooLarge'
      readonly hash: Hash
      readonly maxBytes: number
      readonly got: number
    }
  | BlobFault

/** Peers used at once, and chunks asked of each at once: at most 16 MiB are in memory. */
const maxSources = 8
const chunksPerSource = 2

/** Answers that a peer may fail to give before it is left aside. */
const maxFailures = 2

/** Between two rounds that brought nothing. */
const pauseMs = 300

type Source = { readonly peer: PeerId; failures: number }

/** Download into the store; the verdict is the blob's size in bytes. */
export async function downloadBlob(
  options: DownloadOptions,
  modules: DownloadModules,
): Promise<Result<number, DownloadFault>> {
  const { hash, peers, maxBytes, signal, onProgress, answerMs } = options
  const { host, store, clock, fetching, searching } = modules
  const aborted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null)
    signal.addEventListener('abort', () => resolve(null), { once: true })
  })

  async function run(): Promise<Result<number, DownloadFault>> {
    const begun = await begin()
    if (!begun.ok) return begun.fault.code === 'blob/present' ? sizeOf() : begun
    try {
      return await fill(begun.value)
    } finally {
      await begun.value.close()
    }
  }

  async function fill(partial: PartialBlob): Promise<Result<number, DownloadFault>> {
    const { size } = partial.manifest
    if (size > maxBytes) return refuse({ code: 'fetch/tooLarge', hash, maxBytes, got: size })
    while (partial.missingCount() > 0) {
      if (signal.aborted) return ended(partial.missingCount())
      const before = partial.missingCount()
      const round = await unlessAborted(fetching(() => fetchRound(partial)))
      if (round?.ok === false) return round
      if (partial.missingCount() === before) await pause()
    }
    const completed = await partial.complete()
    return completed.ok ? ok(size) : completed
  }

  /** It came another way meanwhile. */
  async function sizeOf(): Promise<Result<number, DownloadFault>> {
    const size = await store.size(hash)
    return size === null ? refuse({ code: 'blob/missing', hash }) : ok(size)
  }

  /** The arrival, with the manifest that is on disk or one that a peer gives. */
  async function begin(): Promise<Result<PartialBlob, DownloadFault>> {
    const resumed = await store.resume(hash)
    if (resumed.ok || resumed.fault.code !== 'blob/missing') return resumed
    while (!signal.aborted) {
      const manifest = await unlessAborted(searching(findManifest))
      if (manifest !== null) return store.begin(hash, manifest)
      await pause()
    }
    return ended(null)
  }

  async function findManifest(): Promise<BlobManifest | null> {
    for (const peer of candidates()) {
      const manifest = signal.aborted ? null : await askManifest(peer)
      if (manifest !== null) return manifest
    }
    return null
  }

  async function askManifest(peer: PeerId): Promise<BlobManifest | null> {
    const limits = { timeoutMs: answerMs, maxBytes: maxManifestBytes }
    const answer = await unlessAborted(
      host.request(peer, blobTopics.manifest, hashQuestion(hash), limits),
    )
    if (answer === null || !answer.ok) return null
    const decoded = decodeManifest(answer.value)
    if (decoded.ok && blobHashOf(decoded.value) === hash) return decoded.value
    host.ban(peer, 'a wrong manifest')
    return null
  }

  /** Ask every source for chunks until none is missing or no source is left. */
  async function fetchRound(partial: PartialBlob): Promise<Result<'done', DownloadFault>> {
    if (signal.aborted) return ok('done')
    const queue = missingOf(partial)
    const sources = await findSources()
    const workers = sources.flatMap((source) =>
      Array.from({ length: chunksPerSource }, () => work(partial, source, queue)),
    )
    const verdicts = await unlessAborted(Promise.all(workers))
    return verdicts?.find((verdict) => !verdict.ok) ?? ok('done')
  }

  async function work(
    partial: PartialBlob,
    source: Source,
    queue: number[],
  ): Promise<Result<'done', DownloadFault>> {
    while (source.failures < maxFailures && !signal.aborted) {
      const index = queue.shift()
      if (index === undefined) break
      const stored = await fetchChunk(partial, source, index)
      if (!stored.ok) return stored
      if (stored.value === 'failed') queue.push(index)
      else
        onProgress(
          partial.manifest.leaves.length - partial.missingCount(),
          partial.manifest.leaves.length,
        )
    }
    return ok('done')
  }

  /** A failure of the source is `failed`; a fault is ours, and ends the download. */
  async function fetchChunk(
    partial: PartialBlob,
    source: Source,
    index: number,
  ): Promise<Result<'stored' | 'failed', DownloadFault>> {
    const limits = { timeoutMs: answerMs, maxBytes: chunkLength(partial.manifest.size, index) }
    const question = chunkQuestion(hash, index)
    const answer = await host.request(source.peer, blobTopics.chunk, question, limits)
    if (!answer.ok) {
      source.failures += answer.fault.code === 'network/refused' ? maxFailures : 1
      return ok('failed')
    }
    const stored = await partial.putChunk(index, answer.value)
    if (stored.ok) return stored
    if (stored.fault.code !== 'blob/chunk' && stored.fault.code !== 'blob/chunkSize') return stored
    source.failures = maxFailures
    host.ban(source.peer, `chunk ${index} of ${hash} is wrong`)
    return ok('failed')
  }

  async function findSources(): Promise<readonly Source[]> {
    const limits = { timeoutMs: answerMs, maxBytes: 1 }
    const answers = candidates().map(async (peer): Promise<Source[]> => {
      const answer = await host.request(peer, blobTopics.has, hashQuestion(hash), limits)
      return answer.ok ? [{ peer, failures: 0 }] : []
    })
    const found = await unlessAborted(Promise.all(answers))
    return (found ?? []).flat().slice(0, maxSources)
  }

  /** In another order each time, so that not all nodes lean on the same few. */
  function candidates(): readonly PeerId[] {
    const all = peers ?? host.peers().map(({ id }) => id)
    const turn = Math.floor(Math.random() * all.length)
    return [...all.slice(turn), ...all.slice(0, turn)].slice(0, 4 * maxSources)
  }

  function pause(): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<null>()
    const cancel = clock.after(pauseMs, () => resolve(null))
    return unlessAborted(promise).finally(cancel)
  }

  function unlessAborted<T>(work: Promise<T>): Promise<T | null> {
    return Promise.race([work, aborted])
  }

  function ended(missing: number | null): Result<never, DownloadFault> {
    return refuse({ code: 'fetch/ended', hash, missing })
  }

  return run()
}

function missingOf(partial: PartialBlob): number[] {
  const bits = partial.missing()
  return [...partial.manifest.leaves.keys()].filter((i) => ((bits[i >> 3]! >> (i & 7)) & 1) === 1)
}
