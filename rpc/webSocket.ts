/**
 * The WebSocket side of the server: requests as over HTTP, and pushes. A peer that does not read is
 * cut off at a bound of buffered bytes; nobody else waits for it.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../primitives/clock.ts'
import { clientOf } from './http.ts'
import { refusalText } from './jsonRpc.ts'
import type { Subscriber } from './method.ts'

export type SocketLimits = {
  readonly maxSockets: number
  /** Requests of one connection in progress; the next is not read before one of them ends. */
  readonly maxUnanswered: number
  /** Bytes waiting to be sent to one peer. */
  readonly maxBufferedBytes: number
  /** A peer that answers no ping for this long is cut off. */
  readonly pingIntervalMs: number
}

export type SocketModules = {
  readonly clock: Clock
  /** Answer the text of a request; null: nothing to say. Never throws. */
  readonly answer: (text: string, subscriber: Subscriber, client: string) => Promise<string | null>
  readonly closed: (subscriber: Subscriber) => void
  readonly report: (error: unknown) => void
}

export type Sockets = {
  /** Take over an upgrade request that passed the guard. */
  readonly accept: (request: IncomingMessage, socket: Duplex, head: Uint8Array) => void
  readonly count: () => number
  /** Peers cut off because they did not read. */
  readonly cut: () => number
  readonly stop: () => void
}

export function createSockets(
  limits: SocketLimits & { readonly maxBody: number },
  { clock, answer, closed, report }: SocketModules,
): Sockets {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxBody,
    perMessageDeflate: false,
    skipUTF8Validation: false,
  })
  const alive = new Set<WebSocket>()
  let cut = 0
  let cancelPing = clock.after(limits.pingIntervalMs, pingAll)

  /** Whoever has not answered since the last round is gone. */
  function pingAll(): void {
    for (const socket of server.clients) {
      if (alive.delete(socket)) socket.ping()
      else socket.terminate()
    }
    cancelPing = clock.after(limits.pingIntervalMs, pingAll)
  }

  function serve(socket: WebSocket, client: string): void {
    const subscriber: Subscriber = { send: (text) => send(socket, text) }
    let unanswered = 0

    async function onMessage(text: string): Promise<void> {
      if (++unanswered >= limits.maxUnanswered) socket.pause()
      const reply = await answer(text, subscriber, client)
      // A request can outlive its connection, and subscribe for nobody.
      if (socket.readyState === socket.CLOSED) closed(subscriber)
      if (reply !== null) send(socket, reply)
      if (--unanswered < limits.maxUnanswered && socket.isPaused) socket.resume()
    }

    alive.add(socket)
    socket.on('pong', () => alive.add(socket))
    socket.on('message', (data) => {
      onMessage(textOf(data)).catch(report)
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      alive.delete(socket)
      closed(subscriber)
    })
  }

  function send(socket: WebSocket, text: string): void {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > limits.maxBufferedBytes) {
      cut++
      socket.terminate()
      return
    }
    socket.send(text)
  }

  return {
    accept: (request, socket, head) => {
      if (server.clients.size >= limits.maxSockets) {
        refuseUpgrade(socket, limits.maxSockets)
        return
      }
      // `ws` asks for node's own byte class here; it is what `node:http` handed us.
      server.handleUpgrade(
        request,
        socket,
        head as Parameters<Sockets['accept']>[2] as never,
        (upgraded: WebSocket) => serve(upgraded, clientOf(request)),
      )
    },
    count: () => server.clients.size,
    cut: () => cut,
    stop: () => {
      cancelPing()
      for (const socket of server.clients) {
        socket.close(1001, 'server stops')
        socket.terminate()
      }
      server.close()
    },
  }
}

/** A refusal of an upgrade is plain HTTP, so that clients can show why. */
function refuseUpgrade(socket: Duplex, limit: number): void {
  const text = refusalText(null, { code: 'rpc/limit', what: 'WebSocket connections', limit })
  const head = `HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: application/json\r\n`
  socket.end(`${head}content-length: ${text.length}\r\n\r\n${text}`)
}

/** Text of a message, whichever way its frames were joined; binary messages are read as UTF-8. */
function textOf(data: ArrayBuffer | Uint8Array | readonly Uint8Array[]): string {
  const parts = Array.isArray(data) ? data : [data as ArrayBuffer | Uint8Array]
  const decoder = new TextDecoder()
  return parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode()
}
