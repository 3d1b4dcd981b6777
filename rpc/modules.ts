/**
 * What the server needs from the rest of the node, as types it owns: filled in by `node/`, or by a
 * test. Everything handed over is plain data; a `null` says that there is no such thing.
 */
import type { NextBlock, NextBlockRequest } from '../chain/foreign/nextBlock.ts'
import type { HistoryIndex } from '../chain/historyIndex.ts'
import type { PoolFault } from '../mempool/poolFault.ts'
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { Overrides } from '../vm/overrides.ts'
import type { SimulatedBlock, SimulateFault, SimulateRequest } from '../vm/simulateBlocks.ts'
import type { BlobGate } from './blobGate.ts'
import type { CollectionViews } from './collectionView.ts'
import type { ForkView } from './forkView.ts'
import type { NetworkView } from './networkView.ts'
import type { WatchedVm } from './tracers/tracer.ts'
import type {
  AccountView,
  BlockView,
  CallOutcome,
  CallView,
  HeaderView,
  ProofView,
  ReceiptView,
  TransactionView,
} from './views.ts'
import type {
  AccuracyView,
  CertificateView,
  DataViews,
  JobEvent,
  RepViews,
  TrainViews,
  ValViews,
} from './workViews.ts'

export type RpcModules = {
  readonly clock: Clock
  readonly chain: RpcChain
  readonly pool: RpcPool
  readonly events: RpcEvents
  readonly net: RpcNet
  readonly network: NetworkView
  readonly train: TrainViews
  readonly data: DataViews & CollectionViews
  readonly val: ValViews
  readonly rep: RepViews
  readonly blobs: RpcBlobs
  readonly gate: BlobGate
  /** Present where another chain is served: then methods about ours do not exist. */
  readonly testing?: RpcTesting | undefined
  /** Text of `GET /metrics`. */
  readonly metrics: () => Promise<string>
  /** Told of failures that no caller sees: our own bugs, failing disks. */
  readonly report: (error: unknown) => void
}

/** Committed blocks are final, so a block number names one block and one state for ever. */
export type RpcChain = {
  readonly chainId: bigint
  readonly head: () => bigint
  /** Lowest number whose block is kept; 0 unless the node began at a snapshot. */
  readonly earliest: () => bigint
  /** Lowest number whose state is kept. */
  readonly stateFloor: () => bigint
  readonly header: (number: bigint) => Promise<HeaderView | null>
  readonly block: (number: bigint) => Promise<BlockView | null>
  readonly numberOf: (hash: Hash) => Promise<bigint | null>
  /** In transaction order. */
  readonly receipts: (number: bigint) => Promise<readonly ReceiptView[] | null>
  /** Where a committed transaction is. */
  readonly locate: (
    transaction: Hash,
  ) => Promise<{ readonly number: bigint; readonly index: number } | null>
  readonly history: HistoryIndex
  /** State after block `number`. Null: that state is not kept; an unknown account is all zeros. */
  readonly account: (address: Address, number: bigint) => Promise<AccountView | null>
  readonly code: (address: Address, number: bigint) => Promise<Uint8Array | null>
  readonly storageAt: (address: Address, slot: bigint, number: bigint) => Promise<bigint | null>
  readonly proof: (
    address: Address,
    slots: readonly bigint[],
    number: bigint,
  ) => Promise<ProofView | null>
  /** Run on top of block `number`, in that block's context, and forget. */
  readonly call: (
    call: CallView,
    number: bigint,
    overrides?: Overrides,
    watch?: (vm: WatchedVm) => void,
  ) => Promise<CallOutcome | null>
  /** Run block `number` again, watched; false: not within the time for it. */
  readonly replay: (number: bigint, watch: (vm: WatchedVm) => void) => Promise<boolean | null>
  /** EIP-7910: the rules at the head. */
  readonly forks: () => Promise<ForkView>
  /** Imagine blocks on top of block `number`. */
  readonly simulate: (
    request: SimulateRequest,
    number: bigint,
  ) => Promise<Result<readonly SimulatedBlock[], SimulateFault> | null>
}

export type RpcPool = {
  /** Told of what will be added soon, to begin finding out who signed it. @default nobody */
  readonly foresee?: ((raw: Uint8Array) => Promise<void>) | undefined
  /** Check and keep a signed transaction. */
  readonly add: (raw: Uint8Array) => Promise<Result<Hash, PoolFault>>
  readonly get: (hash: Hash) => TransactionView | null
  readonly status: () => { readonly pending: number; readonly queued: number }
  /** Executable now, and waiting for an earlier nonce; at most `limit` of each. */
  readonly content: (wanted: { readonly from: Address | null; readonly limit: number }) => {
    readonly pending: readonly TransactionView[]
    readonly queued: readonly TransactionView[]
  }
  /** Next nonce counting the pool's executable transactions; null if it has none of `address`. */
  readonly nonce: (address: Address) => bigint | null
}

/** Blocks that are built on the head and kept by nobody. */
export type RpcTesting = {
  /** Raw transactions, all of which must run; null packs what the pool has and what of it runs. */
  readonly build: (
    request: Omit<NextBlockRequest, 'transactions' | 'all'> & {
      readonly transactions: readonly Uint8Array[] | null
    },
  ) => Promise<Result<NextBlock, Fault & { readonly why: string }>>
}

/**
 * Each call starts telling `listener`; what it returns stops that. Listeners never throw. When a head
 * is announced, `RpcChain` already answers for it.
 */
export type RpcEvents = {
  readonly onHead: (listener: (block: BlockView) => void) => () => void
  readonly onPendingTransaction: (listener: (transaction: PendingView) => void) => () => void
  /** Something happened to a job, in a committed block. */
  readonly onJob: (listener: (event: JobEvent) => void) => () => void
  /** A certificate was settled, in a committed block. */
  readonly onCertificate: (listener: (certificate: CertificateView) => void) => () => void
  /** This node measured the accuracy of a checkpoint. */
  readonly onAccuracy: (listener: (measured: AccuracyView) => void) => () => void
  readonly onSyncing: (listener: (sync: SyncView | null) => void) => () => void
}

/** A transaction that came into the pool; few ask for more than its hash. */
export type PendingView = { readonly hash: Hash; readonly view: () => TransactionView }

/** Null in place of it: up to date. */
export type SyncView = {
  readonly startingBlock: bigint
  readonly currentBlock: bigint
  readonly highestBlock: bigint
}

type RpcNet = {
  readonly listening: () => boolean
  readonly peerCount: () => number
  /** Who is paid for blocks that this node proposes; null for a follower. */
  readonly coinbase: Address | null
  readonly syncing: () => SyncView | null
  /** Answer of `web3_clientVersion`, e.g. `waggle/0.1.0/linux-x64/node24`. */
  readonly clientVersion: string
}

/** Blobs by content hash: datasets, weights, proofs. */
export type RpcBlobs = {
  /** Bytes of the blob; null if this node does not hold it. */
  readonly size: (hash: Hash) => Promise<number | null>
  readonly read: (hash: Hash) => AsyncIterable<Uint8Array>
  /** Take a blob of at most `maxBytes`; a refusal leaves nothing behind. */
  readonly write: (
    chunks: AsyncIterable<Uint8Array>,
    maxBytes: number,
  ) => Promise<Result<Hash, Fault>>
}
