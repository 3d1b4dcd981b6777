/**
 * Finding what happened by address and by topic. Written in the batch of its block and kept as long as
 * the block, so what a query finds is never more or less than what the blocks hold.
 *
 * Keys: `a` address, height (8 bytes), index (4): a transaction with a part of the address in it, whose
 * value is empty or, if the address is a contract that it created, the creator; `u` sender, nonce
 * (8): the place of a transaction; `l` folded address or topic (8), height (8): a block with logs of it.
 */
import type { TypedTransaction } from '@ethereumjs/tx'
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import {
  bytesToUint,
  concatBytes,
  fromHex,
  type Hex,
  uintBytes,
  utf8ToBytes,
} from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { KeyValue, Write } from '../storage/keyValue.ts'
import type { Receipt } from '../vm/receipts.ts'
import type { Touched } from '../vm/touched.ts'

export type LogFilter = {
  /** Any of these; empty: any at all. */
  readonly addresses: readonly Address[]
  /** By position: any of these, or null for any at all. */
  readonly topics: readonly (readonly Hash[] | null)[]
}

/** Where a transaction is. */
export type Place = { readonly height: bigint; readonly index: number }

/** What the index of a block is made from. */
export type Indexed = {
  readonly height: bigint
  readonly transactions: readonly {
    readonly tx: Pick<TypedTransaction, 'nonce'>
    readonly sender: Address
  }[]
  /** By transaction. */
  readonly touched: readonly Touched[]
  readonly receipts: readonly Pick<Receipt, 'logs'>[]
}

/** Places of one address, of whole blocks. */
export type PlacePage = {
  /** From the newest to the oldest if `older` were asked for, else the other way round. */
  readonly places: readonly Place[]
  /** Whether there are others farther on. */
  readonly more: boolean
}

export type HistoryIndex = {
  /**
   * Transactions with a part of `address` in them from block `start` on, to older or newer blocks: at
   * least `atLeast` if there are so many, and all of the last block.
   */
  readonly placesOf: (
    address: Address,
    start: bigint,
    direction: 'older' | 'newer',
    atLeast: number,
  ) => Promise<PlacePage>
  readonly sentBy: (sender: Address, nonce: bigint) => Promise<Place | null>
  /** The transaction that created the contract; null for what is none, or was there from genesis on. */
  readonly creationOf: (
    address: Address,
  ) => Promise<{ readonly place: Place; readonly creator: Address } | null>
  /**
   * Blocks from `from` to `to` that may have logs that fit, ascending: those left out have none. Null:
   * the filter asks for nothing in particular, or for nothing that fewer than `most` blocks have.
   */
  readonly logBlocks: (
    filter: LogFilter,
    from: bigint,
    to: bigint,
    most: number,
  ) => Promise<readonly bigint[] | null>
}

/** Entries of a creation index that are looked at; a contract's first is nearly always its own. */
const maxCreationEntries = 64

export function historyIndex(store: KeyValue): HistoryIndex {
  async function placesOf(
    address: Address,
    start: bigint,
    direction: 'older' | 'newer',
    atLeast: number,
  ): Promise<PlacePage> {
    const reverse = direction === 'older'
    const from = addressKey(address, reverse ? 0n : start)
    const to = addressKey(address, reverse ? start + 1n : maxHeight)
    const places: Place[] = []
    for await (const [key] of store.scan({ from, to, reverse })) {
      const place = placeIn(key.subarray(21))
      if (places.length >= atLeast && place.height !== places.at(-1)!.height)
        return { places, more: true }
      places.push(place)
    }
    return { places, more: false }
  }

  async function sentBy(sender: Address, nonce: bigint): Promise<Place | null> {
    const bytes = nonce < maxHeight ? await store.get(sentKey(sender, nonce)) : null
    return bytes === null ? null : placeIn(bytes)
  }

  async function creationOf(address: Address) {
    const range = { from: addressKey(address, 0n), to: addressKey(address, maxHeight) }
    // Coin may have been sent there before.
    for await (const [key, value] of store.scan({ ...range, limit: maxCreationEntries }))
      if (value.length === 20)
        return { place: placeIn(key.subarray(21)), creator: addressFromBytes(value) }
    return null
  }

  async function logBlocks(
    { addresses, topics }: LogFilter,
    from: bigint,
    to: bigint,
    most: number,
  ): Promise<readonly bigint[] | null> {
    const groups = [addresses.length > 0 ? addresses : null, ...topics].filter(
      (group) => group !== null,
    )
    let found: ReadonlySet<bigint> | null = null
    for (const group of groups) {
      const heights: ReadonlySet<bigint> | null = await heightsOf(group, from, to, most)
      // A group that is in most blocks rules out none worth the search.
      if (heights === null) continue
      found = found === null ? heights : common(found, heights)
    }
    return found === null ? null : [...found].sort((a, b) => (a < b ? -1 : 1))
  }

  async function heightsOf(
    values: readonly Hex[],
    from: bigint,
    to: bigint,
    most: number,
  ): Promise<ReadonlySet<bigint> | null> {
    const heights = new Set<bigint>()
    let left = most
    for (const name of new Set(values.map((value) => folded(fromHex(value))))) {
      const range = { from: logKey(name, from), to: logKey(name, to + 1n), limit: left + 1 }
      for await (const [key] of store.scan(range)) {
        if (--left < 0) return null
        heights.add(bytesToUint(key.subarray(9)))
      }
    }
    return heights
  }

  return { placesOf, sentBy, creationOf, logBlocks }
}

function common(a: ReadonlySet<bigint>, b: ReadonlySet<bigint>): ReadonlySet<bigint> {
  return new Set([...a].filter((height) => b.has(height)))
}

/** The entries of one block. */
export function historyWrites(block: Indexed): readonly Write[] {
  const { height, transactions, touched, receipts } = block
  const writes: Write[] = []
  for (const [index, { tx, sender }] of transactions.entries()) {
    const place = placeBytes({ height, index })
    writes.push({ key: sentKey(sender, tx.nonce), value: place })
    const { addresses, created } = touched[index]!
    const creators = new Map(created.map(({ address, creator }) => [address, creator]))
    for (const address of addresses) {
      const creator = creators.get(address)
      const value = creator === undefined ? new Uint8Array() : addressBytes(creator)
      writes.push({ key: concatBytes(addressTag, addressBytes(address), place), value })
    }
  }
  for (const name of logNames(receipts))
    writes.push({ key: logKey(name, height), value: new Uint8Array() })
  return writes
}

/** Each folded address and topic of the logs once. */
function logNames(receipts: Indexed['receipts']): ReadonlySet<bigint> {
  const values = new Set<string>()
  for (const { logs } of receipts)
    for (const { address, topics } of logs) {
      values.add(address)
      for (const topic of topics) values.add(topic)
    }
  return new Set([...values].map((value) => folded(fromHex(value))))
}

/** Spreads words that are alike. @see FNV-1a, its 64-bit prime */
const oddFactor = 0x100_0000_01b3n

/**
 * Eight bytes that stand for an address or a topic. Two values that share them cost a look at a block
 * that has nothing, no more; a digest would cost every block its time.
 */
function folded(value: Uint8Array): bigint {
  let word = 0n
  for (let end = value.length; end > 0; end -= 8)
    word =
      BigInt.asUintN(64, word * oddFactor) ^ bytesToUint(value.subarray(Math.max(0, end - 8), end))
  return word
}

const [addressTag, sentTag, logTag] = ['a', 'u', 'l'].map(utf8ToBytes) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]
/** Above every block. */
const maxHeight = 2n ** 64n - 1n

function addressKey(address: Address, height: bigint): Uint8Array {
  return concatBytes(addressTag, addressBytes(address), uintBytes(height, 8))
}

function sentKey(sender: Address, nonce: bigint): Uint8Array {
  return concatBytes(sentTag, addressBytes(sender), uintBytes(nonce, 8))
}

function logKey(name: bigint, height: bigint): Uint8Array {
  return concatBytes(logTag, uintBytes(name, 8), uintBytes(height, 8))
}

/** Height and index. */
export function placeBytes({ height, index }: Place): Uint8Array {
  return concatBytes(uintBytes(height, 8), uintBytes(index, 4))
}

export function placeIn(bytes: Uint8Array): Place {
  return {
    height: bytesToUint(bytes.subarray(0, 8)),
    index: Number(bytesToUint(bytes.subarray(8, 12))),
  }
}
