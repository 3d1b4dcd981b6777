/**
 * Whether a database is what a chain wrote: every block hangs on its parent and is named, indexed and
 * receipted as it says, and every kept state is whole. Reads everything once.
 */
import type { Block } from '@ethereumjs/block'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import type { KeyValue } from '../storage/keyValue.ts'
import { commitReceipts } from '../vm/receipts.ts'
import { type NodeName, namesIn, nodeKeyOf } from '../vm/stateNodes.ts'
import { emptyStateRoot, nodeKey } from '../vm/stateStore.ts'
import { readBlock } from './blockCodec.ts'
import { blockHistory } from './blockHistory.ts'
import { chainStore } from './chainStore.ts'
import { decodeEnvelope, envelopeHashOf } from './envelope.ts'
import type { Rules } from './rules.ts'

export type StoreFault = {
  readonly code: 'db/missing' | 'db/damaged' | 'db/mismatch'
  readonly height: bigint
  readonly what: string
}

export type StoreCheck = {
  readonly head: bigint
  /** Lowest block that is here; above 1 if the chain started from a snapshot. */
  readonly first: bigint
  readonly stateFloor: bigint
  readonly nodes: number
  /** In order of height; at most `maxFaults`. */
  readonly faults: readonly StoreFault[]
  /** The highest block up to which everything is right, its state included; null if there is none. */
  readonly sound: bigint | null
}

const maxFaults = 100

/** Check everything; `breathe` lets others run. */
export async function checkStore(
  store: KeyValue,
  rules: Rules,
  genesisHash: Hash,
  breathe: (height: bigint) => Promise<void>,
): Promise<StoreCheck> {
  const blocks = chainStore(store)
  const [head, stateFloor] = [await blocks.headHeight(), await blocks.stateFloor()]
  const found = await blocks.genesisHash()
  const faults: StoreFault[] = []
  const add = (fault: StoreFault | null) => {
    if (fault !== null && faults.length < maxFaults) faults.push(fault)
    return fault === null
  }
  if (found !== genesisHash)
    add({ code: 'db/mismatch', height: 0n, what: `genesis ${found}, not ${genesisHash}` })
  const first = (await blocks.firstHeight()) || 1n
  const seen = new KeySet()
  let sound: bigint | null = null
  let parent: Hash | null = first === 1n ? genesisHash : null
  let whole = faults.length === 0
  for (let height = first; height <= head; height++) {
    await breathe(height)
    const block = await checkBlock(store, rules, height, parent)
    parent = block.hash
    whole = add(block.fault) && whole
    if (height < stateFloor || block.stateRoot === null) continue
    whole = add(await checkState(store, block.stateRoot, height, seen)) && whole
    if (whole) sound = height
  }
  return { head, first, stateFloor, nodes: seen.size, faults, sound }
}

type Checked = {
  readonly fault: StoreFault | null
  readonly hash: Hash | null
  readonly stateRoot: Hash | null
}

async function checkBlock(
  store: KeyValue,
  rules: Rules,
  height: bigint,
  parent: Hash | null,
): Promise<Checked> {
  const blocks = chainStore(store)
  const wrong = (code: StoreFault['code'], what: string, hash: Hash | null = null): Checked => ({
    fault: { code, height, what },
    hash,
    stateRoot: null,
  })
  const [names, bytes] = [await blocks.names(height), await blocks.envelope(height)]
  if (bytes === null) return wrong('db/missing', 'envelope')
  const envelope = decodeEnvelope(bytes)
  if (!envelope.ok) return wrong('db/damaged', 'envelope')
  const read = readBlock(rules, envelope.value.block)
  if (!read.ok) return wrong('db/damaged', 'block')
  const { header } = read.value
  const hash = hashFromBytes(header.hash())
  if (header.number !== height) return wrong('db/mismatch', 'number')
  if (parent !== null && hashFromBytes(header.parentHash) !== parent)
    return wrong('db/mismatch', 'parent', hash)
  if (names?.hash !== hash || names.envelopeHash !== envelopeHashOf(bytes))
    return wrong(names === null ? 'db/missing' : 'db/mismatch', 'names', hash)
  const said = await checkIndexes(store, rules, height, read.value)
  if (said !== null) return wrong(...said, hash)
  return { fault: null, hash, stateRoot: hashFromBytes(header.stateRoot) }
}

/** What is kept of a block besides the block itself. */
async function checkIndexes(
  store: KeyValue,
  rules: Rules,
  height: bigint,
  { header, transactions }: Block,
): Promise<readonly [StoreFault['code'], string] | null> {
  const blocks = chainStore(store)
  if ((await blocks.commit(height)) === null) return ['db/missing', 'commit']
  if ((await blocks.heightOf(hashFromBytes(header.hash()))) !== height)
    return ['db/mismatch', 'index of blocks']
  for (const [index, tx] of transactions.entries()) {
    const place = await blocks.placeOf(hashFromBytes(tx.hash()))
    if (place?.height !== height || place.index !== index)
      return ['db/mismatch', `index of transaction ${index}`]
  }
  const receipts = await blocks.receipts(height).catch(() => null)
  if (receipts === null) return ['db/damaged', 'receipts']
  if (commitReceipts(rules.engine, receipts).root !== hashFromBytes(header.receiptTrie))
    return ['db/mismatch', 'receipts']
  for (const { key } of blockHistory(height, transactions, receipts))
    if ((await store.get(key)) === null) return ['db/missing', 'index of addresses and logs']
  return null
}

/** Walks what no earlier state had; the first node that is not what its name says is the fault. */
async function checkState(
  store: KeyValue,
  root: Hash,
  height: bigint,
  seen: KeySet,
): Promise<StoreFault | null> {
  const pending: NodeName[] = root === emptyStateRoot ? [] : [{ kind: 'account', hash: root }]
  let fault: StoreFault | null = null
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const key = nodeKeyOf(name)
    if (seen.has(key)) continue
    const node = await store.get(nodeKey(key))
    const names = node === null ? null : namesIn(name, node)
    if (names?.ok === true) {
      seen.add(key)
      pending.push(...names.value)
      continue
    }
    const code = node === null ? 'db/missing' : 'db/damaged'
    fault ??= { code, height, what: `state node ${name.hash}` }
  }
  return fault
}

/** Keys of nodes. One set of JavaScript's holds 2^24 at most, and an archive has more. */
class KeySet {
  readonly #parts = new Map<string, Set<string>>()

  get size(): number {
    let size = 0
    for (const part of this.#parts.values()) size += part.size
    return size
  }

  has(key: string): boolean {
    return this.#parts.get(key.slice(-2))?.has(key) ?? false
  }

  /** By the last byte, which is a digest's. */
  add(key: string): void {
    const part = this.#parts.get(key.slice(-2)) ?? new Set()
    this.#parts.set(key.slice(-2), part.add(key))
  }
}
