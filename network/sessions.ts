/**
 * Sessions: connections on which both sides have said hello and found that they speak of the same
 * chain. Only then does a peer exist for the rest of the program.
 *
 * Two nodes may dial each other at once and end up with two connections; both are kept, and the peer
 * is there until the last one is gone.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../primitives/clock.ts'
import type { CodecFault } from '../primitives/codec.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import type { FrameFault, PeerFault } from './faults.ts'
import {
  checkHello,
  encodeHello,
  type Hello,
  type HelloFault,
  maxHelloBytes,
  type RulesHashAt,
} from './hello.ts'
import type { PeerId } from './peer.ts'
import { closeWrite, readFrame, writeFrame } from './streams.ts'
import type { Transport } from './transport.ts'

const helloProtocol = '/waggle/hello/1'

export type SessionOptions = {
  /** A connection without a hello is closed after this long. */
  readonly helloTimeoutMs: number
  /** Further connections of the same peer are closed. */
  readonly maxPerPeer: number
  /** Peers that dialled us; what is left of all connections is for those we dial. */
  readonly maxInbound: number
  /** Nobody who dials us is taken in with so many peers here. */
  readonly maxBeforeInbound: number
}

export type SessionModules = {
  readonly transport: Transport
  readonly clock: Clock
  /** What this node says of itself now. */
  readonly hello: () => Hello
  readonly rulesHashAt: RulesHashAt
  readonly isBanned: (peer: PeerId) => boolean
  /** The first session with `peer` stands. */
  readonly up: (peer: PeerId) => void
  /** The last session with `peer` is gone. */
  readonly down: (peer: PeerId) => void
  readonly refused: (fault: PeerFault) => void
}

type Session = {
  readonly peer: PeerId
  readonly connection: Connection
  readonly hello: Hello
  readonly since: number
}

export type Sessions = {
  /** Begin to answer and to greet; the transport must be started afterwards. */
  readonly start: () => Promise<void>
  /** The session to use for a peer: its latest. */
  readonly get: (peer: PeerId) => Session | undefined
  readonly peers: () => readonly PeerId[]
  /** Resolves once `connection` is a session, or has failed to become one. */
  readonly ready: (connection: Connection) => Promise<boolean>
  /** Close every connection with `peer`. */
  readonly cut: (peer: PeerId, why: string) => void
}

type Greeting = { readonly done: PromiseWithResolvers<boolean>; session: Session | null }

export function createSessions(options: SessionOptions, modules: SessionModules): Sessions {
  const { helloTimeoutMs, maxPerPeer, maxInbound, maxBeforeInbound } = options
  const { transport, clock, hello, rulesHashAt, isBanned, up, down, refused } = modules
  const greetings = new Map<string, Greeting>()
  const standing = new Map<PeerId, Session[]>()

  async function start(): Promise<void> {
    transport.addEventListener('connection:open', ({ detail }) => {
      const greeting = greetingOf(detail)
      if (detail.direction === 'outbound') void greet(detail, greeting)
    })
    await transport.handle(helloProtocol, (stream, connection) => {
      void answer(stream, connection)
    })
  }

  /** Known from its first event on, whichever that is, until it closes. */
  function greetingOf(connection: Connection): Greeting {
    const known = greetings.get(connection.id)
    if (known !== undefined) return known
    const greeting: Greeting = { done: Promise.withResolvers(), session: null }
    greetings.set(connection.id, greeting)
    const cancel = clock.after(helloTimeoutMs, () => {
      if (greeting.session === null) connection.abort(new Error('no hello in time'))
    })
    // Some transports say that they closed more than once.
    const closed = () => {
      if (!greetings.delete(connection.id)) return
      cancel()
      greeting.done.resolve(false)
      if (greeting.session !== null) leave(greeting.session)
    }
    connection.addEventListener('close', closed)
    if (connection.status !== 'open') closed()
    return greeting
  }

  async function greet(connection: Connection, greeting: Greeting): Promise<void> {
    try {
      const signal = AbortSignal.timeout(helloTimeoutMs)
      const stream = await connection.newStream(helloProtocol, { signal })
      await say(stream)
      settle(connection, greeting, await hear(stream, signal))
    } catch (error) {
      connection.abort(asError(error))
    }
  }

  /** Their hello is judged, but ours is said in any case: they should learn what differs. */
  async function answer(stream: Stream, connection: Connection): Promise<void> {
    const greeting = greetingOf(connection)
    try {
      const heard = await hear(stream, AbortSignal.timeout(helloTimeoutMs))
      await say(stream)
      if (heard.ok) return settle(connection, greeting, heard)
      refuseHello(connection, heard.fault)
      clock.after(1_000, () => connection.abort(new Error('hello refused')))
    } catch (error) {
      connection.abort(asError(error))
    }
  }

  async function say(stream: Stream): Promise<void> {
    await writeFrame(stream, encodeHello(hello()), helloTimeoutMs)
    await closeWrite(stream)
  }

  async function hear(
    stream: Stream,
    signal: AbortSignal,
  ): Promise<Result<Hello, HelloFault | CodecFault | FrameFault>> {
    const frame = await readFrame(stream, maxHelloBytes, signal)
    return frame.ok ? checkHello(hello(), rulesHashAt, frame.value) : frame
  }

  function settle(
    connection: Connection,
    greeting: Greeting,
    heard: Result<Hello, HelloFault | CodecFault | FrameFault>,
  ): void {
    if (!heard.ok) {
      refuseHello(connection, heard.fault)
      connection.abort(new Error('hello refused'))
      return
    }
    const joined = join(connection, greeting, heard.value)
    if (!joined.ok) connection.abort(new Error(joined.fault.code))
  }

  function refuseHello(connection: Connection, fault: HelloFault | CodecFault | FrameFault): void {
    refused({ code: 'peer/hello', peer: peerOf(connection), fault })
  }

  function join(
    connection: Connection,
    greeting: Greeting,
    theirs: Hello,
  ): Result<Session, { readonly code: 'session/refused' }> {
    const peer = peerOf(connection)
    const sessions = standing.get(peer) ?? []
    const crowded =
      connection.direction === 'inbound' &&
      (inbound() >= maxInbound || standing.size >= maxBeforeInbound)
    const full = sessions.length >= maxPerPeer || (sessions.length === 0 && crowded)
    if (connection.status !== 'open' || greeting.session !== null || full || isBanned(peer))
      return refuse({ code: 'session/refused' })
    const session = { peer, connection, hello: theirs, since: clock.now() }
    greeting.session = session
    sessions.push(session)
    standing.set(peer, sessions)
    greeting.done.resolve(true)
    if (sessions.length === 1) up(peer)
    return ok(session)
  }

  function inbound(): number {
    const latest = [...standing.values()].map((sessions) => sessions.at(-1)!)
    return latest.filter(({ connection }) => connection.direction === 'inbound').length
  }

  function leave(session: Session): void {
    const left = standing.get(session.peer)?.filter((other) => other !== session)
    invariant(left !== undefined, `session with ${session.peer} left twice`)
    if (left.length > 0) standing.set(session.peer, left)
    else {
      standing.delete(session.peer)
      down(session.peer)
    }
  }

  function cut(peer: PeerId, why: string): void {
    for (const connection of transport.getConnections())
      if (peerOf(connection) === peer) connection.abort(new Error(why))
  }

  return {
    start,
    get: (peer) => standing.get(peer)?.at(-1),
    peers: () => [...standing.keys()],
    ready: (connection) => greetingOf(connection).done.promise,
    cut,
  }
}

export function peerOf(connection: Connection): PeerId {
  return connection.remotePeer.toString() as PeerId
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
