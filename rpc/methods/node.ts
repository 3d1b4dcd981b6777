/**
 * `net_`, `web3_` and `txpool_` methods: about this node.
 */
import { keccakHash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { formatTransaction } from '../format.ts'
import { constant, type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { addressSchema, dataSchema } from '../schemas.ts'
import type { TransactionView } from '../views.ts'
import { type JsonObject, quantity } from '../wire.ts'

/** Transactions shown of each half of the pool. */
const maxShown = 1_000

export function netMethods({ chain, net }: Pick<RpcModules, 'chain' | 'net'>): Methods {
  return {
    net_version: constant(() => chain.chainId.toString()),
    net_listening: constant(net.listening),
    net_peerCount: constant(() => quantity(net.peerCount())),
    web3_clientVersion: constant(() => net.clientVersion),
    web3_sha3: method({ data: dataSchema }, async ({ data }) => ok(keccakHash(data))),
  }
}

export function txpoolMethods({ pool }: Pick<RpcModules, 'pool'>): Methods {
  return {
    txpool_status: constant(() => {
      const { pending, queued } = pool.status()
      return { pending: quantity(pending), queued: quantity(queued) }
    }),
    txpool_content: constant(() => {
      const { pending, queued } = pool.content({ from: null, limit: maxShown })
      return { pending: bySender(pending), queued: bySender(queued) }
    }),
    txpool_contentFrom: method({ address: addressSchema }, async ({ address }) => {
      const { pending, queued } = pool.content({ from: address, limit: maxShown })
      return ok({ pending: byNonce(pending), queued: byNonce(queued) })
    }),
  }
}

/** Sender, then decimal nonce, as other nodes lay it out. */
function bySender(list: readonly TransactionView[]): JsonObject {
  const senders = Map.groupBy(list, ({ from }) => from)
  return Object.fromEntries([...senders].map(([from, own]) => [from, byNonce(own)]))
}

function byNonce(list: readonly TransactionView[]): JsonObject {
  return Object.fromEntries(
    list.map((transaction) => [transaction.nonce.toString(), formatTransaction(transaction, null)]),
  )
}
