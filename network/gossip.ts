/**
 * Gossip: small announcements that every node should hear and pass on. Anything larger is announced
 * here and fetched directly, since an oversized message can split gossiping peers for good.
 */
import type { TopicValidatorResult } from '@libp2p/gossipsub'
import { plainBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import type { SendFault } from './faults.ts'
import type { PeerId } from './peer.ts'
import type { Transport } from './transport.ts'

/** Longest message. */
export const maxGossipBytes = 65_535

/** What to do with a message: pass it on, let it rest, or hold it against who sent it. */
type GossipVerdict = 'relay' | 'drop' | 'punish'

/** Judges one message; `peer` passed it to us and need not be who wrote it. */
type GossipHandler = (peer: PeerId, bytes: Uint8Array) => GossipVerdict | Promise<GossipVerdict>

export type GossipModules = {
  readonly transport: Transport
  /** Keeps the chains apart. */
  readonly genesisHash: Hash
  /** Whether `peer` has said hello. */
  readonly isKnown: (peer: PeerId) => boolean
  readonly punish: (peer: PeerId, topic: string) => void
  readonly report: (error: unknown) => void
}

export type Gossip = {
  readonly publish: (topic: string, bytes: Uint8Array) => Result<'published', SendFault>
  /** One handler per topic. */
  readonly subscribe: (topic: string, handler: GossipHandler) => void
  /** Hear the topics subscribed so far, and later ones at once; the transport must be started. */
  readonly start: () => void
}

export function createGossip(modules: GossipModules): Gossip {
  const { transport, genesisHash, isKnown, punish, report } = modules
  const { gossip } = transport.services
  const handlers = new Map<string, GossipHandler>()
  let started = false

  const nameOf = (topic: string) => `/waggle/${genesisHash.slice(2, 18)}/${topic}`

  function publish(topic: string, bytes: Uint8Array): Result<'published', SendFault> {
    if (bytes.length > maxGossipBytes)
      return refuse({ code: 'network/tooLarge', topic, max: maxGossipBytes, got: bytes.length })
    gossip.publish(nameOf(topic), plainBytes(bytes)).catch(report)
    return ok('published')
  }

  function subscribe(topic: string, handler: GossipHandler): void {
    invariant(!handlers.has(topic), `gossip topic ${topic} has a handler already`)
    handlers.set(topic, handler)
    gossip.topicValidators.set(nameOf(topic), async (from, { data }) => {
      const peer = from.toString() as PeerId
      if (!isKnown(peer)) return verdicts.drop
      return verdicts[await judge(topic, handler, peer, plainBytes(data))]
    })
    if (started) gossip.subscribe(nameOf(topic))
  }

  async function judge(
    topic: string,
    handler: GossipHandler,
    peer: PeerId,
    bytes: Uint8Array,
  ): Promise<GossipVerdict> {
    try {
      const verdict = await handler(peer, bytes)
      if (verdict === 'punish') punish(peer, topic)
      return verdict
    } catch (error) {
      report(error)
      return 'drop'
    }
  }

  function start(): void {
    started = true
    for (const topic of handlers.keys()) gossip.subscribe(nameOf(topic))
  }

  return { publish, subscribe, start }
}

/** The library's enumeration, whose members are these texts. */
const verdicts = {
  relay: 'accept',
  drop: 'ignore',
  punish: 'reject',
} as Readonly<Record<GossipVerdict, TopicValidatorResult>>
