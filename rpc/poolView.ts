/**
 * The node's transaction pool as the server sees it.
 */
import type { TransactionPool } from '../mempool/transactionPool.ts'
import type { Transaction } from '../vm/transaction.ts'
import { transactionViewOf } from './blockView.ts'
import type { PendingView, RpcPool } from './modules.ts'
import type { TransactionView } from './views.ts'

export function createPoolView(pool: TransactionPool): RpcPool {
  return {
    foresee: pool.foresee,
    add: async (raw) => {
      const added = await pool.add(raw)
      return added.ok ? { ok: true, value: added.value.hash } : added
    },
    get: (hash) => {
      const transaction = pool.get(hash)
      return transaction === null ? null : pooledView(transaction)
    },
    status: pool.status,
    content: ({ from, limit }) => {
      const { pending, queued } = pool.content()
      const shown = (list: readonly Transaction[]) =>
        list
          .filter(({ sender }) => from === null || sender === from)
          .slice(0, limit)
          .map(pooledView)
      return { pending: shown(pending), queued: shown(queued) }
    },
    nonce: pool.nonceOf,
  }
}

/** For those who are told of every transaction: spelling one takes longer than telling them. */
export function pendingView(transaction: Transaction): PendingView {
  return { hash: transaction.hash, view: () => pooledView(transaction) }
}

/** A transaction whose sender is already known. */
function pooledView({ tx, sender }: Transaction): TransactionView {
  return transactionViewOf(tx, sender)
}
