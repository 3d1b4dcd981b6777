/**
 * The server's surroundings as a test holds them: views that answer from maps, events fired by hand.
 */
import { systemClock } from '../../primitives/clock.ts'
import { type Hash, sha256Hash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import type { PendingView, RpcChain, RpcEvents, RpcModules, SyncView } from '../../rpc/modules.ts'
import type { BlockView, TransactionView } from '../../rpc/views.ts'
import type { AccuracyView, CertificateView, JobEvent } from '../../rpc/workViews.ts'
import { testGenesis } from '../chain/support.ts'

export type Hand = {
  readonly modules: RpcModules
  readonly head: (block: BlockView) => void
  readonly pending: (transaction: TransactionView) => void
  readonly job: (event: JobEvent) => void
  readonly certificate: (certificate: CertificateView) => void
  readonly accuracy: (measured: AccuracyView) => void
  readonly syncing: (sync: SyncView | null) => void
  /** What the server reported, oldest first. */
  readonly reported: unknown[]
  readonly blobs: Map<Hash, Uint8Array>
}

/** Modules around `chain`; `replace` swaps single modules. */
export function modulesAround(chain: RpcChain, replace: Partial<RpcModules> = {}): Hand {
  const head = signal<BlockView>()
  const pending = signal<PendingView>()
  const job = signal<JobEvent>()
  const certificate = signal<CertificateView>()
  const accuracy = signal<AccuracyView>()
  const syncing = signal<SyncView | null>()
  const events: RpcEvents = {
    onHead: head.on,
    onPendingTransaction: pending.on,
    onJob: job.on,
    onCertificate: certificate.on,
    onAccuracy: accuracy.on,
    onSyncing: syncing.on,
  }
  const reported: unknown[] = []
  const blobs = new Map<Hash, Uint8Array>()
  const none = async () => null
  const nothing = async () => ({ items: [], next: null })
  return {
    reported,
    blobs,
    head: head.fire,
    pending: (transaction) => pending.fire({ hash: transaction.hash, view: () => transaction }),
    job: job.fire,
    certificate: certificate.fire,
    accuracy: accuracy.fire,
    syncing: syncing.fire,
    modules: {
      clock: systemClock,
      chain,
      events,
      pool: {
        add: async () => ({ ok: false, fault: { code: 'transaction/signature' } }),
        get: () => null,
        status: () => ({ pending: 0, queued: 0 }),
        content: () => ({ pending: [], queued: [] }),
        nonce: () => null,
      },
      net: {
        listening: () => true,
        peerCount: () => 3,
        coinbase: null,
        syncing: () => null,
        clientVersion: 'waggle/test',
      },
      network: { params: testGenesis().params, modules: [] },
      train: {
        job: none,
        jobs: nothing,
        ranges: none,
        leases: async () => [],
        certificate: none,
        certificates: none,
        course: none,
        sidecar: none,
        weights: none,
        estimate: async (draft) => draft as never,
        price: async () => ({ basePrice: 7n, certificateFee: 8n, openFee: 9n }),
      },
      data: {
        dataset: none,
        datasets: nothing,
        model: none,
        models: nothing,
        lineage: none,
        collection: none,
        collections: nothing,
        allowed: nothing,
      },
      val: {
        supply: async () => ({
          genesis: 0n,
          minted: 0n,
          burnedByModules: 0n,
          burnedFees: 0n,
          balances: 0n,
          expected: 0n,
        }),
        epoch: () => 0,
        set: none,
        validator: none,
        proposer: none,
        commit: none,
        lightBlock: none,
      },
      rep: { service: none, participation: async () => [] },
      gate: async () => ok('open'),
      blobs: {
        size: async (hash) => blobs.get(hash)?.length ?? null,
        read: async function* (hash) {
          yield blobs.get(hash)!
        },
        write: async (chunks, maxBytes) => {
          const parts: Uint8Array[] = []
          for await (const chunk of chunks) parts.push(chunk)
          const bytes = concat(parts)
          if (bytes.length > maxBytes) return { ok: false, fault: { code: 'blob/size' } }
          const hash = sha256Hash(bytes)
          blobs.set(hash, bytes)
          return ok(hash)
        },
      },
      metrics: async () => 'waggle_height_blocks 54\n',
      report: (error) => reported.push(error),
      ...replace,
    },
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function signal<T>() {
  const listeners = new Set<(value: T) => void>()
  return {
    on: (listener: (value: T) => void) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    fire: (value: T) => {
      for (const listener of listeners) listener(value)
    },
  }
}
