/**
 * The root of a list's trie, as Ethereum's headers have it for transactions, receipts and withdrawals:
 * item i under the RLP of i.
 *
 * All items are at hand, so the tree is made from the leaves up and every node is hashed once; putting
 * one item after the other into a trie hashes each path anew.
 *
 * @see Yellow Paper, section 4.3 and appendix D
 */
import { RLP } from '@ethereumjs/rlp'
import type { TypedTransaction } from '@ethereumjs/tx'
import type { Withdrawal } from '@ethereumjs/util'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { compareKeys } from '../storage/orderedMap.ts'
import { keccak256 } from './keccak.ts'
import { rlpList, rlpText } from './rlp.ts'
import { encodeTransaction } from './transaction.ts'
import { compactPath, halves } from './trieNode.ts'

/** A key in half bytes, with what lies under it. */
type Item = { readonly path: Uint8Array; readonly value: Uint8Array }

const emptyItem = Uint8Array.of(0x80)

/** Root of the trie of `values`, which are the items' encodings. */
export function listRoot(values: readonly Uint8Array[]): Hash {
  const items = values.map((value, i) => ({ path: halves(RLP.encode(i)), value }))
  items.sort((a, b) => compareKeys(a.path, b.path))
  return hashFromBytes(
    keccak256(items.length === 0 ? emptyItem : encode(items, 0, items.length, 0)),
  )
}

export function transactionsRoot(transactions: readonly TypedTransaction[]): Hash {
  return listRoot(transactions.map(encodeTransaction))
}

export function withdrawalsRoot(withdrawals: readonly Withdrawal[]): Hash {
  return listRoot(withdrawals.map((withdrawal) => RLP.encode(withdrawal.raw())))
}

/** The node over items `from..to`, whose paths agree before `depth`. No path starts another. */
function encode(items: readonly Item[], from: number, to: number, depth: number): Uint8Array {
  const first = items[from]!
  if (to - from === 1)
    return rlpList([rlpText(compactPath(first.path.subarray(depth), true)), rlpText(first.value)])
  const last = items[to - 1]!.path
  let shared = depth
  while (first.path[shared] === last[shared]) shared += 1
  if (shared > depth)
    return rlpList([
      rlpText(compactPath(first.path.subarray(depth, shared), false)),
      reference(encode(items, from, to, shared)),
    ])
  const children: Uint8Array[] = new Array(17).fill(emptyItem)
  for (let start = from; start < to; ) {
    const half = items[start]!.path[depth]!
    let end = start + 1
    while (end < to && items[end]!.path[depth] === half) end += 1
    children[half] = reference(encode(items, start, end, depth + 1))
    start = end
  }
  return rlpList(children)
}

/** What a parent says of a node: itself if it is shorter than its hash. */
function reference(node: Uint8Array): Uint8Array {
  return node.length < 32 ? node : rlpText(keccak256(node))
}
