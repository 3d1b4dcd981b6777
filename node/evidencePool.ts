/**
 * Evidence that no block holds yet: what this node has seen, and what peers have told it of.
 */
import type { Chain } from '../chain/chain.ts'
import { decodeEnvelope } from '../chain/envelope.ts'
import {
  decodeEvidence,
  type Evidence,
  encodeEvidence,
  heightOfEvidence,
  judgeEvidence,
  matterOf,
} from '../consensus/offences.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { isSetKept, validatorSetAt } from '../registry/epochSets.ts'
import { checkAge } from '../registry/slashing.ts'
import { epochOf, type ValidatorSet } from '../registry/validatorSet.ts'

export type EvidencePool = {
  /** Evidence of our own finding, which holds. */
  readonly add: (evidence: Evidence) => void
  /** Encoded evidence from elsewhere: taken in if it is news and holds, and what to do with its bearer. */
  readonly take: (bytes: Uint8Array) => Promise<'relay' | 'drop' | 'punish'>
  /** Calls `listener` with each piece of our own finding, encoded. */
  readonly onFound: (listener: (encoded: Uint8Array) => void) => void
  /** Everything that no block holds yet, encoded. */
  readonly kept: () => readonly Uint8Array[]
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
  const { params } = chain.rules
  const listeners: ((encoded: Uint8Array) => void)[] = []
  const kept = new Map<Hash, Evidence>()
  /** Matters that blocks have settled, with their heights. */
  const settled = new Map<Hash, bigint>()

  function isNews(evidence: Evidence): boolean {
    const name = matterOf(evidence)
    return !settled.has(name) && !kept.has(name) && kept.size < maxKept
  }

  function settle(encoded: Uint8Array): void {
    const evidence = decodeEvidence(encoded)
    if (!evidence.ok) return
    settled.set(matterOf(evidence.value), heightOfEvidence(evidence.value))
    kept.delete(matterOf(evidence.value))
  }

  async function take(bytes: Uint8Array): Promise<'relay' | 'drop' | 'punish'> {
    const decoded = decodeEvidence(bytes)
    if (!decoded.ok) return 'punish'
    const evidence = decoded.value
    const next = chain.head().height + 1n
    // A head that lags has not seen the height yet: nobody is to blame for that.
    if (!isNews(evidence) || !checkAge(params, next, heightOfEvidence(evidence)).ok) return 'drop'
    const set = await setThen(heightOfEvidence(evidence))
    if (set === null) return 'drop'
    if (!judgeEvidence(evidence, set, chain.genesis.chainId).ok) return 'punish'
    if (isNews(evidence)) kept.set(matterOf(evidence), evidence)
    return 'relay'
  }

  async function setThen(height: bigint): Promise<ValidatorSet | null> {
    const reader = await chain.readAt(chain.head().height)
    invariant(reader !== null, 'evidencePool: the head can be read')
    const epoch = epochOf(height, params.epochLength)
    return (await isSetKept(reader.world, epoch)) ? validatorSetAt(reader.world, epoch) : null
  }

  return {
    take,
    drop: settle,
    add: (evidence) => {
      if (!isNews(evidence)) return
      kept.set(matterOf(evidence), evidence)
      for (const listener of listeners) listener(encodeEvidence(evidence))
    },
    onFound: (listener) => {
      listeners.push(listener)
    },
    kept: () => [...kept.values()].map(encodeEvidence),
    pending: () => [...kept.values()].slice(0, maxPerBlock).map(encodeEvidence),
    reset: (envelope, height) => {
      const decoded = decodeEnvelope(envelope)
      if (decoded.ok) decoded.value.evidence.forEach(settle)
      // As long as a block may hold it, and no longer.
      const isOld = (at: bigint) => !checkAge(params, height + 1n, at).ok
      for (const [name, evidence] of kept) if (isOld(heightOfEvidence(evidence))) kept.delete(name)
      for (const [name, at] of settled) if (isOld(at)) settled.delete(name)
    },
  }
}
