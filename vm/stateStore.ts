/**
 * The world state: Ethereum's Merkle Patricia trie over a key-value store. Nodes are named by their
 * hash, so every root ever written stays readable and a candidate's nodes can wait in memory.
 */
import type { Common } from '@ethereumjs/common'
import type { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { type NestedUint8Array, RLP } from '@ethereumjs/rlp'
import { Caches, CODEHASH_PREFIX, type MerkleStateManager } from '@ethereumjs/statemanager'
import { type BatchDBOp, type DB, ValueEncoding } from '@ethereumjs/util'
import { concatBytes, fromHex, toHex, utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { KeyValue, Write } from '../storage/keyValue.ts'
import { BatchedState, StateTrie } from './trieState.ts'

/** Key prefix of trie nodes and contract code in the chain's store. */
const nodePrefix = utf8ToBytes('n')

/** Nodes kept in memory across blocks; about 500 bytes each. */
const defaultCacheNodes = 65_536

/** Root of the trie that holds nothing. */
export const emptyStateRoot: Hash =
  '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421' as Hash

export type StateStore = {
  /**
   * Asked before each read: what to wait for, if it is others' turn. Reads that are all answered from
   * memory would otherwise keep everything else from running. @default never
   */
  readonly turn?: (() => Promise<void> | null) | undefined
  /** Reads a node by its key without prefix. */
  readonly get: (key: string) => Promise<Uint8Array | undefined>
  /** Whether a node is known to be in the store; false says nothing. */
  readonly has: (key: string) => boolean
  /** Takes in what a batch has just made durable. */
  readonly remember: (nodes: Nodes) => void
}

export type CachedStates = StateStore & {
  /**
   * While nodes are being deleted: nothing counts as known to be in the store, and what is read is
   * not remembered. Ends with nothing remembered.
   */
  readonly doubt: (on: boolean) => void
}

/** Nodes by unprefixed hex key. */
export type Nodes = ReadonlyMap<string, Uint8Array>

/** A view of the state at a root; what is written to it stays in memory. */
export type OpenState = {
  readonly state: MerkleStateManager
  /** The account trie under `state`, for walking it. */
  readonly trie: MerklePatriciaTrie
  readonly nodes: Nodes
  /** The store's failure, if reading failed: then nothing the execution said holds. */
  readonly failure: () => unknown
}

/** Wraps `store` with a bounded cache. Nodes never change, so it needs no invalidation. */
export function stateStore(
  store: KeyValue,
  cacheNodes: number = defaultCacheNodes,
  turn?: StateStore['turn'],
): CachedStates {
  const cache = new Map<string, Uint8Array>()
  let doubted = false
  /** Counts times of doubt, so that a read that began in one is not remembered after it. */
  let era = 0

  function keep(key: string, node: Uint8Array): void {
    cache.delete(key)
    cache.set(key, node)
    if (cache.size > cacheNodes) cache.delete(cache.keys().next().value!)
  }

  async function get(key: string): Promise<Uint8Array | undefined> {
    const began = era
    const node = cache.get(key) ?? (await store.get(nodeKey(key))) ?? undefined
    if (node !== undefined && !doubted && began === era) keep(key, node)
    return node
  }

  function remember(nodes: Nodes): void {
    for (const [key, node] of nodes) keep(key, node)
  }

  return {
    get,
    has: (key) => !doubted && cache.has(key),
    remember,
    turn,
    doubt: (on) => {
      doubted = on
      era += 1
      if (!on) cache.clear()
    },
  }
}

/**
 * The state at `root`.
 *
 * @throws {Bug} if the store does not hold `root`: roots come from headers that were committed.
 */
export async function openState(common: Common, store: StateStore, root: Hash): Promise<OpenState> {
  const nodes = new Map<string, Uint8Array>()
  let failure: unknown
  const get = async (key: string): Promise<Uint8Array | undefined> => {
    const others = store.turn?.() ?? null
    if (others !== null) await others
    const written = nodes.get(key)
    if (written !== undefined) return written
    try {
      return await store.get(key)
    } catch (error) {
      failure = error
      throw error
    }
  }
  const trie = new StateTrie({
    db: nodeDatabase(get, nodes),
    valueEncoding: ValueEncoding.Bytes,
    useKeyHashing: true,
    common,
  })
  const state = new BatchedState({ common, trie, caches: new Caches() })
  if (root !== emptyStateRoot) {
    invariant((await get(root.slice(2))) !== undefined, `openState: no state at ${root}`)
    await state.setStateRoot(hashBytes(root))
  }
  return { state, trie, nodes, failure: () => failure }
}

/**
 * The nodes that the trie at `root` needs and the store lacks, without what was made on the way and
 * what was only written again: about a tenth of what an execution writes. A node in the store has all
 * below it there, too.
 */
export function newNodes(store: StateStore, nodes: Nodes, root: Hash): Nodes {
  const needed = new Map<string, Uint8Array>()

  function take(key: string): Uint8Array | undefined {
    const node = nodes.get(key)
    if (node === undefined || needed.has(key) || store.has(key)) return undefined
    needed.set(key, node)
    return node
  }

  function visitHash(hash: Uint8Array, inAccounts: boolean): void {
    const node = take(hexOf(hash))
    if (node !== undefined) visitNode(RLP.decode(node), inAccounts)
  }

  function visitNode(node: Nested, inAccounts: boolean): void {
    if (!Array.isArray(node)) return
    if (node.length === 17) for (const child of node.slice(0, 16)) visitChild(child, inAccounts)
    else if (isLeaf(node[0])) visitLeaf(node[1], inAccounts)
    else visitChild(node[1], inAccounts)
  }

  /** Children shorter than a hash are written into their parent. */
  function visitChild(child: Nested | undefined, inAccounts: boolean): void {
    if (child instanceof Uint8Array && child.length === 32) visitHash(child, inAccounts)
    else if (Array.isArray(child)) visitNode(child, inAccounts)
  }

  function visitLeaf(value: Nested | undefined, inAccounts: boolean): void {
    if (!inAccounts || !(value instanceof Uint8Array)) return
    const [, , storageRoot, codeHash] = RLP.decode(value) as Uint8Array[]
    visitHash(storageRoot!, false)
    take(hexOf(CODEHASH_PREFIX) + hexOf(codeHash!))
  }

  visitHash(hashBytes(root), true)
  return needed
}

type Nested = Uint8Array | NestedUint8Array

/** The first nibble of a node's path says what it is; 2 and 3 are leaves. */
function isLeaf(path: Nested | undefined): boolean {
  return path instanceof Uint8Array && path[0]! >> 4 >= 2
}

/** The writes that make `nodes` durable. */
export function nodeWrites(nodes: Nodes): readonly Write[] {
  return [...nodes].map(([key, value]) => ({ key: nodeKey(key), value }))
}

function hexOf(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}

/** Where the chain's store has the node with this key. */
export function nodeKey(key: string): Uint8Array {
  return concatBytes(nodePrefix, fromHex(key))
}

type NodeDatabase = DB<string, string | Uint8Array>

/** The trie's database: reads through `get`, writes into `nodes`. The trie never deletes. */
function nodeDatabase(
  get: (key: string) => Promise<Uint8Array | undefined>,
  nodes: Map<string, Uint8Array>,
): NodeDatabase {
  const put = async (key: string, value: string | Uint8Array): Promise<void> => {
    invariant(value instanceof Uint8Array, 'nodeDatabase: nodes are bytes')
    nodes.set(key, value)
  }
  const database: NodeDatabase = {
    get,
    put,
    del: async () => {},
    batch: async (operations: BatchDBOp<string, string | Uint8Array>[]) => {
      for (const operation of operations)
        if (operation.type === 'put') await put(operation.key, operation.value)
    },
    shallowCopy: () => database,
    open: async () => {},
  }
  return database
}
