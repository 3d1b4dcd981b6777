/**
 * Finding transactions by who had a part in them.
 */
import type { Place } from '../chain/historyIndex.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import type { RpcChain } from './modules.ts'
import type { BlockView, ReceiptView } from './views.ts'

/** Hash of the transaction of `sender` with this nonce; null if there is none yet. */
export async function senderTransaction(
  chain: RpcChain,
  sender: Address,
  nonce: bigint,
): Promise<Hash | null> {
  const place = await chain.history.sentBy(sender, nonce)
  return place === null ? null : hashAt(chain, place)
}

/** Which transaction created the contract, and who; null for what is none, or was there from genesis on. */
export async function creationOf(
  chain: RpcChain,
  address: Address,
): Promise<{ readonly hash: Hash; readonly creator: Address } | null> {
  const found = await chain.history.creationOf(address)
  const hash = found === null ? null : await hashAt(chain, found.place)
  return found === null || hash === null ? null : { hash, creator: found.creator }
}

async function hashAt(chain: RpcChain, { height, index }: Place): Promise<Hash | null> {
  return (await chain.block(height))?.transactionHashes[index] ?? null
}

/** Transactions of one block that were asked for, by index. */
export type FoundBlock = {
  readonly block: BlockView
  readonly receipts: readonly ReceiptView[]
  readonly indexes: readonly number[]
}

/** Blocks from the newest to the oldest, and in each its transactions likewise. */
export type FoundPage = {
  readonly blocks: readonly FoundBlock[]
  /** Nothing newer, and nothing older. */
  readonly isFirst: boolean
  readonly isLast: boolean
}

/**
 * At least `atLeast` transactions with a part of `address` in them, before or after block `number`; 0
 * stands for the end of the chain, and for its beginning.
 */
export async function searchByAddress(
  chain: RpcChain,
  address: Address,
  number: bigint,
  direction: 'older' | 'newer',
  atLeast: number,
): Promise<FoundPage> {
  const older = direction === 'older'
  const start = older ? (number === 0n ? chain.head() : number - 1n) : number + 1n
  const page = await chain.history.placesOf(address, start, direction, atLeast)
  const places = older ? page.places : page.places.toReversed()
  const blocks: FoundBlock[] = []
  for (const height of new Set(places.map((place) => place.height))) {
    const [block, receipts] = [await chain.block(height), await chain.receipts(height)]
    if (block === null || receipts === null) continue
    const indexes = places.filter((place) => place.height === height).map(({ index }) => index)
    blocks.push({ block, receipts, indexes })
  }
  return older
    ? { blocks, isFirst: number === 0n, isLast: !page.more }
    : { blocks, isFirst: !page.more, isLast: number === 0n }
}
