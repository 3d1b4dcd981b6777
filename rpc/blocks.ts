/**
 * From a caller's way of naming a block to its number.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import type { RpcChain } from './modules.ts'
import type { BlockRef, BlockTag } from './schemas.ts'

/** Number that a tag stands for. There is no block in the making to show, so pending is the head. */
export function tagNumber(chain: RpcChain, tag: BlockTag): bigint {
  switch (tag) {
    case 'earliest':
      return chain.earliest()
    case 'latest':
    case 'safe':
    case 'finalized':
    case 'pending':
      return chain.head()
    default:
      return tag satisfies never
  }
}

/** Number of the block that `ref` names; null if this node has none such. */
export async function blockNumber(chain: RpcChain, ref: BlockRef): Promise<bigint | null> {
  if (ref.by === 'tag') return tagNumber(chain, ref.tag)
  if (ref.by === 'hash') return chain.numberOf(ref.hash)
  return ref.number <= chain.head() ? ref.number : null
}

/** Read state after the block that `ref` names. */
export async function atBlock<T>(
  chain: RpcChain,
  ref: BlockRef,
  read: (number: bigint) => Promise<T | null>,
): Promise<Result<T, RpcFault>> {
  const number = await blockNumber(chain, ref)
  if (number === null) return refuse({ code: 'rpc/notFound', what: 'header' })
  const value = await read(number)
  return value === null ? refuse({ code: 'rpc/notFound', what: 'state' }) : ok(value)
}
