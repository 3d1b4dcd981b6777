/**
 * The node's chain as the server sees it.
 */
import type { Chain } from '../chain/chain.ts'
import type { StateReader } from '../chain/reader.ts'
import { type Hex, toHex } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import type { Engine } from '../vm/engine.ts'
import { bloomOf, type Log, type Receipt } from '../vm/receipts.ts'
import type { Authorization, CallRequest } from '../vm/simulate.ts'
import { blockViewOf, headerViewOf } from './blockView.ts'
import { createCache } from './cache.ts'
import { forkViewOf } from './forkView.ts'
import type { RpcChain } from './modules.ts'
import type {
  AuthorizationView,
  BlockView,
  CallView,
  HeaderView,
  LogView,
  ProofView,
  ReceiptView,
} from './views.ts'
import { quantity } from './wire.ts'

export type ChainViewOptions = {
  /** An imagined transaction is stopped after this long. @default 2000 */
  readonly callBudgetMs?: number | undefined
  /** A block that is traced is stopped after this long. @default 5000 */
  readonly replayBudgetMs?: number | undefined
}

/** Kept as views. A full block is some ten megabytes, a header two kilobytes, a log a quarter of one. */
const cachedBlocks = 16
const cachedHeaders = 16_384
const cachedLogs = 131_072

export function createChainView(
  { callBudgetMs = 2_000, replayBudgetMs = 5_000 }: ChainViewOptions,
  { chain, clock }: { readonly chain: Chain; readonly clock: Pick<Clock, 'now'> },
): RpcChain {
  const { engine } = chain.rules
  const blocks = createCache<bigint, Promise<BlockView | null>>(cachedBlocks, () => 1)
  const headers = createCache<bigint, HeaderView>(cachedHeaders, () => 1)
  const receipts = createCache<bigint, readonly ReceiptView[]>(cachedLogs, (list) =>
    list.reduce((sum, { logs }) => sum + 1 + logs.length, 1),
  )
  const deadline = (budgetMs: number): (() => boolean) => {
    const end = clock.now() + budgetMs
    return () => clock.now() > end
  }

  const isKept = (number: bigint) => number >= 0n && number <= chain.head().height

  function block(number: bigint): Promise<BlockView | null> {
    if (!isKept(number)) return Promise.resolve(null)
    const kept = blocks.get(number)
    if (kept !== undefined) return kept
    const loading = load(number)
    blocks.set(number, loading)
    return loading
  }

  async function load(number: bigint): Promise<BlockView | null> {
    try {
      const stored = await chain.blockAt(number)
      return stored === null ? null : blockViewOf(stored.block)
    } catch (error) {
      blocks.drop(number)
      throw error
    }
  }

  /** Without the block around it, which is what costs: log queries look at thousands. */
  async function header(number: bigint): Promise<HeaderView | null> {
    if (!isKept(number)) return null
    const kept = headers.get(number) ?? (await blocks.get(number))?.header
    if (kept !== undefined) return kept
    const stored = await chain.blockAt(number)
    if (stored === null) return null
    const view = headerViewOf(stored.block.header)
    headers.set(number, view)
    return view
  }

  async function receiptsOf(number: bigint): Promise<readonly ReceiptView[] | null> {
    const kept = receipts.get(number)
    if (kept !== undefined) return kept
    const found = await chain.receiptsAt(number)
    if (found === null) return null
    const views = viewsOf(engine, found)
    if (isKept(number)) receipts.set(number, views)
    return views
  }

  async function read<T>(
    number: bigint,
    take: (reader: StateReader) => Promise<T>,
  ): Promise<T | null> {
    const reader = await chain.readAt(number)
    return reader === null ? null : take(reader)
  }

  return {
    chainId: BigInt(engine.chainId),
    head: () => chain.head().height,
    earliest: chain.firstHeight,
    stateFloor: chain.stateFloor,
    history: chain.history,
    header,
    block,
    numberOf: chain.heightOf,
    receipts: receiptsOf,
    locate: async (hash) => {
      const place = await chain.placeOf(hash)
      return place === null ? null : { number: place.height, index: place.index }
    },
    account: (address, number) => read(number, (state) => state.account(address)),
    code: (address, number) => read(number, (state) => state.code(address)),
    storageAt: (address, slot, number) => read(number, (state) => state.storage(address, slot)),
    proof: (address, slots, number) =>
      read(number, async (state) => proofViewOf(await state.proof(address, slots))),
    call: (call, number, overrides, watch) =>
      chain.call(requestOf(call), number, deadline(callBudgetMs), watch, overrides),
    replay: async (number, watch) => {
      const replayed = await chain.replay(number, watch, deadline(replayBudgetMs))
      return replayed === null ? null : replayed.ok || replayed.fault.code !== 'block/slow'
    },
    forks: async () => forkViewOf(engine.common, hashBytes(chain.genesisHash), null),
    simulate: (request, number) => chain.simulate(request, number, deadline(callBudgetMs)),
  }
}

function viewsOf(engine: Engine, receipts: readonly Receipt[]): readonly ReceiptView[] {
  const seen = new Map<string, string>()
  /** The same text, held once: a block's logs name few addresses and topics. */
  const once = <T extends string>(text: T): T => {
    const known = seen.get(text)
    if (known === undefined) seen.set(text, text)
    return (known ?? text) as T
  }
  const logOf = ({ address, topics, data }: Log): LogView => ({
    address: once(address),
    topics: topics.map((topic) => once(topic)),
    data: toHex(data),
  })
  return receipts.map((receipt) => receiptViewOf(engine, receipt, receipt.logs.map(logOf)))
}

function receiptViewOf(engine: Engine, receipt: Receipt, logs: readonly LogView[]): ReceiptView {
  let bloom: Hex | null = null
  return {
    status: receipt.succeeded,
    root: null,
    cumulativeGasUsed: receipt.cumulativeGasUsed,
    // Hashing every address and topic: not for log queries, which never look at it.
    get logsBloom() {
      bloom ??= toHex(bloomOf(engine, logs))
      return bloom
    },
    logs,
  }
}

export function proofViewOf(proof: Awaited<ReturnType<StateReader['proof']>>): ProofView {
  return {
    balance: BigInt(proof.balance),
    nonce: BigInt(proof.nonce),
    codeHash: proof.codeHash as string as Hash,
    storageHash: proof.storageHash as string as Hash,
    accountProof: proof.accountProof,
    storageProof: proof.storageProof.map((slot) => ({
      value: BigInt(slot.value),
      proof: slot.proof,
    })),
  }
}

export function requestOf(call: CallView): CallRequest {
  return { ...call, authorizationList: call.authorizationList?.map(authorizationOf) ?? null }
}

export function authorizationOf(item: AuthorizationView): Authorization {
  return {
    address: item.address,
    chainId: quantity(item.chainId),
    nonce: quantity(item.nonce),
    yParity: quantity(item.yParity),
    r: quantity(item.r),
    s: quantity(item.s),
  }
}
