/**
 * A server under test and plain ways to talk to it.
 */
import { request } from 'node:http'
import { WebSocket } from 'ws'
import type { RpcModules } from '../../rpc/modules.ts'
import { createRpcServer, type RpcOptions, type RpcServer } from '../../rpc/server.ts'

export type Running = {
  readonly server: RpcServer
  readonly port: number
  readonly call: (method: string, ...params: readonly unknown[]) => Promise<Reply>
  readonly post: (body: string, headers?: Headers) => Promise<Raw>
  readonly get: (path: string, options?: Options) => Promise<Raw>
  readonly socket: (headers?: Headers) => Promise<Peer>
}

type Headers = Readonly<Record<string, string>>
type Options = { readonly method?: string; readonly headers?: Headers; readonly body?: Uint8Array }
type Raw = {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}
export type Reply = {
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

export async function run(
  modules: RpcModules,
  options: Omit<RpcOptions, 'port'> = {},
): Promise<Running> {
  const server = createRpcServer({ ...options, port: 0 }, modules)
  await server.start()
  const { port } = server.address()!
  const get = (path: string, given: Options = {}) => exchange(port, path, given)
  const post = (body: string, headers: Headers = {}) =>
    exchange(port, '/', { method: 'POST', headers, body: new TextEncoder().encode(body) })
  return {
    server,
    port,
    get,
    post,
    call: async (method, ...params) => {
      const { text } = await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
      return JSON.parse(text) as Reply
    },
    socket: (headers = {}) => connect(`ws://127.0.0.1:${port}`, headers),
  }
}

/** One HTTP exchange with full control of the headers, which `fetch` does not give. */
function exchange(port: number, path: string, given: Options): Promise<Raw> {
  const { method = 'GET', headers = {}, body } = given
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text }),
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** A WebSocket peer that keeps everything it hears. */
export type Peer = {
  readonly socket: WebSocket
  readonly send: (method: string, ...params: readonly unknown[]) => Promise<Reply>
  /** The next notification, in order. */
  readonly next: () => Promise<{ readonly subscription: string; readonly result: unknown }>
  readonly heard: () => number
  readonly closed: Promise<number>
}

function connect(url: string, headers: Headers): Promise<Peer> {
  const socket = new WebSocket(url, { headers: { ...headers } })
  const answers = new Map<number, (reply: Reply) => void>()
  const queue: { subscription: string; result: unknown }[] = []
  const waiting: ((item: { subscription: string; result: unknown }) => void)[] = []
  let ids = 0
  let heard = 0
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    const answer = answers.get(message.id)
    if (answer !== undefined) return answer(message)
    heard++
    const waiter = waiting.shift()
    if (waiter === undefined) queue.push(message.params)
    else waiter(message.params)
  })
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () =>
      resolve({
        socket,
        closed,
        heard: () => heard,
        send: (method, ...params) =>
          new Promise((done) => {
            const id = ++ids
            answers.set(id, done)
            socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
          }),
        next: () =>
          new Promise((done) => {
            const item = queue.shift()
            if (item === undefined) waiting.push(done)
            else done(item)
          }),
      }),
    )
  })
}
