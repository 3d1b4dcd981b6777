/**
 * Questions and answers: one stream each. The asker sends a frame; the answerer replies with a frame
 * whose first byte says whether what follows is an answer.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { concatBytes } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { FrameFault, RequestFault } from './faults.ts'
import type { Ledger } from './ledger.ts'
import type { PeerId } from './peer.ts'
import { peerOf, type Sessions } from './sessions.ts'
import { closeWrite, readFrame, writeFrame } from './streams.ts'
import type { Transport } from './transport.ts'

/** The answer to a request, or null to refuse it. */
export type Answer = (peer: PeerId, bytes: Uint8Array) => Promise<Uint8Array | null>

type RequestLimits = {
  readonly timeoutMs: number
  /** Longest answer that is taken. */
  readonly maxBytes: number
}

export type RequestModules = {
  readonly transport: Transport
  readonly sessions: Sessions
  readonly ledger: Ledger
  readonly stallMs: number
  /** A peer sent what it must not. */
  readonly malformed: (peer: PeerId, fault: FrameFault) => void
  readonly report: (error: unknown) => void
}

export type Requests = {
  readonly request: (
    peer: PeerId,
    topic: string,
    bytes: Uint8Array,
    limits: RequestLimits,
  ) => Promise<Result<Uint8Array, RequestFault>>
  readonly serve: (topic: string, maxRequestBytes: number, answer: Answer) => Promise<void>
}

/** Requests under way with one peer, in each direction. */
const maxConcurrent = 32

const answered = Uint8Array.of(1)
const refusedAnswer = Uint8Array.of(0)

export function createRequests(modules: RequestModules): Requests {
  const { transport, sessions, ledger, stallMs, malformed, report } = modules
  const asking = new Map<PeerId, number>()

  async function request(
    peer: PeerId,
    topic: string,
    bytes: Uint8Array,
    limits: RequestLimits,
  ): Promise<Result<Uint8Array, RequestFault>> {
    const session = sessions.get(peer)
    if (session === undefined) return refuse({ code: 'network/notConnected', peer })
    const running = asking.get(peer) ?? 0
    if (running >= maxConcurrent)
      return refuse({ code: 'network/busy', peer, limit: maxConcurrent })
    asking.set(peer, running + 1)
    try {
      return await ask(session.connection, topic, bytes, limits)
    } finally {
      const left = asking.get(peer)! - 1
      if (left > 0) asking.set(peer, left)
      else asking.delete(peer)
    }
  }

  async function ask(
    connection: Connection,
    topic: string,
    bytes: Uint8Array,
    { timeoutMs, maxBytes }: RequestLimits,
  ): Promise<Result<Uint8Array, RequestFault>> {
    const peer = peerOf(connection)
    const signal = AbortSignal.timeout(timeoutMs)
    let stream: Stream | null = null
    try {
      stream = await connection.newStream(protocolOf(topic), { signal })
      await writeFrame(stream, bytes, timeoutMs)
      const reply = await readFrame(stream, maxBytes + 1, signal)
      if (!reply.ok) {
        malformed(peer, reply.fault)
        return reply
      }
      // All that was wanted is here; nothing that may still come keeps the stream open.
      stream.abort(new Error('answered'))
      if (reply.value[0] !== 1) return refuse({ code: 'network/refused', peer, topic })
      return ok(reply.value.slice(1))
    } catch (error) {
      stream?.abort(new Error('request failed'))
      if (signal.aborted) return refuse({ code: 'network/timeout', peer, topic, timeoutMs })
      const why = error instanceof Error ? error.message : String(error)
      return refuse({ code: 'network/closed', peer, topic, why })
    }
  }

  async function serve(topic: string, maxRequestBytes: number, answer: Answer): Promise<void> {
    await transport.handle(
      protocolOf(topic),
      (stream, connection) => {
        serveOne(stream, connection, maxRequestBytes, answer).catch(() => {
          // The asker is gone or does not read: nobody is left to answer.
          stream.abort(new Error('could not answer'))
        })
      },
      { maxInboundStreams: maxConcurrent, maxOutboundStreams: maxConcurrent },
    )
  }

  async function serveOne(
    stream: Stream,
    connection: Connection,
    maxRequestBytes: number,
    answer: Answer,
  ): Promise<void> {
    if (!(await sessions.ready(connection))) return stream.abort(new Error('no hello'))
    const peer = peerOf(connection)
    const question = await readFrame(stream, maxRequestBytes, AbortSignal.timeout(stallMs))
    if (!question.ok) {
      malformed(peer, question.fault)
      return stream.abort(new Error(question.fault.code))
    }
    const bytes = await answerOf(answer, peer, question.value)
    const cost = bytes?.length ?? 0
    const affordable = bytes !== null && ledger.take(peer, cost, false)
    try {
      const reply = affordable ? concatBytes(answered, bytes) : refusedAnswer
      await writeFrame(stream, reply, stallMs)
      await closeWrite(stream)
    } finally {
      if (affordable) ledger.release(peer, cost)
    }
  }

  async function answerOf(
    answer: Answer,
    peer: PeerId,
    question: Uint8Array,
  ): Promise<Uint8Array | null> {
    try {
      return await answer(peer, question)
    } catch (error) {
      report(error)
      return null
    }
  }

  return { request, serve }
}

function protocolOf(topic: string): string {
  return `/waggle/ask/1/${topic}`
}
