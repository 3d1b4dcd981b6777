/**
 * How the network and this node are, asked again with each block.
 */
import type { ServiceWire } from '../../../client/wire.ts'
import type { Hex } from '../../../primitives/bytes.ts'
import { num } from '../format.ts'
import { head } from './live.ts'
import { node, type Query, useQuery } from './node.ts'
import { useStore } from './store.ts'

export function useParticipation(): Query<readonly ServiceWire[]> {
  const height = useStore(head)
  return useQuery(() => node.call<readonly ServiceWire[]>('rep_listParticipation'), [height])
}

/** Part of the signatures due in this epoch that came; null before the first. */
export function participationOf(service: readonly ServiceWire[]): number | null {
  const due = service.reduce((sum, one) => sum + num(one.due), 0)
  const signed = service.reduce((sum, one) => sum + num(one.signed), 0)
  return due === 0 ? null : signed / due
}

export type Pool = { readonly pending: Hex; readonly queued: Hex; readonly peers: Hex }

export function usePool(): Query<Pool> {
  const height = useStore(head)
  return useQuery(async () => {
    const [status, peers] = await Promise.all([
      node.call<Omit<Pool, 'peers'>>('txpool_status'),
      node.call<Hex>('net_peerCount'),
    ])
    return { ...status, peers }
  }, [height])
}
