/**
 * `debug_getRaw*`: blocks, transactions and receipts as consensus encodes them.
 */
import { RLP } from '@ethereumjs/rlp'
import { addressBytes } from '../../primitives/address.ts'
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from '../../primitives/bytes.ts'
import { hashBytes } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { atBlock } from '../blocks.ts'
import { constant, type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { blockRefSchema, hashSchema } from '../schemas.ts'
import type { BlockView, ReceiptView } from '../views.ts'
import type { Json } from '../wire.ts'

export function debugMethods({ chain, pool }: Pick<RpcModules, 'chain' | 'pool'>): Methods {
  const ofBlock = (read: (block: BlockView) => Json) =>
    method({ block: blockRefSchema }, async ({ block }) => {
      const found = await atBlock(chain, block, chain.block)
      return found.ok ? ok(read(found.value)) : found
    })

  return {
    // A refused block is forgotten with the round that proposed it.
    debug_getBadBlocks: constant(() => []),
    debug_getRawBlock: ofBlock((block) => block.raw().block),
    debug_getRawHeader: ofBlock((block) => block.raw().header),
    debug_getRawReceipts: method({ block: blockRefSchema }, async ({ block: ref }) => {
      const block = await atBlock(chain, ref, chain.block)
      if (!block.ok) return block
      const receipts = await atBlock(chain, ref, chain.receipts)
      if (!receipts.ok) return receipts
      const transactions = block.value.transactions()
      return ok(receipts.value.map((receipt, i) => encodeReceipt(receipt, transactions[i]!.type)))
    }),
    debug_getRawTransaction: method({ hash: hashSchema }, async ({ hash }) => {
      const place = await chain.locate(hash)
      const block = place === null ? null : await chain.block(place.number)
      const transaction = block?.transactions()[place!.index] ?? pool.get(hash)
      return ok(transaction?.raw ?? '0x')
    }),
  }
}

/** @see EIP-2718; before Byzantium a root stands in place of the status (EIP-658). */
function encodeReceipt(receipt: ReceiptView, type: number): Hex {
  const { status, root, cumulativeGasUsed, logsBloom, logs } = receipt
  const first =
    root === null ? (status === true ? Uint8Array.of(1) : new Uint8Array()) : hashBytes(root)
  const payload = RLP.encode([
    first,
    cumulativeGasUsed,
    fromHex(logsBloom),
    logs.map((log) => [addressBytes(log.address), log.topics.map(hashBytes), fromHex(log.data)]),
  ])
  return toHex(type === 0 ? payload : concatBytes(uintBytes(type, 1), payload))
}
