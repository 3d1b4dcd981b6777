/**
 * Transactions waiting for a block. Everything a stranger sends is checked before it is kept, what is
 * kept is bounded by sender, number and bytes, and the cheapest go first when room is short.
 */
import { isCertify } from '../chain/certify.ts'
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Engine } from '../vm/engine.ts'
import {
  decodeTransactionAside,
  effectiveTip,
  feeCap,
  maxCost,
  type Transaction,
  tipCap,
} from '../vm/transaction.ts'
import type { PoolFault } from './poolFault.ts'
import { type Pooled, type SenderAccount, SenderQueue } from './senderQueue.ts'

export type PoolOptions = {
  /** Transactions in all. @default 8192 */
  readonly maxTransactions?: number | undefined
  /** Bytes in all. @default 32 MiB */
  readonly maxBytes?: number | undefined
  /** Transactions of one sender, and how far a nonce may be ahead. @default 64 */
  readonly maxPerSender?: number | undefined
  /** Least wei per gas a transaction must be ready to pay. @default 1 */
  readonly minFee?: bigint | undefined
  /** Least wei per gas for the proposer. @default 1 */
  readonly minTip?: bigint | undefined
  /** What has waited longer is dropped. @default 3 hours */
  readonly maxAgeMs?: number | undefined
}

export type PoolModules = {
  readonly engine: Engine
  readonly clock: Pick<Clock, 'now'>
  /** After the head block. */
  readonly account: (address: Address) => Promise<SenderAccount>
  /** Base fee of the block after the head. */
  readonly nextBaseFee: () => bigint
  /** Gas limit of the block after the head. */
  readonly nextGasLimit: () => bigint
}

export type PoolContent = {
  readonly pending: readonly Transaction[]
  readonly queued: readonly Transaction[]
}

/** Who brought a transaction: one of this node's own clients, or another node. */
export type Origin = 'here' | 'peer'

type Listener = (transaction: Transaction, from: Origin) => void

export type TransactionPool = {
  /** Begin what costs most of taking these in, which changes nothing: {@link add} is quick then. */
  readonly foresee: (bytes: Uint8Array) => Promise<void>
  /** Check and keep a signed transaction. @param from - whom listeners are told. @default here */
  readonly add: (bytes: Uint8Array, from?: Origin) => Promise<Result<Transaction, PoolFault>>
  readonly get: (hash: Hash) => Transaction | null
  /** For the builder: executable now, by tip, each sender's in nonce order. */
  readonly ordered: () => readonly Transaction[]
  /** By sender, then nonce. */
  readonly content: () => PoolContent
  /** Next nonce counting executable transactions; null if it has none of `sender`. */
  readonly nonceOf: (sender: Address) => bigint | null
  readonly status: () => {
    readonly pending: number
    readonly queued: number
    readonly bytes: number
  }
  /** A block was committed: forget what it holds and what its senders can no longer pay. */
  readonly reset: (mined: readonly Transaction[]) => Promise<void>
  /** Forget one, such as what a builder found impossible. */
  readonly drop: (hash: Hash) => void
  /** Calls `listener` with each transaction taken in; the returned function stops that. */
  readonly onAdded: (listener: Listener) => () => void
}

export function createTransactionPool(options: PoolOptions, modules: PoolModules): TransactionPool {
  const {
    maxTransactions = 8_192,
    maxBytes = 33_554_432,
    maxPerSender = 64,
    minFee = 1n,
    minTip = 1n,
    maxAgeMs = 10_800_000,
  } = options
  const { engine, clock, account, nextBaseFee, nextGasLimit } = modules
  const byHash = new Map<Hash, Pooled>()
  const senders = new Map<Address, SenderQueue>()
  const listeners = new Set<Listener>()
  let bytesHeld = 0
  let sequence = 0
  let turn: Promise<unknown> = Promise.resolve()

  async function add(
    bytes: Uint8Array,
    from: Origin = 'here',
  ): Promise<Result<Transaction, PoolFault>> {
    const decoded = await decodeTransactionAside(engine, bytes)
    return decoded.ok ? inTurn(() => admit(decoded.value, from)) : decoded
  }

  /** Admissions and resets ask the state and then change the pool: one after the other. */
  function inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = turn.then(action)
    turn = result.catch(() => {})
    return result
  }

  async function admit(
    transaction: Transaction,
    from: Origin,
  ): Promise<Result<Transaction, PoolFault>> {
    const alone = faultAlone(transaction)
    if (alone !== null) return refuse(alone)
    // Asked every time: the head may have moved while a sender's queue stayed.
    const state = await account(transaction.sender)
    const queue = senders.get(transaction.sender) ?? new SenderQueue(state)
    for (const pooled of queue.refresh(state)) forget(pooled)
    const fault = faultInQueue(transaction, queue, state)
    if (fault !== null) return refuse(fault)
    const replaced = queue.at(transaction.tx.nonce)
    const crowded = makeRoom(transaction, replaced, queue)
    if (crowded !== null) return refuse(crowded)
    if (replaced !== undefined) forget(replaced)
    keep(transaction, queue)
    for (const listener of listeners) listener(transaction, from)
    return ok(transaction)
  }

  /** What the transaction and the parameters alone decide. */
  function faultAlone(transaction: Transaction): PoolFault | null {
    const { tx, hash } = transaction
    if (byHash.has(hash)) return { code: 'pool/known', hash }
    if (isCertify(engine, transaction)) return { code: 'pool/certificate', hash }
    const max = nextGasLimit()
    if (tx.gasLimit > max) return { code: 'pool/blockGas', max, got: tx.gasLimit }
    if (feeCap(tx) < minFee) return { code: 'pool/fee', least: minFee, got: feeCap(tx) }
    if (tipCap(tx) < minTip) return { code: 'pool/tip', least: minTip, got: tipCap(tx) }
    return null
  }

  /** What the sender's account and its other transactions decide. */
  function faultInQueue(
    { tx }: Transaction,
    queue: SenderQueue,
    state: SenderAccount,
  ): PoolFault | null {
    if (tx.nonce < state.nonce) return { code: 'pool/nonceLow', next: state.nonce, got: tx.nonce }
    const max = state.nonce + BigInt(maxPerSender)
    if (tx.nonce > max) return { code: 'pool/nonceGap', max, got: tx.nonce }
    const needed = queue.costWithout(tx.nonce) + maxCost(tx)
    if (needed > state.balance) return { code: 'pool/balance', needed, got: state.balance }
    const replaced = queue.at(tx.nonce)
    if (replaced !== undefined) return replacementFault(tx, replaced.transaction.tx)
    return queue.size >= maxPerSender ? { code: 'pool/senderFull', max: maxPerSender } : null
  }

  /**
   * Evict the cheapest last transactions of senders until `transaction` fits, or say why not and evict
   * none. What waits for a gap to close pays for nothing yet: it goes first, and drives out nobody.
   */
  function makeRoom(
    { tx, size }: Transaction,
    replaced: Pooled | undefined,
    queue: SenderQueue,
  ): PoolFault | null {
    let more = size - (replaced?.transaction.size ?? 0)
    let room = maxTransactions - (replaced === undefined ? 1 : 0)
    const isCrowded = () => byHash.size > room || bytesHeld + more > maxBytes
    if (!isCrowded()) return null
    const baseFee = nextBaseFee()
    const got = worthOf(tx, queue, baseFee)
    const evicted = new Set<Pooled>()
    while (isCrowded()) {
      const cheapest = cheapestLast(baseFee, replaced, evicted)
      if (cheapest === null || got <= cheapest.worth)
        return fullFault(effectiveTip(tx, baseFee), cheapest?.worth ?? waitsForGap)
      evicted.add(cheapest.pooled)
      more -= cheapest.pooled.transaction.size
      room += 1
    }
    for (const pooled of evicted) forget(pooled)
    return null
  }

  function cheapestLast(baseFee: bigint, spared: Pooled | undefined, gone: ReadonlySet<Pooled>) {
    let cheapest: { readonly pooled: Pooled; readonly worth: bigint } | null = null
    for (const queue of senders.values()) {
      const pooled = queue.last(gone)
      if (pooled === undefined || pooled === spared) continue
      const worth = worthOf(pooled.transaction.tx, queue, baseFee)
      if (cheapest === null || worth < cheapest.worth) cheapest = { pooled, worth }
    }
    return cheapest
  }

  function keep(transaction: Transaction, queue: SenderQueue): void {
    const pooled = { transaction, sequence: sequence++, arrivedAt: clock.now() }
    queue.put(pooled)
    senders.set(transaction.sender, queue)
    byHash.set(transaction.hash, pooled)
    bytesHeld += transaction.size
  }

  function forget({ transaction }: Pooled): void {
    const { hash, sender, size, tx } = transaction
    if (!byHash.delete(hash)) return
    bytesHeld -= size
    const queue = senders.get(sender)
    queue?.remove(tx.nonce)
    if (queue?.size === 0) senders.delete(sender)
  }

  function ordered(): readonly Transaction[] {
    const baseFee = nextBaseFee()
    return [...senders.values()]
      .flatMap((queue) => rank(queue.executable(), baseFee))
      .sort((a, b) => compareRanks(a, b))
      .map(({ pooled }) => pooled.transaction)
  }

  function content(): PoolContent {
    const pending: Transaction[] = []
    const queued: Transaction[] = []
    for (const queue of senders.values()) {
      const count = queue.executable().length
      const all = queue.all().map(({ transaction }) => transaction)
      pending.push(...all.slice(0, count))
      queued.push(...all.slice(count))
    }
    return { pending, queued }
  }

  async function reset(mined: readonly Transaction[]): Promise<void> {
    for (const sender of new Set(mined.map((transaction) => transaction.sender)))
      await refresh(sender)
    const oldest = clock.now() - maxAgeMs
    for (const pooled of [...byHash.values()]) if (pooled.arrivedAt < oldest) forget(pooled)
  }

  async function refresh(sender: Address): Promise<void> {
    if (!senders.has(sender)) return
    const state = await account(sender)
    for (const pooled of senders.get(sender)?.refresh(state) ?? []) forget(pooled)
    if (senders.get(sender)?.size === 0) senders.delete(sender)
  }

  return {
    foresee: async (bytes) => {
      await decodeTransactionAside(engine, bytes)
    },
    add,
    get: (hash) => byHash.get(hash)?.transaction ?? null,
    ordered,
    content,
    nonceOf: (sender) => {
      const queue = senders.get(sender)
      const count = queue?.executable().length ?? 0
      return queue === undefined || count === 0 ? null : queue.account.nonce + BigInt(count)
    },
    status: () => {
      const { pending, queued } = content()
      return { pending: pending.length, queued: queued.length, bytes: bytesHeld }
    },
    reset: (mined) => inTurn(() => reset(mined)),
    drop: (hash) => {
      const pooled = byHash.get(hash)
      if (pooled !== undefined) forget(pooled)
    },
    onAdded: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** Below every tip: what cannot run yet. */
const waitsForGap = -(2n ** 256n)

/** What keeping a transaction is worth: its tip, if it can run. */
function worthOf(tx: Transaction['tx'], queue: SenderQueue, baseFee: bigint): bigint {
  return queue.reaches(tx.nonce) ? effectiveTip(tx, baseFee) : waitsForGap
}

function fullFault(gotTip: bigint, cheapest: bigint): PoolFault {
  return { code: 'pool/full', leastTip: (cheapest > gotTip ? cheapest : gotTip) + 1n, gotTip }
}

/** A replacement must offer a tenth more of both fees, so that repeating it costs. */
function replacementFault(tx: Transaction['tx'], old: Transaction['tx']): PoolFault | null {
  const tenthMore = (wei: bigint) => wei + (wei + 9n) / 10n
  const [leastFee, leastTip] = [tenthMore(feeCap(old)), tenthMore(tipCap(old))]
  const [gotFee, gotTip] = [feeCap(tx), tipCap(tx)]
  return gotFee >= leastFee && gotTip >= leastTip
    ? null
    : { code: 'pool/underpriced', leastFee, leastTip, gotFee, gotTip }
}

type Rank = { readonly pooled: Pooled; readonly tip: bigint; readonly first: number }

/**
 * A sender's transactions with the least tip up to each: sorted by that, a sender's own order stays.
 * What cannot pay the base fee, and what follows it, is left out.
 */
function rank(executable: readonly Pooled[], baseFee: bigint): readonly Rank[] {
  const ranks: Rank[] = []
  let least: bigint | null = null
  for (const pooled of executable) {
    const tip = effectiveTip(pooled.transaction.tx, baseFee)
    if (tip < 0n) break
    least = least === null || tip < least ? tip : least
    ranks.push({ pooled, tip: least, first: executable[0]!.sequence })
  }
  return ranks
}

function compareRanks(a: Rank, b: Rank): number {
  if (a.tip !== b.tip) return a.tip > b.tip ? -1 : 1
  if (a.first !== b.first) return a.first - b.first
  return a.pooled.transaction.tx.nonce < b.pooled.transaction.tx.nonce ? -1 : 1
}
