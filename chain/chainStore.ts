/**
 * Blocks on disk. One batch per block holds its state nodes, envelope, commit, receipts, indexes and
 * the head pointer, so whatever happens the store is at the end of some block.
 *
 * Keys: `n` state nodes (see vm/stateStore.ts); `g` genesis hash; `h` head; `s` lowest block whose
 * state is kept; and by height `e`
 * envelope, `c` commit, `r` receipts, `k` hashes; by hash `b` height of a block, `t` place of a
 * transaction; `f` lowest block that is here, if it is not 0; `a`, `u` and `l` see historyIndex.ts.
 */
import {
  bytesToUint,
  concatBytes,
  plainBytes,
  uintBytes,
  utf8ToBytes,
} from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { KeyValue, Write } from '../storage/keyValue.ts'
import { decodeReceipts, encodeReceipts, type Receipt } from '../vm/receipts.ts'
import { type Nodes, nodeWrites } from '../vm/stateStore.ts'
import {
  type HistoryIndex,
  historyIndex,
  historyWrites,
  type Place,
  placeBytes,
  placeIn,
} from './historyIndex.ts'
import type { Outcome } from './transition.ts'

type BlockNames = { readonly hash: Hash; readonly envelopeHash: Hash }

export type ChainStore = {
  /** Hash of the genesis block this database belongs to; null if it is new. */
  readonly genesisHash: () => Promise<Hash | null>
  readonly headHeight: () => Promise<bigint>
  /** The lowest block that is here; 0 unless the chain began at a snapshot. */
  readonly firstHeight: () => Promise<bigint>
  /** States of lower blocks may be gone; 0 in an archive. */
  readonly stateFloor: () => Promise<bigint>
  /** To be written before the first node goes. */
  readonly raiseStateFloor: (height: bigint) => Promise<void>
  readonly names: (height: bigint) => Promise<BlockNames | null>
  readonly heightOf: (blockHash: Hash) => Promise<bigint | null>
  readonly envelope: (height: bigint) => Promise<Uint8Array | null>
  readonly commit: (height: bigint) => Promise<Uint8Array | null>
  readonly receipts: (height: bigint) => Promise<readonly Receipt[] | null>
  readonly placeOf: (transaction: Hash) => Promise<Place | null>
  readonly history: HistoryIndex
  /** Start a new database with block 0's state. */
  readonly writeGenesis: (hash: Hash, nodes: Nodes) => Promise<void>
  /** Append a block; durable when the promise resolves. */
  readonly append: (outcome: Outcome, envelope: Uint8Array, commit: Uint8Array) => Promise<void>
  /** Make a block the head whose parents are not here; its state's nodes are. */
  readonly adopt: (
    block: BlockNames & { readonly height: bigint },
    envelope: Uint8Array,
    commit: Uint8Array,
  ) => Promise<void>
}

const noEnvelope = new Uint8Array(32)

export function chainStore(store: KeyValue): ChainStore {
  const read = (tag: string, ...parts: readonly Uint8Array[]) => store.get(keyOf(tag, ...parts))

  async function hashAt(tag: string): Promise<Hash | null> {
    const bytes = await read(tag)
    return bytes === null ? null : hashFromBytes(bytes)
  }

  async function heightAt(tag: string, ...parts: readonly Uint8Array[]): Promise<bigint | null> {
    const bytes = await read(tag, ...parts)
    return bytes === null ? null : bytesToUint(bytes)
  }

  async function names(height: bigint): Promise<BlockNames | null> {
    const bytes = await read('k', at(height))
    if (bytes === null) return null
    return {
      hash: hashFromBytes(bytes.subarray(0, 32)),
      envelopeHash: hashFromBytes(bytes.subarray(32)),
    }
  }

  async function receipts(height: bigint): Promise<readonly Receipt[] | null> {
    const bytes = await read('r', at(height))
    if (bytes === null) return null
    const decoded = decodeReceipts(bytes)
    invariant(decoded.ok, `chainStore: receipts of block ${height} are damaged`)
    return decoded.value
  }

  async function placeOf(transaction: Hash): Promise<Place | null> {
    const bytes = await read('t', hashBytes(transaction))
    return bytes === null ? null : placeIn(bytes)
  }

  async function writeGenesis(hash: Hash, nodes: Nodes): Promise<void> {
    const writes = [
      ...nodeWrites(nodes),
      put(keyOf('k', at(0n)), concatBytes(hashBytes(hash), noEnvelope)),
      put(keyOf('b', hashBytes(hash)), at(0n)),
      put(keyOf('g'), hashBytes(hash)),
      put(keyOf('h'), at(0n)),
    ]
    await store.batch(writes, true)
  }

  async function append(outcome: Outcome, envelope: Uint8Array, commit: Uint8Array): Promise<void> {
    const { height, hash, envelopeHash, transactions } = outcome
    const writes = [
      ...nodeWrites(outcome.nodes),
      put(keyOf('e', at(height)), envelope),
      put(keyOf('c', at(height)), commit),
      put(keyOf('r', at(height)), encodeReceipts(outcome.receipts)),
      put(keyOf('k', at(height)), concatBytes(hashBytes(hash), hashBytes(envelopeHash))),
      put(keyOf('b', hashBytes(hash)), at(height)),
      ...transactions.map((transaction, index) =>
        put(keyOf('t', hashBytes(transaction.hash)), placeBytes({ height, index })),
      ),
      ...historyWrites(outcome),
      put(keyOf('h'), at(height)),
    ]
    await store.batch(writes, true)
  }

  async function adopt(
    { height, hash, envelopeHash }: BlockNames & { readonly height: bigint },
    envelope: Uint8Array,
    commit: Uint8Array,
  ): Promise<void> {
    const writes = [
      put(keyOf('e', at(height)), envelope),
      put(keyOf('c', at(height)), commit),
      put(keyOf('k', at(height)), concatBytes(hashBytes(hash), hashBytes(envelopeHash))),
      put(keyOf('b', hashBytes(hash)), at(height)),
      put(keyOf('s'), at(height)),
      put(keyOf('f'), at(height)),
      put(keyOf('h'), at(height)),
    ]
    await store.batch(writes, true)
  }

  return {
    genesisHash: () => hashAt('g'),
    headHeight: async () => (await heightAt('h')) ?? 0n,
    firstHeight: async () => (await heightAt('f')) ?? 0n,
    stateFloor: async () => (await heightAt('s')) ?? 0n,
    raiseStateFloor: (height) => store.batch([put(keyOf('s'), at(height))], true),
    names,
    heightOf: (hash) => heightAt('b', hashBytes(hash)),
    envelope: (height) => read('e', at(height)),
    commit: (height) => read('c', at(height)),
    receipts,
    placeOf,
    history: historyIndex(store),
    writeGenesis,
    append,
    adopt,
  }
}

function at(height: bigint): Uint8Array {
  return uintBytes(height, 8)
}

function keyOf(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(utf8ToBytes(tag), ...parts)
}

function put(key: Uint8Array, value: Uint8Array): Write {
  return { key, value: plainBytes(value) }
}
