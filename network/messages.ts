/**
 * Messages to peers: best effort, in order within a topic, each topic over a stream of its own.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../primitives/clock.ts'
import { invariant, type Result, refuse } from '../primitives/result.ts'
import { type AllowanceOptions, createAllowance } from './allowance.ts'
import type { FrameFault, PeerFault, SendFault } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { PeerId } from './peer.ts'
import { peerOf, type Sessions } from './sessions.ts'
import { grantSparingly, readFrames } from './streams.ts'
import type { Transport } from './transport.ts'

/** What both ends must know of a topic. */
export type Topic = {
  /** Longest message; a longer one is not sent, and counts against a peer that sends it. */
  readonly maxBytes: number
  /** Has room in the queue even when bulk fills it. */
  readonly urgent?: boolean | undefined
}

/** Takes one message. While the promise it may return is pending, the topic's sender waits. */
type MessageHandler = (peer: PeerId, bytes: Uint8Array) => void | Promise<void>

export type MessageOptions = {
  readonly topics: Readonly<Record<string, Topic>>
  readonly stallMs: number
  readonly allowance: AllowanceOptions
}

export type MessageModules = {
  readonly transport: Transport
  readonly sessions: Sessions
  readonly ledger: Ledger
  readonly clock: Pick<Clock, 'now'>
  /** A peer sent more messages than it may; this one was dropped. */
  readonly flooded: (peer: PeerId, topic: string) => void
  readonly malformed: (peer: PeerId, fault: FrameFault) => void
  readonly stalled: (fault: PeerFault) => void
  readonly report: (error: unknown) => void
}

export type Messages = {
  /** Queue one message. `bytes` must not change any more. */
  readonly send: (peer: PeerId, topic: string, bytes: Uint8Array) => Result<'queued', SendFault>
  /** One handler per topic. */
  readonly on: (topic: string, handler: MessageHandler) => void
  /** Let the handlers that were given be reached. */
  readonly start: () => Promise<void>
  readonly up: (peer: PeerId) => void
  readonly down: (peer: PeerId) => void
}

export function createMessages(options: MessageOptions, modules: MessageModules): Messages {
  const { topics, stallMs } = options
  const { transport, sessions, ledger, malformed, flooded, stalled, report } = modules
  const allowance = createAllowance(options.allowance, modules.clock)
  const handlers = new Map<string, MessageHandler>()
  const outboxes = new Map<PeerId, Outbox>()

  function topicOf(name: string): Topic {
    const topic = topics[name]
    invariant(topic !== undefined, `topic ${name} is not among the host's topics`)
    return topic
  }

  function send(peer: PeerId, name: string, bytes: Uint8Array): Result<'queued', SendFault> {
    const { maxBytes, urgent = false } = topicOf(name)
    invariant(bytes.length > 0, `an empty message on ${name}`)
    if (bytes.length > maxBytes)
      return refuse({ code: 'network/tooLarge', topic: name, max: maxBytes, got: bytes.length })
    const outbox = outboxes.get(peer)
    if (outbox === undefined) return refuse({ code: 'network/notConnected', peer })
    return outbox.push(name, bytes, urgent)
  }

  function on(name: string, handler: MessageHandler): void {
    topicOf(name)
    invariant(!handlers.has(name), `topic ${name} has a handler already`)
    handlers.set(name, handler)
  }

  async function start(): Promise<void> {
    for (const [name, handler] of handlers) {
      const { maxBytes } = topicOf(name)
      await transport.handle(
        protocolOf(name),
        (stream, connection) => {
          receive(stream, connection, maxBytes, counted(name, handler)).catch(report)
        },
        // A second stream may come before the end of the first has been noticed.
        { maxInboundStreams: 2, maxOutboundStreams: 2 },
      )
    }
  }

  async function receive(
    stream: Stream,
    connection: Connection,
    maxBytes: number,
    handler: MessageHandler,
  ): Promise<void> {
    // The peer may be ahead: its end of the hello can be over before ours.
    grantSparingly(stream)
    stream.pause()
    if (!(await sessions.ready(connection))) return stream.abort(new Error('no hello'))
    const peer = peerOf(connection)
    const end = await readFrames(stream, maxBytes, (bytes) => handle(handler, peer, bytes))
    stream.abort(new Error('the peer ended its messages'))
    if (!end.ok && end.fault.code === 'frame/size') malformed(peer, end.fault)
  }

  /** The handler, for as many messages as the peer may send. */
  function counted(name: string, handler: MessageHandler): MessageHandler {
    return (peer, bytes) => (allowance.take(peer, 1) ? handler(peer, bytes) : flooded(peer, name))
  }

  function handle(handler: MessageHandler, peer: PeerId, bytes: Uint8Array): void | Promise<void> {
    try {
      return handler(peer, bytes)?.catch(report)
    } catch (error) {
      report(error)
    }
  }

  function up(peer: PeerId): void {
    const openStream = async (topic: string) => {
      const session = sessions.get(peer)
      if (session === undefined) throw new Error(`${peer} is not connected`)
      const signal = AbortSignal.timeout(stallMs)
      return session.connection.newStream(protocolOf(topic), { signal })
    }
    outboxes.set(peer, createOutbox({ peer, stallMs }, { ledger, openStream, stalled }))
  }

  function down(peer: PeerId): void {
    outboxes.get(peer)?.close()
    outboxes.delete(peer)
    allowance.forget(peer)
  }

  return { send, on, start, up, down }
}

function protocolOf(topic: string): string {
  return `/waggle/tell/1/${topic}`
}
