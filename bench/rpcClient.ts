/**
 * What the measurements of RPC ask with: calls over HTTP, and many WebSocket subscribers.
 */
import { WebSocket } from 'ws'

/** One call; @throws {Error} what the node refuses. */
export async function ask<T>(url: string, method: string, ...params: unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body })
  const { result, error } = (await response.json()) as {
    readonly result: T
    readonly error?: { readonly message: string }
  }
  if (error !== undefined) throw new Error(`${method}: ${error.message}`)
  return result
}

/** Milliseconds of each of `count` calls, one after another, `pauseMs` apart. */
export async function timeCalls(
  call: () => Promise<unknown>,
  count: number,
  pauseMs = 0,
): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const started = performance.now()
    await call()
    times.push(performance.now() - started)
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return times
}

export type Subscribers = {
  /** When each heard of a head, by its number: milliseconds of `performance.now()`. */
  readonly heard: ReadonlyMap<string, readonly number[]>
  readonly close: () => void
}

/** `count` connections that each subscribe to new heads. */
export async function subscribeHeads(url: string, count: number): Promise<Subscribers> {
  const heard = new Map<string, number[]>()
  const sockets = await Promise.all(Array.from({ length: count }, () => open(url, heard)))
  return {
    heard,
    close: () => {
      for (const socket of sockets) socket.close()
    },
  }
}

function open(url: string, heard: Map<string, number[]>): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => {
      socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}')
    })
    socket.on('message', (data) => {
      const at = performance.now()
      const message = JSON.parse(String(data)) as {
        readonly id?: number
        readonly params?: { readonly result: { readonly number: string } }
      }
      if (message.params === undefined) return resolve(socket)
      const { number } = message.params.result
      const times = heard.get(number) ?? []
      heard.set(number, [...times, at])
    })
  })
}
