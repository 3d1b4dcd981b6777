/**
 * Nodes of Ethereum's Merkle Patricia trie, to bytes and back. Keys are digests, so all paths are 64
 * half bytes long and no branch carries a value.
 *
 * @see Yellow Paper, appendix D
 */
import { Bug, invariant } from '../primitives/result.ts'
import { rlpList, rlpText } from './rlp.ts'

/** What a node says of one below it: its hash, the node itself if it is not stored, or nothing. */
export type Child = Uint8Array | TrieNode | null

/** Paths are half bytes, one in each byte. */
export type TrieNode =
  | { readonly kind: 'leaf'; readonly path: Uint8Array; readonly value: Uint8Array }
  | {
      readonly kind: 'extension'
      readonly path: Uint8Array
      readonly child: Exclude<Child, null>
    }
  /** Sixteen. */
  | { readonly kind: 'branch'; readonly children: readonly Child[] }

const nothing = Uint8Array.of(0x80)

/** @throws {Bug} what our own store holds under a digest is a node. */
export function decodeNode(bytes: Uint8Array): TrieNode {
  const items = itemsOf(bytes)
  if (items.length === 17) return { kind: 'branch', children: items.slice(0, 16).map(childIn) }
  invariant(items.length === 2, `decodeNode: ${items.length} items`)
  const { path, leaf } = plainPath(textIn(items[0]!))
  if (leaf) return { kind: 'leaf', path, value: textIn(items[1]!) }
  const child = childIn(items[1]!)
  invariant(child !== null, 'decodeNode: an extension of nothing')
  return { kind: 'extension', path, child }
}

/** @param reference - of a node that is not in bytes yet. */
export function encodeNode(node: TrieNode, reference: (node: TrieNode) => Uint8Array): Uint8Array {
  const encoded = (child: Child): Uint8Array => {
    if (child === null) return nothing
    return child instanceof Uint8Array ? rlpText(child) : reference(child)
  }
  switch (node.kind) {
    case 'leaf':
      return rlpList([rlpText(compactPath(node.path, true)), rlpText(node.value)])
    case 'extension':
      return rlpList([rlpText(compactPath(node.path, false)), encoded(node.child)])
    case 'branch':
      return rlpList([...node.children.map(encoded), nothing])
    default:
      return node satisfies never
  }
}

/** Half bytes as bytes, with a flag for leaves and one for odd lengths. */
export function compactPath(path: Uint8Array, leaf: boolean): Uint8Array {
  const odd = path.length & 1
  const bytes = new Uint8Array(1 + (path.length >> 1))
  bytes[0] = ((leaf ? 2 : 0) + odd) << 4
  if (odd === 1) bytes[0]! |= path[0]!
  for (let i = odd, at = 1; i < path.length; i += 2, at++)
    bytes[at] = (path[i]! << 4) | path[i + 1]!
  return bytes
}

function plainPath(bytes: Uint8Array): { readonly path: Uint8Array; readonly leaf: boolean } {
  const flags = bytes[0]! >> 4
  return { path: halves(bytes).subarray(flags & 1 ? 1 : 2), leaf: flags >= 2 }
}

export function halves(bytes: Uint8Array): Uint8Array {
  const path = new Uint8Array(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    path[2 * i] = bytes[i]! >> 4
    path[2 * i + 1] = bytes[i]! & 15
  }
  return path
}

/** Children shorter than a hash are written into their parent. */
function childIn(item: Uint8Array): Child {
  if (item[0]! >= 0xc0) return decodeNode(item)
  return item.length === 1 ? null : textIn(item)
}

/** The encoded items of an encoded list. */
function itemsOf(list: Uint8Array): readonly Uint8Array[] {
  const items: Uint8Array[] = []
  for (let at = list.length - payloadOf(list, 0xc0); at < list.length; ) {
    const end = at + lengthAt(list, at)
    items.push(list.subarray(at, end))
    at = end
  }
  return items
}

/** What an encoded byte string holds. */
function textIn(item: Uint8Array): Uint8Array {
  return item.subarray(item.length - payloadOf(item, 0x80))
}

/** Bytes of content of the item that `item` begins with. */
function payloadOf(item: Uint8Array, offset: number): number {
  const first = item[0]!
  if (first < 0x80) return 1
  const width = first - offset - 55
  if (width <= 0) return first - offset
  let length = 0
  for (let i = 1; i <= width; i++) length = length * 256 + item[i]!
  return length
}

/** Bytes of the item at `at`, with its head. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  if (first === undefined) throw new Bug('lengthAt: a node that ends early')
  if (first < 0x80) return 1
  const offset = first < 0xc0 ? 0x80 : 0xc0
  const width = Math.max(0, first - offset - 55)
  return 1 + width + payloadOf(bytes.subarray(at), offset)
}
