/**
 * What follows each new head: pools are cleared of what it holds, early certificates are tried again,
 * the work loop looks for leases, and consensus learns whether there is work for a block.
 */
import type { Chain, NewHead } from '../chain/chain.ts'
import { claimOf } from '../mempool/certificateClaim.ts'
import type { TransactionPool } from '../mempool/transactionPool.ts'
import type { BlockSync } from '../network/blockSync.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { listLength } from '../registry/layout.ts'
import type { Transaction } from '../vm/transaction.ts'
import { sidecarRetention } from './blockRecord.ts'
import type { Certificates } from './certificates.ts'
import type { DataKeeper } from './dataKeeper.ts'
import type { EvidencePool } from './evidencePool.ts'
import type { Keeper } from './keeper.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { SidecarStore } from './sidecarStore.ts'
import { breathe } from './turns.ts'
import type { WorkLoop } from './workLoop.ts'

export type HeadFollowerModules = {
  readonly chain: Chain
  readonly transactions: TransactionPool
  readonly certificates: Certificates
  readonly evidence: EvidencePool
  /** Null: this node takes no leases. */
  readonly work: WorkLoop | null
  readonly data: DataKeeper
  /** Null for a node that has nothing at stake. */
  readonly keeper: Keeper | null
  readonly sidecars: Pick<SidecarStore, 'get' | 'put' | 'prune'>
  readonly fetchSidecar: (name: Hash, maxBytes: number) => Promise<Uint8Array | null>
  readonly blockSync: Pick<BlockSync, 'announce'>
  readonly metrics: Metrics
  readonly log: Logger
}

export type HeadFollower = {
  /** Whether the next block has something to do: transactions, certificates, or a job under way. */
  readonly hasWork: () => boolean
  readonly onWork: (arrived: () => void) => () => void
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

export function createHeadFollower(modules: HeadFollowerModules): HeadFollower {
  const { chain, transactions, certificates, evidence, work, data, keeper } = modules
  const { sidecars, blockSync } = modules
  const { metrics, log } = modules
  const listeners = new Set<() => void>()
  const releases: (() => void)[] = []
  let activeJobs = 0
  let turn: Promise<void> = Promise.resolve()
  let stopped = false

  function arrived(): void {
    for (const listener of listeners) listener()
  }

  function enqueue(action: () => Promise<void>): void {
    turn = turn
      .then(() => (stopped ? undefined : action()))
      .catch((error) => log.error({ err: error }, 'after a new head'))
  }

  async function onHead({ outcome }: NewHead): Promise<void> {
    const { height, transactions: mined } = outcome
    metrics.height.set(Number(height))
    metrics.transactions.inc(mined.length)
    await transactions.reset(mined)
    await breathe()
    await certificates.pool.reset(height, mined)
    await keepSidecars(height, mined)
    await breathe()
    const envelope = await chain.envelopeAt(height)
    if (envelope !== null) evidence.reset(envelope, height)
    certificates.onHead()
    blockSync.announce()
    await breathe()
    // Of heads that come faster than they can be looked at, only the newest says what there is to do.
    if (chain.head().height === height) await look()
    metrics.pool.set(transactions.status().pending)
  }

  /** Proofs stay with the block for a while; those that this node never saw are asked for. */
  async function keepSidecars(height: bigint, mined: readonly Transaction[]): Promise<void> {
    for (const transaction of mined) {
      const claim = claimOf(chain.rules.engine, transaction)
      if (claim === null || (await sidecars.get(claim.sidecar)) !== null) continue
      const bytes = certificates.pool.sidecar(claim.sidecar)
      if (bytes === null) fetchLater(height, claim.sidecar)
      else await sidecars.put(height, claim.sidecar, bytes)
    }
    await sidecars.prune(height - sidecarRetention)
  }

  function fetchLater(height: bigint, name: Hash): void {
    const { maxSidecarBytes } = chain.rules.params
    modules
      .fetchSidecar(name, maxSidecarBytes)
      .then((bytes) => (bytes === null || stopped ? undefined : sidecars.put(height, name, bytes)))
      .catch((error) => log.error({ err: error }, 'fetching a sidecar'))
  }

  /** Look at the head's state: how many jobs run, and which leases are ours. */
  async function look(): Promise<void> {
    const { height } = chain.head()
    const reader = await chain.readAt(height)
    invariant(reader !== null, 'headFollower: the head can be read')
    const before = activeJobs
    activeJobs = await listLength(reader.world.jobs, 'active')
    if (before === 0 && activeJobs > 0) arrived()
    await breathe()
    // Nothing is begun that `stop` has already looked for.
    if (!stopped) await data.onHead(reader.world)
    await breathe()
    if (!stopped) await work?.onHead(reader.world, height)
    if (!stopped) await keeper?.onHead(reader.world, height)
  }

  return {
    hasWork: () =>
      activeJobs > 0 || transactions.status().pending > 0 || certificates.pool.all().length > 0,
    onWork: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    start: async () => {
      releases.push(
        chain.onHead((event) => enqueue(() => onHead(event))),
        transactions.onAdded(arrived),
        certificates.pool.onAdded(arrived),
      )
      metrics.height.set(Number(chain.head().height))
      const first = look()
      turn = first.catch(() => {})
      await first
    },
    stop: async () => {
      stopped = true
      for (const release of releases) release()
      certificates.stop()
      data.stop()
      keeper?.stop()
      await work?.stop()
      await turn
      // A lease may have been begun while the others were being given up.
      await work?.stop()
    },
  }
}
