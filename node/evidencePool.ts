/**
 * Evidence that this node has seen and no block holds yet.
 */

import type { Chain } from '../chain/chain.ts'
import { decodeEnvelope } from '../chain/envelope.ts'
import {
  type DuplicateVote,
  decodeDuplicateVote,
  encodeDuplicateVote,
  offenceOf,
} from '../consensus/evidence.ts'
import type { Hash } from '../primitives/hash.ts'

export type EvidencePool = {
  readonly add: (evidence: DuplicateVote) => void
  /** Encoded, for the next block. */
  readonly pending: () => readonly Uint8Array[]
  /** The chain refuses this piece: punished before, or too old. */
  readonly drop: (encoded: Uint8Array) => void
  /** A block was committed: forget what it holds, and what is too old to punish. */
  readonly reset: (envelope: Uint8Array, height: bigint) => void
}

/** Pieces kept, and put into one block. */
const maxKept = 64
const maxPerBlock = 4

export function createEvidencePool({ chain }: { readonly chain: Chain }): EvidencePool {
  const { epochLength, unbondingEpochs } = chain.rules.params
  const maxAge = BigInt(epochLength) * BigInt(unbondingEpochs - 1)
  const kept = new Map<Hash, DuplicateVote>()
  /** Offences that blocks hold, with their heights. */
  const punished = new Map<Hash, bigint>()

  function settle(encoded: Uint8Array): void {
    const evidence = decodeDuplicateVote(encoded)
    if (!evidence.ok) return
    punished.set(offenceOf(evidence.value), evidence.value.first.height)
    kept.delete(offenceOf(evidence.value))
  }

  return {
    drop: settle,
    add: (evidence) => {
      const name = offenceOf(evidence)
      if (!punished.has(name) && kept.size < maxKept) kept.set(name, evidence)
    },
    pending: () => [...kept.values()].slice(0, maxPerBlock).map(encodeDuplicateVote),
    reset: (envelope, height) => {
      const decoded = decodeEnvelope(envelope)
      if (decoded.ok) decoded.value.evidence.forEach(settle)
      for (const [name, { first }] of kept) if (first.height + maxAge < height) kept.delete(name)
      for (const [name, at] of punished) if (at + 2n * maxAge < height) punished.delete(name)
    },
  }
}
