/**
 * The newest blocks as they were judged: pools, indexes and the next proposer ask for them at once, and
 * reading them back from disk means decoding every transaction again.
 */
import type { Receipt } from '../vm/receipts.ts'
import type { ChainStore } from './chainStore.ts'
import type { Outcome } from './transition.ts'

/** A committed block; not to be written to. */
type Recent = {
  readonly outcome: Outcome
  readonly envelope: Uint8Array
  readonly commit: Uint8Array
}

export type RecentBlocks = {
  readonly remember: (block: Recent) => void
  /** Null says nothing: it may be on disk. */
  readonly get: (height: bigint) => Outcome | null
  readonly receiptsAt: (height: bigint) => Promise<readonly Receipt[] | null>
  readonly envelopeAt: (height: bigint) => Promise<Uint8Array | null>
  readonly commitAt: (height: bigint) => Promise<Uint8Array | null>
}

/** Committed blocks kept in memory. */
const kept = 4n

export function recentBlocks(
  store: Pick<ChainStore, 'receipts' | 'envelope' | 'commit'>,
): RecentBlocks {
  const recent = new Map<bigint, Recent>()
  return {
    remember: (block) => {
      recent.set(block.outcome.height, block)
      recent.delete(block.outcome.height - kept)
    },
    get: (height) => recent.get(height)?.outcome ?? null,
    receiptsAt: async (height) => {
      // Genesis has none, and none are stored.
      if (height === 0n) return []
      return recent.get(height)?.outcome.receipts ?? store.receipts(height)
    },
    envelopeAt: async (height) => recent.get(height)?.envelope ?? store.envelope(height),
    commitAt: async (height) => recent.get(height)?.commit ?? store.commit(height),
  }
}
