/**
 * `eth_` methods that send and find transactions.
 */
import { ok, refuse } from '../../primitives/result.ts'
import { blockNumber } from '../blocks.ts'
import { formatReceipts, formatTransaction } from '../format.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import {
  type BlockRef,
  blockNumberSchema,
  countSchema,
  dataSchema,
  hashSchema,
} from '../schemas.ts'
import type { BlockView, TransactionView } from '../views.ts'
import type { Json } from '../wire.ts'

type Found = { readonly block: BlockView; readonly index: number }

export function ethTransactionMethods({
  chain,
  pool,
}: Pick<RpcModules, 'chain' | 'pool'>): Methods {
  async function committed(hash: TransactionView['hash']): Promise<Found | null> {
    const place = await chain.locate(hash)
    const block = place === null ? null : await chain.block(place.number)
    return block === null ? null : { block, index: place!.index }
  }

  async function atIndex(ref: BlockRef, index: number): Promise<Found | null> {
    const number = await blockNumber(chain, ref)
    const block = number === null ? null : await chain.block(number)
    return block === null ? null : { block, index }
  }

  const show = (found: Found | null): Json => {
    const transaction = found?.block.transactions()[found.index]
    if (found === null || transaction === undefined) return null
    return formatTransaction(transaction, { header: found.block.header, index: found.index })
  }

  const raw = (found: Found | null): Json => found?.block.transactions()[found.index]?.raw ?? null

  const byHash = hashSchema.transform((hash): BlockRef => ({ by: 'hash', hash }))
  const index = countSchema(2 ** 31)

  return {
    eth_sendRawTransaction: method(
      { transaction: dataSchema },
      async ({ transaction }) => {
        const added = await pool.add(transaction)
        return added.ok ? added : refuse({ code: 'rpc/rejected', fault: added.fault })
      },
      async ({ transaction }) => pool.foresee?.(transaction),
    ),
    eth_getTransactionByHash: method({ hash: hashSchema }, async ({ hash }) => {
      const found = await committed(hash)
      if (found !== null) return ok(show(found))
      const waiting = pool.get(hash)
      return ok(waiting === null ? null : formatTransaction(waiting, null))
    }),
    eth_getRawTransactionByHash: method({ hash: hashSchema }, async ({ hash }) =>
      ok(raw(await committed(hash)) ?? pool.get(hash)?.raw ?? null),
    ),
    eth_getTransactionByBlockNumberAndIndex: method(
      { block: blockNumberSchema, index },
      async (at) => ok(show(await atIndex(at.block, at.index))),
    ),
    eth_getTransactionByBlockHashAndIndex: method({ block: byHash, index }, async (at) =>
      ok(show(await atIndex(at.block, at.index))),
    ),
    eth_getTransactionReceipt: method({ hash: hashSchema }, async ({ hash }) => {
      const found = await committed(hash)
      const receipts = found === null ? null : await chain.receipts(found.block.header.number)
      if (found === null || receipts === null) return ok(null)
      return ok(formatReceipts(found.block, receipts)[found.index] ?? null)
    }),
  }
}
