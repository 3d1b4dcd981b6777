/**
 * The host: this node among its peers. It carries bytes; what they mean is told to it as handlers.
 *
 * Three ways to speak: messages to peers (a stream per topic, best effort), requests with an answer,
 * and gossip of small announcements. Give all handlers before `start`.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { plainBytes } from '../primitives/bytes.ts'
import { systemClock } from '../primitives/clock.ts'
import { invariant, type Result } from '../primitives/result.ts'
import type { FrameFault, NetworkFault, SendFault } from './faults.ts'
import { createGossip, type Gossip, maxGossipBytes } from './gossip.ts'
import type { Hello } from './hello.ts'
import type { HostModules, HostOptions } from './hostOptions.ts'
import { createLedger } from './ledger.ts'
import { createMessages, type Messages } from './messages.ts'
import type { PeerId, PeerInfo } from './peer.ts'
import { type Ban, createPeerBook } from './peerBook.ts'
import { createPeerExchange } from './peerExchange.ts'
import { createRedial } from './redial.ts'
import { type Answer, createRequests, type Requests } from './requests.ts'
import { createSessions, peerOf } from './sessions.ts'
import { createTransport } from './transport.ts'

export type Host = {
  readonly peerId: PeerId
  /** Multiaddrs at which we can be dialled; empty before `start`. */
  readonly addresses: () => readonly string[]
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Peers that have said a matching hello. */
  readonly peers: () => readonly PeerInfo[]
  readonly onConnect: (callback: (peer: PeerInfo) => void) => void
  readonly onDisconnect: (callback: (peer: PeerId) => void) => void
  /** Queue one message for `peer`, best effort. */
  readonly send: Messages['send']
  /** Send to all peers but `except`; how many it was queued for. Faults go to `report`. */
  readonly broadcast: (topic: string, bytes: Uint8Array, except?: PeerId) => number
  readonly on: Messages['on']
  readonly request: Requests['request']
  /** Answer requests on `topic`; null refuses. One handler per topic. */
  readonly serve: (topic: string, maxRequestBytes: number, answer: Answer) => void
  readonly publish: Gossip['publish']
  readonly subscribe: Gossip['subscribe']
  /** Keep a further address connected. */
  readonly connect: (address: string) => void
  /** Hold something against `peer`; at 100 points it is banned. A point fades per second. */
  readonly penalize: (peer: PeerId, points: number, reason: string) => void
  readonly ban: (peer: PeerId, reason: string) => void
  readonly bans: () => readonly Ban[]
  readonly score: (peer: PeerId) => number
}

/** Connections that only we may open: whoever fills the rest cannot keep us from whom we choose. */
function reservedOutbound(maxConnections: number): number {
  return Math.ceil(maxConnections / 4)
}

/** Points for a malformed frame: the second within a minute bans. */
const malformedPoints = 60

/** Points for a message beyond what a peer may send: a burst is dropped, a flood bans. */
const floodPoints = 1

/** Points for gossip that its handler wants punished. */
const gossipPoints = 20

export async function createHost(options: HostOptions, modules: HostModules): Promise<Host> {
  const { limits = {} } = options
  const { maxConnections = 128, stallMs = 20_000, helloTimeoutMs = 10_000 } = limits
  const { redialMinMs = 250, redialMaxMs = 2_000, messagesPerSecond = 4_000 } = limits
  const { report, log = () => {}, clock = systemClock } = modules
  const book = createPeerBook(limits, clock)
  const ledger = createLedger(limits)
  const transport = await createTransport(
    { seed: options.seed, listen: options.listen, maxConnections, maxGossipBytes },
    book.isBanned,
  )
  const peerId = transport.peerId.toString() as PeerId
  const upCallbacks: ((peer: PeerInfo) => void)[] = []
  const downCallbacks: ((peer: PeerId) => void)[] = []
  const answers = new Map<string, readonly [maxRequestBytes: number, answer: Answer]>()

  const sessions = createSessions(
    {
      helloTimeoutMs,
      maxPerPeer: 4,
      maxInbound: maxConnections - reservedOutbound(maxConnections),
      maxBeforeInbound: Math.floor((maxConnections * 13) / 16),
    },
    {
      transport,
      clock,
      hello,
      rulesHashAt: options.rulesHashAt,
      isBanned: book.isBanned,
      up,
      down,
      refused: report,
    },
  )
  const messages = createMessages(
    {
      topics: options.topics,
      stallMs,
      allowance: { perSecond: messagesPerSecond, burst: 2 * messagesPerSecond },
    },
    {
      transport,
      sessions,
      ledger,
      clock,
      flooded: (peer, topic) => penalize(peer, floodPoints, `too many messages on ${topic}`),
      malformed,
      report,
      stalled: (fault) => {
        report(fault)
        sessions.cut(fault.peer, fault.code)
      },
    },
  )
  const requests = createRequests({ transport, sessions, ledger, stallMs, malformed, report })
  const gossip = createGossip({
    transport,
    genesisHash: options.genesisHash,
    isKnown: (peer) => sessions.get(peer) !== undefined,
    punish: (peer, topic) => penalize(peer, gossipPoints, `gossip on ${topic}`),
    report,
  })
  const redial = createRedial(
    { addresses: options.bootstrap, minMs: redialMinMs, maxMs: redialMaxMs, maxConnections },
    {
      clock,
      random: Math.random,
      dial: async (address) => peerOf(await transport.dial(multiaddr(address))),
      isConnected: (peer) => sessions.get(peer) !== undefined,
      connections: () => sessions.peers().length,
      self: peerId,
      failed: (address, error, pauseMs) =>
        log('dial failed', { address, pauseMs, why: `${error}` }),
    },
  )

  function hello(): Hello {
    const { protocolVersion, chainId, genesisHash, validator } = options
    const height = modules.height()
    return {
      protocolVersion,
      chainId,
      genesisHash,
      rulesHash: options.rulesHashAt(height),
      height,
      validator,
      listen: addresses(),
    }
  }

  function addresses(): readonly string[] {
    return transport.getMultiaddrs().map((address) => address.toString())
  }

  function up(peer: PeerId): void {
    messages.up(peer)
    const info = infoOf(peer)!
    log('peer connected', { peer, address: info.address, direction: info.direction })
    exchange.up(peer)
    redial.cameUp()
    for (const callback of upCallbacks) guarded(() => callback(info))
  }

  function down(peer: PeerId): void {
    messages.down(peer)
    log('peer disconnected', { peer })
    for (const callback of downCallbacks) guarded(() => callback(peer))
    redial.lost(peer)
  }

  function guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      report(error)
    }
  }

  function infoOf(peer: PeerId): PeerInfo | undefined {
    const session = sessions.get(peer)
    if (session === undefined) return undefined
    const { connection, hello: theirs, since } = session
    return {
      id: peer,
      address: connection.remoteAddr.toString(),
      direction: connection.direction,
      height: theirs.height,
      validator: theirs.validator,
      listen: theirs.listen,
      connectedAt: since,
      score: book.score(peer),
      queuedBytes: ledger.held(peer),
    }
  }

  function peers(): readonly PeerInfo[] {
    return sessions.peers().flatMap((peer) => infoOf(peer) ?? [])
  }

  function broadcast(topic: string, bytes: Uint8Array, except?: PeerId): number {
    const copy = plainBytes(bytes)
    let queued = 0
    for (const peer of sessions.peers()) {
      if (peer === except) continue
      const sent: Result<'queued', SendFault> = messages.send(peer, topic, copy)
      if (sent.ok) queued++
      else report(sent.fault)
    }
    return queued
  }

  function serve(topic: string, maxRequestBytes: number, answer: Answer): void {
    invariant(!answers.has(topic), `request topic ${topic} has a handler already`)
    answers.set(topic, [maxRequestBytes, answer])
  }

  function malformed(peer: PeerId, fault: FrameFault): void {
    penalize(peer, malformedPoints, `${fault.code} got=${'got' in fault ? fault.got : ''}`)
  }

  function penalize(peer: PeerId, points: number, why: string): void {
    if (book.penalize(peer, points)) ban(peer, why)
    else tell({ code: 'peer/misbehaved', peer, why, score: book.score(peer) })
  }

  function ban(peer: PeerId, why: string): void {
    book.ban(peer, why)
    tell({ code: 'peer/banned', peer, why })
    sessions.cut(peer, why)
  }

  function tell(fault: NetworkFault): void {
    report(fault)
  }

  const exchange = createPeerExchange(
    {
      maxPeers: Math.floor((maxConnections * 3) / 4),
      minOutbound: 4,
      discover: options.discover ?? true,
    },
    {
      clock,
      self: peerId,
      peers,
      isConnected: (peer) => sessions.get(peer) !== undefined,
      request: requests.request,
      serve,
      learn: redial.learn,
    },
  )

  async function start(): Promise<void> {
    await messages.start()
    for (const [topic, [maxRequestBytes, answer]] of answers)
      await requests.serve(topic, maxRequestBytes, answer)
    await sessions.start()
    await transport.start()
    gossip.start()
    redial.start()
    exchange.start()
  }

  async function stop(): Promise<void> {
    exchange.stop()
    redial.stop()
    await transport.stop()
  }

  return {
    peerId,
    addresses,
    start,
    stop,
    peers,
    onConnect: (callback) => void upCallbacks.push(callback),
    onDisconnect: (callback) => void downCallbacks.push(callback),
    send: (peer, topic, bytes) => messages.send(peer, topic, plainBytes(bytes)),
    broadcast,
    on: messages.on,
    request: requests.request,
    serve,
    publish: gossip.publish,
    subscribe: gossip.subscribe,
    connect: redial.add,
    penalize,
    ban,
    bans: book.bans,
    score: book.score,
  }
}
