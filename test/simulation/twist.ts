/**
 * What the dishonest node of a plan says instead of what its driver says, signed with its own key.
 */
import { RLP } from '@ethereumjs/rlp'
import { decodeEnvelope, encodeEnvelope, envelopeName } from '../../chain/envelope.ts'
import { sign } from '../../consensus/bls.ts'
import { cutParts, levelsOf, rootOf } from '../../consensus/envelopeParts.ts'
import {
  type Proposal,
  proposalSignBytes,
  type Vote,
  VoteKind,
  voteSignBytes,
} from '../../consensus/messages.ts'
import {
  decodeWire,
  type EnvelopePart,
  encodeWire,
  type WireMessage,
} from '../../consensus/wire.ts'
import { equalBytes } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import type { Lane } from './node.ts'
import type { Strategy } from './plan.ts'

export type Twist = {
  /** What leaves for `to` instead of `bytes`; null for nothing. */
  readonly twist: (to: number, lane: Lane, bytes: Uint8Array) => Uint8Array | null
  /** Consensus bytes that others say to the liar. */
  readonly hear: (bytes: Uint8Array) => void
  /** A value that the liar is about to propose. */
  readonly built: (envelope: Uint8Array) => void
  /** Votes, proposals and parts that an honest node would not have signed, sent again or kept back. */
  readonly lies: () => number
}

/** Votes of its own that a stale liar repeats, at most. */
const maxPast = 64
/** From this round on, an amnesiac tells everybody how it votes. */
const lastSecret = 3

export function createTwist(
  strategy: Strategy,
  chainId: number,
  place: number,
  votingKey: Uint8Array,
): Twist {
  const seen: (Hash | null)[] = [null]
  /** Sound values beside those proposed, by the names of the latter. */
  const twins = new Map<Hash, Uint8Array>()
  /** What is proposed at a height and round. */
  const proposed = new Map<string, Hash>()
  /** Round and value of the liar's last precommit for a value, by height. */
  const locks = new Map<bigint, { readonly round: number; readonly hash: Hash }>()
  /** What an amnesiac has said: the same to everybody. */
  const said = new Map<string, Hash | null>()
  const past: Vote[] = []
  /**
   * An amnesiac first needs a lock that does not decide: one node is shown another value, one alone of
   * those that vote for the first sees the prevote that locks it, and nobody the precommit.
   */
  const [misled, confidant] = [(place + 1) % 4, (place + 2) % 4]
  let lies = 0

  function twist(to: number, lane: Lane, bytes: Uint8Array): Uint8Array | null {
    if (strategy === 'silent') return null
    if (lane !== 'consensus') return bytes
    const decoded = decodeWire(bytes)
    if (!decoded.ok) return bytes
    const told = messageFor(to, decoded.value)
    return told && (told === decoded.value ? bytes : encodeWire(told))
  }

  function messageFor(to: number, message: WireMessage): WireMessage | null {
    switch (message.type) {
      case 'votes': {
        const votes = message.votes.flatMap((vote) => (isOurs(vote) ? voteFor(to, vote) : vote))
        return { ...message, votes: [...votes, ...oldVotes()] }
      }
      case 'proposal':
        return { ...message, proposal: proposalFor(to, message.proposal) }
      case 'part':
        if (strategy === 'withhold' && to % 3 !== 0) return nothing()
        return isMisled(to) ? partOfTwin(message) : message
      default:
        return message
    }
  }

  function voteFor(to: number, vote: Vote): Vote | readonly [] {
    switch (strategy) {
      case 'votes': {
        seen.push(vote.hash)
        const other = seen.findLast((hash) => hash !== vote.hash) ?? null
        return to % 2 === 0 ? vote : voteOn(vote, other)
      }
      case 'proposals':
        return to % 2 === 0 ? vote : voteOn(vote, twinName(vote.hash))
      case 'amnesia':
        return secretly(to, voteOn(vote, forgetful(vote)))
      case 'stale':
        if (past.length < maxPast) past.push(vote)
        return vote
      default:
        return vote
    }
  }

  function twinName(hash: Hash | null): Hash | null {
    const twin = hash === null ? undefined : twins.get(hash)
    return twin === undefined ? hash : nameOfValue(twin)
  }

  /** After a lock: a prevote for whatever else is proposed, or for nothing; no polka is asked for. */
  function forgetful({ height, round, kind, hash }: Vote): Hash | null {
    if (kind === VoteKind.Precommit) {
      if (hash !== null) locks.set(height, { round, hash })
      return hash
    }
    const at = `${height} ${round}`
    const before = said.get(at)
    if (before !== undefined) return before
    const lock = locks.get(height)
    const other = proposed.get(at) ?? null
    const wish =
      lock === undefined || lock.round >= round ? hash : other === lock.hash ? null : other
    said.set(at, wish)
    return wish
  }

  function nothing(): null {
    lies++
    return null
  }

  function secretly(to: number, vote: Vote): Vote | readonly [] {
    const shown = vote.kind === VoteKind.Prevote && to === confidant
    return vote.hash === null || vote.round >= lastSecret || shown ? vote : []
  }

  /** Who is told of a sound value beside the one that the liar's driver proposes. */
  function isMisled(to: number): boolean {
    if (strategy === 'amnesia') return to === misled
    return strategy === 'proposals' && to % 2 === 1
  }

  function voteOn(vote: Vote, hash: Hash | null): Vote {
    if (hash === vote.hash) return vote
    lies++
    const { signature: _, ...unsigned } = { ...vote, hash }
    return { ...unsigned, signature: sign(votingKey, voteSignBytes(chainId, unsigned)) }
  }

  function oldVotes(): readonly Vote[] {
    if (strategy !== 'stale' || past.length === 0) return []
    lies++
    return [past[0]!, past[Math.floor(past.length / 2)]!]
  }

  function isOurs(vote: Vote): boolean {
    return equalBytes(sign(votingKey, voteSignBytes(chainId, vote)), vote.signature)
  }

  function proposalFor(to: number, proposal: Proposal): Proposal {
    const ours = equalBytes(
      sign(votingKey, proposalSignBytes(chainId, proposal)),
      proposal.signature,
    )
    if (!ours) return proposal
    const { round, validRound } = proposal
    // A proof of lock that nobody has seen.
    if (strategy === 'stale' && round > 0 && validRound < 0)
      return signed({ ...proposal, validRound: round - 1 })
    const twin = twins.get(proposal.envelopeHash)
    if (!isMisled(to) || twin === undefined) return proposal
    const partsRoot = rootOf(levelsOf(twin))
    return signed({
      ...proposal,
      envelopeHash: nameOfValue(twin),
      size: twin.length,
      partsRoot,
    })
  }

  function signed({ signature: _, ...unsigned }: Proposal): Proposal {
    // An amnesiac's are only to set the stage.
    if (strategy !== 'amnesia') lies++
    return { ...unsigned, signature: sign(votingKey, proposalSignBytes(chainId, unsigned)) }
  }

  function partOfTwin(message: { readonly type: 'part'; readonly part: EnvelopePart }) {
    const { height, value, index } = message.part
    const twin = twins.get(value)
    if (twin === undefined) return message
    const levels = levelsOf(twin)
    const named = { height, value: nameOfValue(twin), partsRoot: rootOf(levels) }
    const part = cutParts(twin, levels, { ...named, known: new Uint8Array(256) }, twin.length)[
      index
    ]
    return part === undefined ? null : { type: 'part' as const, part }
  }

  return {
    twist,
    hear: (bytes) => {
      if (strategy !== 'amnesia') return
      const decoded = decodeWire(bytes)
      if (!decoded.ok || decoded.value.type !== 'proposal') return
      const { height, round, envelopeHash } = decoded.value.proposal
      proposed.set(`${height} ${round}`, envelopeHash)
    },
    built: (envelope) => {
      if (strategy !== 'proposals' && strategy !== 'amnesia') return
      twins.set(nameOfValue(envelope), twinOf(envelope))
    },
    lies: () => lies,
  }
}

function nameOfValue(envelope: Uint8Array): Hash {
  return envelopeName(envelope.length, rootOf(levelsOf(envelope)))
}

/** The same block with other `extraData`, which breaks no rule. */
function twinOf(envelope: Uint8Array): Uint8Array {
  const decoded = decodeEnvelope(envelope)
  if (!decoded.ok) throw new Error('our own envelope does not decode')
  const [header, ...rest] = RLP.decode(decoded.value.block) as unknown as readonly [
    Uint8Array[],
    ...Uint8Array[],
  ]
  const fields = header.with(12, new TextEncoder().encode('twin'))
  return encodeEnvelope({ ...decoded.value, block: RLP.encode([fields, ...rest]) })
}
