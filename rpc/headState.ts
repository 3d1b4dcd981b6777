/**
 * Reading lists out of the state after the head block.
 */
import type { Chain } from '../chain/chain.ts'
import { invariant } from '../primitives/result.ts'
import type { World } from '../registry/records.ts'
import type { Page, Window } from './workViews.ts'

/** The registry's records after the head block. */
export async function worldOf(chain: Chain): Promise<World> {
  const reader = await chain.readAt(chain.head().height)
  invariant(reader !== null, 'workView: the head has a state')
  return reader.world
}

/** The items `cursor..` of a list of `count`, at most `limit` of them. */
export async function pageOf<T>(
  count: number,
  { cursor, limit }: Window,
  read: (at: number) => Promise<T>,
): Promise<Page<T>> {
  const end = Math.min(count, cursor + limit)
  const items: T[] = []
  for (let at = cursor; at < end; at++) items.push(await read(at))
  return { items, next: end < count ? Math.max(end, cursor) : null }
}
