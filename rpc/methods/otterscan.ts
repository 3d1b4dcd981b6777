/**
 * What the block explorer Otterscan asks beyond `eth_`: `ots_` and one `erigon_` method.
 *
 * @see Otterscan's documentation, "JSON-RPC API extensions", level 8
 */
import type { z } from 'zod'

import { ok, type Result, refuse } from '../../primitives/result.ts'
import { atBlock } from '../blocks.ts'
import type { RpcFault } from '../errors.ts'
import {
  formatBlock,
  formatHeader,
  formatReceipts,
  formatTransaction,
  gasPriceOf,
} from '../format.ts'
import { constant, type Methods, method } from '../method.ts'
import type { RpcChain, RpcModules } from '../modules.ts'
import {
  addressSchema,
  blockOrLatestSchema,
  blockRefSchema,
  countSchema,
  hashSchema,
} from '../schemas.ts'
import { creationOf, type FoundPage, searchByAddress, senderTransaction } from '../searches.ts'
import { type TracedFrame, tracedFrames } from '../tracedBlock.ts'
import type { BlockView, ReceiptView } from '../views.ts'
import { type Json, type JsonObject, quantity } from '../wire.ts'

const apiLevel = 8
/** Transactions of a page. */
const maxPage = 100
const pageSchema = countSchema(maxPage)

/** Kinds of internal operations. */
const operations: ReadonlyMap<string, number> = new Map([
  ['CALL', 0],
  ['SELFDESTRUCT', 1],
  ['CREATE', 2],
  ['CREATE2', 3],
])

export function otterscanMethods({ chain }: Pick<RpcModules, 'chain'>): Methods {
  const ofTransaction = (read: (frames: readonly TracedFrame[]) => Json) =>
    method({ hash: hashSchema }, async ({ hash }) => {
      const place = await chain.locate(hash)
      if (place === null) return refuse({ code: 'rpc/notFound', what: 'transaction' })
      const frames = await tracedFrames(chain, place)
      return frames.ok ? ok(read(frames.value)) : frames
    })
  const details = method({ block: blockRefSchema }, async ({ block: ref }) => {
    const found = await blockWithReceipts(chain, ref)
    return found.ok ? ok(blockDetails(found.value)) : found
  })

  return {
    erigon_getHeaderByNumber: method({ block: blockRefSchema }, async ({ block }) => {
      const header = await atBlock(chain, block, chain.header)
      return ok(header.ok ? formatHeader(header.value) : null)
    }),
    ots_getApiLevel: constant(() => apiLevel),
    ots_hasCode: method(
      { address: addressSchema, block: blockOrLatestSchema },
      async ({ address, block }) => {
        const code = await atBlock(chain, block, (number) => chain.code(address, number))
        return code.ok ? ok(code.value.length > 0) : code
      },
    ),
    ots_getBlockDetails: details,
    ots_getBlockDetailsByHash: details,
    ots_getBlockTransactions: method(
      { block: blockRefSchema, page: countSchema(2 ** 31), size: countSchema(maxPage) },
      async ({ block, page, size }) => {
        const found = await blockWithReceipts(chain, block)
        return found.ok ? ok(blockPage(found.value, page, size)) : found
      },
    ),
    ots_getInternalOperations: ofTransaction((frames) =>
      frames.filter(isOperation).map(({ frame }) => ({
        type: operations.get(frame.type) ?? 0,
        from: frame.from,
        to: frame.to ?? null,
        value: frame.value ?? '0x0',
      })),
    ),
    ots_traceTransaction: ofTransaction((frames) => frames.map(traceEntry)),
    ots_getTransactionError: ofTransaction(([root]) => {
      const failed = root?.frame.error !== undefined
      return failed ? (root.frame.output ?? '0x') : '0x'
    }),
    ots_getTransactionBySenderAndNonce: method(
      { sender: addressSchema, nonce: countSchema(Number.MAX_SAFE_INTEGER) },
      async ({ sender, nonce }) => ok(await senderTransaction(chain, sender, BigInt(nonce))),
    ),
    ots_getContractCreator: method({ address: addressSchema }, async ({ address }) => {
      const created = await creationOf(chain, address)
      return ok(created === null ? null : { ...created })
    }),
    ots_searchTransactionsBefore: searching(chain, 'older'),
    ots_searchTransactionsAfter: searching(chain, 'newer'),
  }
}

/** A page of an address's transactions, the newest first; more than asked for if a block has more. */
function searching(chain: RpcChain, direction: 'older' | 'newer') {
  return method(
    { address: addressSchema, block: countSchema(Number.MAX_SAFE_INTEGER), size: pageSchema },
    async ({ address, block, size }) => {
      const found = await searchByAddress(chain, address, BigInt(block), direction, size)
      return ok(searchPage(found))
    },
  )
}

function searchPage({ blocks, isFirst, isLast }: FoundPage): JsonObject {
  return {
    txs: blocks.flatMap(({ block, indexes }) => {
      const all = block.transactions()
      const { header } = block
      return indexes.map((index) => formatTransaction(all[index]!, { header, index }))
    }),
    receipts: blocks.flatMap(({ block, receipts, indexes }) => {
      const all = formatReceipts(block, receipts)
      const timestamp = quantity(block.header.timestamp)
      return indexes.map((index) => ({ ...all[index]!, timestamp }))
    }),
    firstPage: isFirst,
    lastPage: isLast,
  }
}

type Found = { readonly block: BlockView; readonly receipts: readonly ReceiptView[] }

async function blockWithReceipts(
  chain: RpcChain,
  ref: z.output<typeof blockRefSchema>,
): Promise<Result<Found, RpcFault>> {
  const block = await atBlock(chain, ref, chain.block)
  if (!block.ok) return block
  const receipts = await atBlock(chain, ref, chain.receipts)
  return receipts.ok ? ok({ block: block.value, receipts: receipts.value }) : receipts
}

/** The block without its transactions; nothing is issued but by withdrawals. */
function blockDetails({ block, receipts }: Found): JsonObject {
  const { transactions, logsBloom, ...shown } = formatBlock(block, false)
  const zero = { blockReward: '0x0', uncleReward: '0x0', issuance: '0x0' }
  return {
    block: {
      ...shown,
      logsBloom: null,
      transactionCount: quantity(block.transactionHashes.length),
    },
    issuance: zero,
    totalFees: quantity(feesOf({ block, receipts })),
  }
}

function feesOf({ block, receipts }: Found): bigint {
  let before = 0n
  let fees = 0n
  for (const [i, transaction] of block.transactions().entries()) {
    const { cumulativeGasUsed } = receipts[i]!
    fees += (cumulativeGasUsed - before) * gasPriceOf(transaction, block.header.baseFeePerGas)
    before = cumulativeGasUsed
  }
  return fees
}

/** Pages begin at the end of the block. Call data is cut to its selector. */
function blockPage(found: Found, page: number, size: number): JsonObject {
  const { block, receipts } = found
  const all = block.transactions()
  const end = Math.max(0, all.length - page * size)
  const start = Math.max(0, end - size)
  const shown = all.slice(start, end).map((transaction, i) => ({
    ...formatTransaction(transaction, { header: block.header, index: start + i }),
    input: transaction.input.slice(0, 10),
  }))
  const { logsBloom, ...header } = formatBlock(block, false)
  return {
    fullblock: {
      ...header,
      logsBloom: null,
      transactionCount: quantity(all.length),
      transactions: shown,
    },
    receipts: formatReceipts(block, receipts)
      .slice(start, end)
      .map((receipt) => ({ ...receipt, logs: null, logsBloom: null })),
  }
}

function isOperation({ frame, depth }: TracedFrame): boolean {
  const type = frame.type
  if (depth === 0 || !operations.has(type)) return false
  return type !== 'CALL' || frame.value !== '0x0'
}

function traceEntry({ frame, depth }: TracedFrame): JsonObject {
  return {
    type: frame.type,
    depth,
    from: frame.from,
    to: frame.to ?? null,
    value: frame.value ?? null,
    input: frame.input,
    output: frame.output ?? '0x',
  }
}
