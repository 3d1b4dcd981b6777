/**
 * What happens on the node, as the server's subscribers hear it.
 */
import type { Chain } from '../chain/chain.ts'
import type { TransactionPool } from '../mempool/transactionPool.ts'
import { blockViewOf } from './blockView.ts'
import type { RpcEvents } from './modules.ts'
import { pooledView } from './poolView.ts'
import type { BlockView } from './views.ts'
import type { WorkIndex } from './workIndex.ts'

export type ChainEventModules = {
  readonly chain: Pick<Chain, 'onHead'>
  readonly pool: Pick<TransactionPool, 'onAdded'>
  readonly index: Pick<WorkIndex, 'onJob' | 'onCertificate'>
  /** The network knows whether the node is behind. */
  readonly onSyncing: RpcEvents['onSyncing']
}

export function createChainEvents({ chain, pool, index, onSyncing }: ChainEventModules): RpcEvents {
  /** One view per block, however many listen. */
  const views = new WeakMap<object, BlockView>()

  return {
    onHead: (listener) =>
      chain.onHead(({ outcome: { block } }) => {
        const view = views.get(block) ?? blockViewOf(block)
        views.set(block, view)
        listener(view)
      }),
    onPendingTransaction: (listener) =>
      pool.onAdded((transaction) => listener(pooledView(transaction))),
    onJob: index.onJob,
    onCertificate: index.onCertificate,
    onSyncing,
  }
}
