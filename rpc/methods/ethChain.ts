/**
 * `eth_` methods about the chain and its blocks.
 */
import { z } from 'zod'
import { ok, refuse } from '../../primitives/result.ts'
import { blockNumber, tagNumber } from '../blocks.ts'
import { formatBlock, formatReceipts } from '../format.ts'
import { constant, type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { type BlockRef, blockNumberSchema, blockRefSchema, hashSchema } from '../schemas.ts'
import type { BlockView } from '../views.ts'
import { type Json, quantity, toWire } from '../wire.ts'

export function ethChainMethods({ chain, net }: Pick<RpcModules, 'chain' | 'net'>): Methods {
  async function find(ref: BlockRef): Promise<BlockView | null> {
    const number = await blockNumber(chain, ref)
    return number === null ? null : chain.block(number)
  }

  /** A number or hash in, a property of the block out; null for an unknown block. */
  function ofBlock(ref: z.ZodType<BlockRef>, read: (block: BlockView) => Json) {
    return method({ block: ref }, async ({ block }) => {
      const found = await find(block)
      return ok(found === null ? null : read(found))
    })
  }

  const byHash = hashSchema.transform((hash): BlockRef => ({ by: 'hash', hash }))
  const fullSchema = z
    .boolean()
    .nullish()
    .transform((full) => full ?? false)
  const getBlock = (ref: z.ZodType<BlockRef>) =>
    method({ block: ref, fullTransactions: fullSchema }, async ({ block, fullTransactions }) => {
      const found = await find(block)
      return ok(found === null ? null : formatBlock(found, fullTransactions))
    })
  const transactionCount = (block: BlockView) => quantity(block.transactionHashes.length)
  const uncleCount = (block: BlockView) => quantity(block.uncles.length)

  return {
    eth_chainId: constant(() => quantity(chain.chainId)),
    eth_blockNumber: constant(() => quantity(tagNumber(chain, 'latest'))),
    eth_syncing: constant(() => toWire(net.syncing()) ?? false),
    eth_accounts: constant(() => []),
    eth_coinbase: method({}, async () =>
      net.coinbase === null ? refuse({ code: 'rpc/notFound', what: 'coinbase' }) : ok(net.coinbase),
    ),
    eth_mining: constant(() => net.coinbase !== null),
    eth_hashrate: constant(() => quantity(0)),
    eth_protocolVersion: constant(() => quantity(1)),
    eth_getBlockByNumber: getBlock(blockNumberSchema),
    eth_getBlockByHash: getBlock(byHash),
    eth_getBlockTransactionCountByNumber: ofBlock(blockNumberSchema, transactionCount),
    eth_getBlockTransactionCountByHash: ofBlock(byHash, transactionCount),
    eth_getUncleCountByBlockNumber: ofBlock(blockNumberSchema, uncleCount),
    eth_getUncleCountByBlockHash: ofBlock(byHash, uncleCount),
    eth_getBlockReceipts: method({ block: blockRefSchema }, async ({ block }) => {
      const found = await find(block)
      const receipts = found === null ? null : await chain.receipts(found.header.number)
      return ok(found === null || receipts === null ? null : formatReceipts(found, receipts))
    }),
  }
}
