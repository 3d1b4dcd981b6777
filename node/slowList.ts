/**
 * Transactions that took a builder too long. A machine that was busy with something else says little of
 * a transaction, so it gets other chances; behind all others, since each costs a block its time.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Transaction } from '../vm/transaction.ts'

export type SlowList = {
  /** It was too slow again: true when it has had its chances. */
  readonly strike: (hash: Hash) => boolean
  /** The same transactions, those that were too slow before in the end; a sender's own order stays. */
  readonly last: (ordered: readonly Transaction[]) => readonly Transaction[]
}

const chances = 3
/** The oldest are forgotten: they start anew. */
const maxKnown = 4_096

export function createSlowList(): SlowList {
  const strikes = new Map<Hash, number>()

  function strike(hash: Hash): boolean {
    const count = (strikes.get(hash) ?? 0) + 1
    strikes.delete(hash)
    if (count >= chances) return true
    strikes.set(hash, count)
    if (strikes.size > maxKnown) strikes.delete(strikes.keys().next().value!)
    return false
  }

  function last(ordered: readonly Transaction[]): readonly Transaction[] {
    if (strikes.size === 0) return ordered
    // What follows a slow one of the same sender cannot run before it.
    const held = new Set<string>()
    const later = new Set<Transaction>()
    for (const transaction of ordered) {
      if (strikes.has(transaction.hash)) held.add(transaction.sender)
      if (held.has(transaction.sender)) later.add(transaction)
    }
    return [...ordered.filter((one) => !later.has(one)), ...later]
  }

  return { strike, last }
}
