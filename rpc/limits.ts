/**
 * Bounds of the server: node options, never seen by consensus.
 */
import { maxTransactionGas } from '../vm/transaction.ts'
import type { BlobLimits } from './blobs.ts'
import type { DispatchLimits } from './dispatch.ts'
import type { FilterLimits } from './filters.ts'
import type { EnvelopeLimits } from './jsonRpc.ts'
import type { CallLimits } from './methods/ethCall.ts'
import type { SimulateLimits } from './methods/ethSimulate.ts'
import type { SubscriptionLimits } from './subscriptions.ts'
import type { SocketLimits } from './webSocket.ts'

export type RpcLimits = EnvelopeLimits &
  DispatchLimits &
  FilterLimits &
  CallLimits &
  SimulateLimits &
  SubscriptionLimits &
  SocketLimits &
  BlobLimits & {
    /** Bytes of a request's body, or of one WebSocket message. */
    readonly maxBody: number
    /** Characters of HTTP answers that their peers have yet to read, all together. */
    readonly maxUnsent: number
    /** TCP connections, WebSockets included. */
    readonly maxConnections: number
    /** A body must be complete this long after its headers; not for uploads. */
    readonly bodyTimeoutMs: number
    /** A connection on which nothing moves for this long is closed; not for WebSockets. */
    readonly idleTimeoutMs: number
  }

const mebibyte = 1_048_576

export const defaultLimits: RpcLimits = Object.freeze({
  maxBody: 5 * mebibyte,
  maxResponse: 16 * mebibyte,
  maxBatch: 100,
  maxRunning: 32,
  maxWaiting: 1_024,
  callTimeoutMs: 15_000,
  maxCallGas: maxTransactionGas,
  maxSimulateGas: 50_000_000n,
  maxSimulateBlocks: 256,
  maxSimulateCalls: 1_024,
  maxLogBlocks: 10_000,
  maxLogs: 10_000,
  maxFilters: 1_024,
  maxFiltersPerClient: 256,
  filterExpiryMs: 300_000,
  maxSubscriptions: 64,
  maxSockets: 256,
  maxUnanswered: 64,
  maxBufferedBytes: 8 * mebibyte,
  pingIntervalMs: 30_000,
  maxUploadBytes: 1_024 * mebibyte,
  maxTransfers: 16,
  maxUnsent: 256 * mebibyte,
  maxConnections: 512,
  bodyTimeoutMs: 15_000,
  idleTimeoutMs: 60_000,
})
