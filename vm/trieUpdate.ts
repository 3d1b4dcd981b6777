/**
 * Changing many entries of a Merkle Patricia trie at once: every node that changes is read once, made
 * once and hashed once. Putting one entry after the other reads and hashes each path anew, with nodes
 * near the root as often as there are entries.
 */
import { equalBytes } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import { compareKeys } from '../storage/orderedMap.ts'
import { keccak256 } from './keccak.ts'
import { type Child, decodeNode, encodeNode, halves, type TrieNode } from './trieNode.ts'

/** @param key - the digest under which an entry is kept, 32 bytes. @param value - null removes it. */
export type TrieChange = { readonly key: Uint8Array; readonly value: Uint8Array | null }

export type TrieStore = {
  /** Bytes of the node with this hash. @throws {Error} if it is not there. */
  readonly get: (hash: Uint8Array) => Promise<Uint8Array>
  readonly put: (hash: Uint8Array, bytes: Uint8Array) => void
}

type Item = { readonly path: Uint8Array; readonly value: Uint8Array | null }

/**
 * Apply `changes`, of different keys, to the trie at `root`; what it needs and `store` may lack is put.
 *
 * @param root - null: an empty trie. @returns the new root, null if nothing is left.
 */
export async function updateTrie(
  store: TrieStore,
  root: Uint8Array | null,
  changes: readonly TrieChange[],
): Promise<Uint8Array | null> {
  const items = changes.map(({ key, value }) => ({ path: halves(key), value }))
  items.sort((a, b) => compareKeys(a.path, b.path))
  const updated = await update(store, root, items, 0)
  if (updated === null || updated instanceof Uint8Array) return updated
  const bytes = encodeNode(updated, (node) => referenceTo(store, node))
  return named(store, bytes)
}

/** The value under `key`, null if there is none. @param root - null: an empty trie. */
export async function readTrie(
  { get }: Pick<TrieStore, 'get'>,
  root: Uint8Array | null,
  key: Uint8Array,
): Promise<Uint8Array | null> {
  const path = halves(key)
  let child: Child = root
  let depth = 0
  while (child !== null) {
    const node: TrieNode = child instanceof Uint8Array ? decodeNode(await get(child)) : child
    if (node.kind === 'branch') {
      child = node.children[path[depth]!]!
      depth += 1
    } else {
      if (!startsWith(path, depth, node.path)) return null
      if (node.kind === 'leaf') return node.value
      depth += node.path.length
      child = node.child
    }
  }
  return null
}

/** What `child` becomes; the items' paths agree before `depth`, and with it. */
async function update(
  store: TrieStore,
  child: Child,
  items: readonly Item[],
  depth: number,
): Promise<Child> {
  if (items.length === 0) return child
  if (child === null) return made(items.filter(isKept), depth)
  const node = await nodeOf(store, child)
  const updated = await updateNode(store, node, items, depth)
  // What only was looked at stays as it is stored.
  return updated === node ? child : updated
}

/** @returns `node` itself if nothing changes. */
async function updateNode(
  store: TrieStore,
  node: TrieNode,
  items: readonly Item[],
  depth: number,
): Promise<Child> {
  switch (node.kind) {
    case 'leaf':
      return besideLeaf(node, items, depth)
    case 'extension':
      return belowExtension(store, node, items, depth)
    case 'branch':
      return belowBranch(store, node, items, depth)
    default:
      return node satisfies never
  }
}

type Leaf = Extract<TrieNode, { kind: 'leaf' }>
type Extension = Extract<TrieNode, { kind: 'extension' }>
type Branch = Extract<TrieNode, { kind: 'branch' }>

function besideLeaf(leaf: Leaf, items: readonly Item[], depth: number): Child {
  const path = new Uint8Array(64)
  path.set(items[0]!.path.subarray(0, depth))
  path.set(leaf.path, depth)
  const at = items.findIndex((item) => compareKeys(item.path, path) >= 0)
  const same = at !== -1 && compareKeys(items[at]!.path, path) === 0
  const value = same ? items[at]!.value : leaf.value
  const others = items.filter((item, i) => isKept(item) && !(same && i === at))
  if (others.length === 0 && value !== null && equalBytes(value, leaf.value)) return leaf
  if (same) return made(items.filter(isKept), depth)
  const place = at === -1 ? items.length : at
  const all = [...items.slice(0, place), { path, value: leaf.value }, ...items.slice(place)]
  return made(all.filter(isKept), depth)
}

async function belowExtension(
  store: TrieStore,
  extension: Extension,
  items: readonly Item[],
  depth: number,
): Promise<Child> {
  const { path, child } = extension
  // What is to go and lies elsewhere is not there.
  const all = items.filter(
    (item) => isKept(item) || sharedLength(path, item.path, depth) === path.length,
  )
  if (all.length === 0) return extension
  // Sorted: if the first and the last agree so far, all do.
  const shared = Math.min(
    sharedLength(path, all[0]!.path, depth),
    sharedLength(path, all.at(-1)!.path, depth),
  )
  if (shared === path.length) {
    const below = await update(store, child, all, depth + shared)
    return below === child ? extension : extended(store, path, below)
  }
  const children: Child[] = new Array(16).fill(null)
  const rest = path.subarray(shared + 1)
  children[path[shared]!] = rest.length === 0 ? child : { kind: 'extension', path: rest, child }
  const branch = await belowBranch(store, { kind: 'branch', children }, all, depth + shared)
  return extended(store, path.subarray(0, shared), branch)
}

async function belowBranch(
  store: TrieStore,
  before: Branch,
  items: readonly Item[],
  depth: number,
): Promise<Child> {
  const children = [...before.children]
  for (let from = 0; from < items.length; ) {
    const half = items[from]!.path[depth]!
    let to = from + 1
    while (to < items.length && items[to]!.path[depth] === half) to += 1
    children[half] = await update(store, children[half]!, items.slice(from, to), depth + 1)
    from = to
  }
  if (children.every((child, half) => child === before.children[half])) return before
  const left = children.flatMap((child, half) => (child === null ? [] : [half]))
  if (left.length > 1) return { kind: 'branch', children }
  if (left.length === 0) return null
  return extended(store, Uint8Array.of(left[0]!), children[left[0]!]!)
}

/** The trie of these alone. */
function made(items: readonly Kept[], depth: number): TrieNode | null {
  const [first, last] = [items[0], items.at(-1)]
  if (first === undefined || last === undefined) return null
  if (first === last) return { kind: 'leaf', path: first.path.subarray(depth), value: first.value }
  const shared = sharedLength(first.path.subarray(depth), last.path, depth)
  const at = depth + shared
  const children = Array.from({ length: 16 }, (_, half) =>
    made(
      items.filter(({ path }) => path[at] === half),
      at + 1,
    ),
  )
  const branch: TrieNode = { kind: 'branch', children }
  if (shared === 0) return branch
  return { kind: 'extension', path: first.path.subarray(depth, at), child: branch }
}

/** `child` under a path of its own: only branches stay below an extension. */
async function extended(store: TrieStore, path: Uint8Array, child: Child): Promise<Child> {
  if (child === null || path.length === 0) return child
  const node = await nodeOf(store, child)
  if (node.kind === 'branch') return { kind: 'extension', path, child }
  const longer = new Uint8Array(path.length + node.path.length)
  longer.set(path)
  longer.set(node.path, path.length)
  return { ...node, path: longer }
}

async function nodeOf(store: TrieStore, child: Exclude<Child, null>): Promise<TrieNode> {
  return child instanceof Uint8Array ? decodeNode(await store.get(child)) : child
}

/** What a parent writes of `node`: itself if it is shorter than its hash. */
function referenceTo(store: TrieStore, node: TrieNode): Uint8Array {
  const bytes = encodeNode(node, (below) => referenceTo(store, below))
  if (bytes.length < 32) return bytes
  const reference = new Uint8Array(33)
  reference[0] = 0xa0
  reference.set(named(store, bytes), 1)
  return reference
}

function named(store: TrieStore, bytes: Uint8Array): Uint8Array {
  const hash = keccak256(bytes)
  store.put(hash, bytes)
  return hash
}

type Kept = Item & { readonly value: Uint8Array }

function isKept(item: Item): item is Kept {
  invariant(item.path.length === 64, `updateTrie: a path of ${item.path.length}`)
  return item.value !== null
}

/** Half bytes that `path` has in common with `whole` from `depth` on. */
function sharedLength(path: Uint8Array, whole: Uint8Array, depth: number): number {
  let shared = 0
  while (shared < path.length && path[shared] === whole[depth + shared]) shared += 1
  return shared
}

function startsWith(whole: Uint8Array, depth: number, path: Uint8Array): boolean {
  return sharedLength(path, whole, depth) === path.length
}
