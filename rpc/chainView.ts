/**
 * The node's chain as the server sees it.
 */
import type { Chain } from '../chain/chain.ts'
import type { StateReader } from '../chain/reader.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import type { Receipt } from '../vm/receipts.ts'
import { bloomOf } from '../vm/receipts.ts'
import type { Authorization, CallRequest } from '../vm/simulate.ts'
import { blockViewOf } from './blockView.ts'
import { forkViewOf } from './forkView.ts'
import type { RpcChain } from './modules.ts'
import type { AuthorizationView, BlockView, CallView, ProofView, ReceiptView } from './views.ts'
import { quantity } from './wire.ts'

export type ChainViewOptions = {
  /** An imagined transaction is stopped after this long. @default 2000 */
  readonly callBudgetMs?: number | undefined
  /** A block that is traced is stopped after this long. @default 5000 */
  readonly replayBudgetMs?: number | undefined
}

/** Blocks kept as views: final, so never stale; a full one is some ten megabytes. */
const cachedBlocks = 16

export function createChainView(
  { callBudgetMs = 2_000, replayBudgetMs = 5_000 }: ChainViewOptions,
  { chain, clock }: { readonly chain: Chain; readonly clock: Pick<Clock, 'now'> },
): RpcChain {
  const { engine } = chain.rules
  const cache = new Map<bigint, Promise<BlockView | null>>()
  const deadline = (budgetMs: number): (() => boolean) => {
    const end = clock.now() + budgetMs
    return () => clock.now() > end
  }

  function block(number: bigint): Promise<BlockView | null> {
    if (number < 0n || number > chain.head().height) return Promise.resolve(null)
    const kept = cache.get(number) ?? load(number)
    cache.delete(number)
    cache.set(number, kept)
    if (cache.size > cachedBlocks) cache.delete(cache.keys().next().value!)
    return kept
  }

  async function load(number: bigint): Promise<BlockView | null> {
    try {
      const stored = await chain.blockAt(number)
      return stored === null ? null : blockViewOf(stored.block)
    } catch (error) {
      cache.delete(number)
      throw error
    }
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
    earliest: () => 0n,
    header: async (number) => (await block(number))?.header ?? null,
    block,
    numberOf: chain.heightOf,
    receipts: async (number) => {
      const receipts = await chain.receiptsAt(number)
      return (
        receipts?.map((receipt) => receiptViewOf(receipt, bloomOf(engine, receipt.logs))) ?? null
      )
    },
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

function receiptViewOf(receipt: Receipt, bloom: Uint8Array): ReceiptView {
  return {
    status: receipt.succeeded,
    root: null,
    cumulativeGasUsed: receipt.cumulativeGasUsed,
    logsBloom: toHex(bloom),
    logs: receipt.logs.map(({ address, topics, data }) => ({ address, topics, data: toHex(data) })),
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
