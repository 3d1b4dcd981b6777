/**
 * The node as its RPC server sees it.
 */
import { createReadStream } from 'node:fs'
import type { Chain } from '../chain/chain.ts'
import { createTrainingPool } from '../compute/trainingPool.ts'
import { proposer } from '../consensus/proposer.ts'
import type { TransactionPool } from '../mempool/transactionPool.ts'
import type { BlockSync } from '../network/blockSync.ts'
import type { Host } from '../network/host.ts'
import type { Address } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { readDataset } from '../registry/datasets.ts'
import { readJob } from '../registry/jobRecord.ts'
import { createBlobGate } from '../rpc/blobGate.ts'
import { blockViewOf } from '../rpc/blockView.ts'
import { createChainView } from '../rpc/chainView.ts'
import { worldOf } from '../rpc/headState.ts'
import type { RpcBlobs, RpcModules, SyncView } from '../rpc/modules.ts'
import { networkViewOf } from '../rpc/networkView.ts'
import { createPoolView, pendingView } from '../rpc/poolView.ts'
import { createDataViews, createRepViews, createValViews } from '../rpc/registryView.ts'
import { createTrainViews } from '../rpc/trainView.ts'
import { createWorkIndex, type WorkIndex } from '../rpc/workIndex.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { KeyValue } from '../storage/keyValue.ts'
import { prefixed } from '../storage/prefix.ts'
import { createAccuracyMeter, type RunningMeter } from './accuracyMeter.ts'
import { createAccuracyStore } from './accuracyStore.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { SidecarStore } from './sidecarStore.ts'

export type RpcParts = {
  readonly chain: Chain
  readonly store: KeyValue
  readonly blobs: BlobStore
  readonly sidecars: Pick<SidecarStore, 'get'>
  readonly transactions: TransactionPool
  readonly host: Host
  readonly blockSync: BlockSync
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Logger
  readonly version: string
  /** Null for a follower. */
  readonly coinbase: Address | null
}

/** A head more than this far above ours means that we are syncing. */
const syncGap = 2n

export function createRpcModules(parts: RpcParts): {
  readonly modules: RpcModules
  readonly index: WorkIndex
  readonly meter: RunningMeter
} {
  const { chain, store, transactions, host, clock, metrics, log } = parts
  const report = (error: unknown) => log.error({ err: error }, 'rpc')
  const view = createChainView({}, { chain, clock })
  const blobs = blobsOf(parts.blobs)
  const index = createWorkIndex({
    store: prefixed(store, utf8ToBytes('w/')),
    chain: view,
    onHead: (listener) => chain.onHead(() => listener()),
    report,
  })
  const meter = createAccuracyMeter({
    store: createAccuracyStore(prefixed(store, utf8ToBytes('m/'))),
    pool: createTrainingPool({ maxQueue: 1 }, { warn: (text) => log.warn({ text }, 'worker') }),
    blobs: parts.blobs,
    index,
    job: async (id) => readJob(await worldOf(chain), id),
    dataset: async (root) => readDataset(await worldOf(chain), root),
    log,
  })
  const startingBlock = chain.head().height

  function syncing(): SyncView | null {
    const currentBlock = chain.head().height
    const highestBlock = parts.blockSync.target()
    return highestBlock > currentBlock + syncGap
      ? { startingBlock, currentBlock, highestBlock }
      : null
  }

  const modules: RpcModules = {
    clock,
    chain: view,
    pool: createPoolView(transactions),
    events: {
      onHead: (listener) => chain.onHead(({ outcome }) => listener(blockViewOf(outcome.block))),
      onPendingTransaction: (listener) =>
        transactions.onAdded((transaction) => listener(pendingView(transaction))),
      onJob: index.onJob,
      onCertificate: index.onCertificate,
      onAccuracy: meter.onAccuracy,
      onSyncing: (listener) => {
        let before = syncing() !== null
        return chain.onHead(() => {
          const now = syncing()
          if ((now !== null) !== before) listener(now)
          before = now !== null
        })
      },
    },
    net: {
      listening: () => host.addresses().length > 0,
      peerCount: () => host.peers().length,
      coinbase: parts.coinbase,
      syncing,
      clientVersion: parts.version,
    },
    network: networkViewOf(chain),
    train: createTrainViews({ chain, index, blobs, meter, sidecar: parts.sidecars.get }),
    data: createDataViews({ chain, blobs }),
    val: createValViews({
      chain,
      proposer: async (height, round) => {
        const set = await chain.setAt(height)
        if (set === null) return null
        const { epochLength } = chain.rules.params
        return set.validators[proposer(set, height, round, epochLength)]!.address
      },
    }),
    rep: createRepViews({ chain }),
    blobs,
    gate: createBlobGate({
      chainId: chain.genesis.chainId,
      world: () => worldOf(chain),
      index,
      clock,
    }),
    metrics: metrics.text,
    report,
  }
  return { modules, index, meter }
}

function blobsOf(blobs: BlobStore): RpcBlobs {
  return {
    size: blobs.size,
    read: (hash) => createReadStream(blobs.path(hash)),
    write: (chunks, maxBytes) => blobs.putStream(chunks, maxBytes),
  }
}
