/**
 * Transactions that were read lately, by hash: what a node took into its pool comes again in blocks,
 * and neither its fields nor its signature need a second look.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Engine } from './engine.ts'
import type { Transaction } from './transaction.ts'

export type RecentTransactions = {
  readonly get: (hash: Hash) => Transaction | undefined
  readonly set: (hash: Hash, transaction: Transaction) => void
}

/** At most this many of at most so many bytes each: 32 MiB of bytes. */
const maxTransactions = 16_384
const maxBytes = 2_048

const byEngine = new WeakMap<Engine, RecentTransactions>()

export function recentOf(engine: Engine): RecentTransactions {
  const known = byEngine.get(engine)
  if (known !== undefined) return known
  const recent = createRecent()
  byEngine.set(engine, recent)
  return recent
}

function createRecent(): RecentTransactions {
  const kept = new Map<Hash, Transaction>()
  return {
    get: (hash) => kept.get(hash),
    set: (hash, transaction) => {
      if (transaction.size > maxBytes) return
      kept.set(hash, transaction)
      if (kept.size > maxTransactions) kept.delete(kept.keys().next().value!)
    },
  }
}
