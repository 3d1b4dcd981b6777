/**
 * An imported chain as the server sees it: a chain that stands still.
 */
import { getMerkleStateProof } from '@ethereumjs/statemanager'
import type { ForeignChain, ForeignReceipt } from '../chain/foreign/foreignChain.ts'
import { type HistoryIndex, historyIndex, historyWrites } from '../chain/historyIndex.ts'
import { type Address, addressFromBytes, zeroAddress } from '../primitives/address.ts'
import { bytesToUint, toHex, uintBytes } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { openMemory } from '../storage/memory.ts'
import { Expired } from '../vm/chainVm.ts'
import { simulate } from '../vm/simulate.ts'
import { simulateBlocks } from '../vm/simulateBlocks.ts'
import { ethAddress } from '../vm/worldView.ts'
import { blockViewOf } from './blockView.ts'
import { proofViewOf, requestOf } from './chainView.ts'
import { forkViewOf } from './forkView.ts'
import type { RpcChain } from './modules.ts'
import type { BlockView, ReceiptView } from './views.ts'

/** Milliseconds of one imagined transaction, and of one block that is traced. */
const callBudgetMs = 5_000
const replayBudgetMs = 20_000

export function createForeignView(
  chain: ForeignChain,
  { clock }: { readonly clock: Pick<Clock, 'now'> },
): RpcChain {
  const { blocks, engineAt, known, stateAt } = chain
  const at = (number: bigint) => blocks[Number(number)] ?? null
  const byHash = new Map<Hash, bigint>()
  const places = new Map<Hash, { readonly number: bigint; readonly index: number }>()
  for (const { block } of blocks) {
    const { number } = block.header
    byHash.set(hashFromBytes(block.hash()), number)
    for (const [index, tx] of block.transactions.entries())
      places.set(hashFromBytes(tx.hash()), { number, index })
  }
  const views = new Map<bigint, BlockView>()
  const deadline = (budgetMs: number) => {
    const end = clock.now() + budgetMs
    return () => clock.now() > end
  }

  function blockView(number: bigint): BlockView | null {
    const found = at(number)
    if (found === null) return null
    const view = views.get(number) ?? blockViewOf(found.block)
    views.set(number, view)
    if (views.size > cachedViews) views.delete(views.keys().next().value!)
    return view
  }

  async function account(address: Address, number: bigint) {
    if (at(number) === null) return null
    const found = await (await stateAt(number)).getAccount(ethAddress(address))
    return { nonce: found?.nonce ?? 0n, balance: found?.balance ?? 0n }
  }

  async function proof(address: Address, slots: readonly bigint[], number: bigint) {
    if (at(number) === null) return null
    const keys = slots.map((slot) => uintBytes(slot, 32))
    return proofViewOf(await getMerkleStateProof(await stateAt(number), ethAddress(address), keys))
  }

  return {
    chainId: chain.chainId,
    head: () => BigInt(blocks.length - 1),
    earliest: () => 0n,
    stateFloor: () => 0n,
    history: indexed(chain),
    header: async (number) => blockView(number)?.header ?? null,
    block: async (number) => blockView(number),
    numberOf: async (hash) => byHash.get(hash) ?? null,
    receipts: async (number) => at(number)?.receipts.map(receiptViewOf) ?? null,
    locate: async (hash) => places.get(hash) ?? null,
    account,
    code: async (address, number) =>
      at(number) === null ? null : (await stateAt(number)).getCode(ethAddress(address)),
    storageAt: async (address, slot, number) =>
      at(number) === null
        ? null
        : bytesToUint(
            await (await stateAt(number)).getStorage(ethAddress(address), uintBytes(slot, 32)),
          ),
    proof,
    call: async (call, number, overrides, watch) => {
      const found = at(number)
      if (found === null) return null
      const { header } = found.block
      const engine = engineAt(header.number, header.timestamp)
      const state = await stateAt(number)
      const expired = deadline(callBudgetMs)
      return simulate(engine, state, header, requestOf(call), expired, watch, overrides, known)
    },
    replay: async (number, watch) => {
      if (number < 1n || at(number) === null) return null
      try {
        await chain.replay(number, watch, deadline(replayBudgetMs))
        return true
      } catch (error) {
        if (error instanceof Expired) return false
        throw error
      }
    },
    forks: async () => {
      const { header } = blocks.at(-1)!.block
      const { common } = engineAt(header.number, header.timestamp)
      return forkViewOf(common, blocks[0]!.block.hash(), chain.depositContract ?? zeroAddress)
    },
    simulate: async (request, number) => {
      const found = at(number)
      if (found === null) return null
      const base = { header: found.block.header, state: await stateAt(number), engineAt, known }
      return simulateBlocks(base, request, deadline(callBudgetMs))
    },
  }
}

/** The index of a chain that stands still, in memory as all of it is. */
function indexed({ blocks }: ForeignChain): HistoryIndex {
  const store = openMemory()
  const filling = store.batch(
    blocks.flatMap(({ block, receipts, touched }, height) => {
      const transactions = block.transactions.map((tx) => {
        return { tx, sender: addressFromBytes(tx.getSenderAddress().bytes) }
      })
      return historyWrites({ height: BigInt(height), transactions, touched, receipts })
    }),
  )
  const index = historyIndex(store)
  return {
    placesOf: (...query) => filling.then(() => index.placesOf(...query)),
    sentBy: (...query) => filling.then(() => index.sentBy(...query)),
    creationOf: (...query) => filling.then(() => index.creationOf(...query)),
    logBlocks: (...query) => filling.then(() => index.logBlocks(...query)),
  }
}

/** Blocks kept as views; a full one is some ten megabytes. */
const cachedViews = 64

function receiptViewOf(receipt: ForeignReceipt): ReceiptView {
  const { succeeded, root, cumulativeGasUsed, bloom, logs } = receipt
  return {
    status: succeeded,
    root,
    cumulativeGasUsed,
    logsBloom: toHex(bloom),
    logs: logs.map(({ address, topics, data }) => ({
      address,
      topics,
      // A block's logs may carry megabytes, and a query passes most of them over.
      get data() {
        return toHex(data)
      },
    })),
  }
}
