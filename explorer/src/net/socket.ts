/**
 * One WebSocket to the node: calls, and subscriptions that survive it. A lost connection is opened again
 * with growing pauses; calls wait for it as long as their patience lasts.
 */
import { createStore, type Store } from './store.ts'

export type Status = 'connecting' | 'open' | 'lost'

export type Socket = {
  readonly status: Store<Status>
  /** How often a connection was opened: what was read before may be stale after. */
  readonly session: Store<number>
  /** @throws {RpcError} what the node refused, or that it did not answer. */
  readonly call: <T>(method: string, ...params: readonly unknown[]) => Promise<T>
  /** Told every result from now on, on this connection and the next. @returns what stops it. */
  readonly subscribe: <T>(
    name: string,
    options: object | null,
    listener: (result: T) => void,
  ) => () => void
}

export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

type Waiting = {
  readonly text: string
  readonly resolve: (result: never) => void
  readonly reject: (error: RpcError) => void
  readonly timer: ReturnType<typeof setTimeout>
}

type Feed = {
  readonly name: string
  readonly options: object | null
  readonly listener: (result: never) => void
  id: string | null
}

type Message = {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
  readonly params?: { readonly subscription: string; readonly result: unknown }
}

const patienceMs = 20_000
const shortestPauseMs = 250
const longestPauseMs = 4_000

/** The connection is not answering any more. */
const lost = -32_000

export function openSocket(url: string): Socket {
  const status = createStore<Status>('connecting')
  const session = createStore(0)
  const waiting = new Map<number, Waiting>()
  const feeds = new Set<Feed>()
  let socket: WebSocket
  let next = 1
  let pause = shortestPauseMs

  function connect(): void {
    socket = new WebSocket(url)
    socket.onopen = () => {
      pause = shortestPauseMs
      for (const { text } of waiting.values()) socket.send(text)
      for (const feed of feeds) start(feed)
      session.set(session.get() + 1)
      status.set('open')
    }
    socket.onmessage = ({ data }) => read(JSON.parse(String(data)) as Message)
    socket.onclose = () => {
      for (const feed of feeds) feed.id = null
      status.set('lost')
      setTimeout(connect, pause)
      pause = Math.min(longestPauseMs, 2 * pause)
    }
  }

  function deliver({ subscription, result }: NonNullable<Message['params']>): void {
    for (const feed of feeds) if (feed.id === subscription) feed.listener(result as never)
  }

  function read({ id, result, error, params }: Message): void {
    if (params !== undefined) deliver(params)
    const asked = id === undefined ? undefined : waiting.get(id)
    if (id === undefined || asked === undefined) return
    waiting.delete(id)
    clearTimeout(asked.timer)
    if (error === undefined) asked.resolve(result as never)
    else asked.reject(new RpcError(error.code, error.message))
  }

  function call<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    const id = next++
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new RpcError(lost, `no answer to ${method}`))
      }, patienceMs)
      waiting.set(id, { text, resolve, reject, timer })
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    })
  }

  function start(feed: Feed): void {
    const params = feed.options === null ? [feed.name] : [feed.name, feed.options]
    call<string>('train_subscribe', ...params).then(
      (id) => {
        feed.id = id
      },
      () => {},
    )
  }

  connect()
  return {
    status,
    session,
    call,
    subscribe: (name, options, listener) => {
      const feed: Feed = { name, options, listener: listener as Feed['listener'], id: null }
      feeds.add(feed)
      if (status.get() === 'open') start(feed)
      return () => {
        feeds.delete(feed)
        if (feed.id !== null) call('train_unsubscribe', feed.id).catch(() => {})
      }
    },
  }
}
