/**
 * The server: JSON-RPC over HTTP and WebSocket, blobs, pages, health and metrics, on one port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ticketHeader } from '../primitives/downloadTicket.ts'
import { createBlobHandler } from './blobs.ts'
import { createDispatcher } from './dispatch.ts'
import type { RpcFault } from './errors.ts'
import { createFilters } from './filters.ts'
import { createGuard } from './guard.ts'
import { clientOf, readBody, replyFault, replyJson, replyText } from './http.ts'
import { answerText } from './jsonRpc.ts'
import { defaultLimits, type RpcLimits } from './limits.ts'
import type { Subscriber } from './method.ts'
import { createMethods } from './methodTable.ts'
import type { RpcModules } from './modules.ts'
import { loadPages, type Pages } from './pages.ts'
import { createSubscriptions } from './subscriptions.ts'
import { createSockets } from './webSocket.ts'
import { quantity } from './wire.ts'

export type RpcOptions = {
  /** @default '127.0.0.1' */
  readonly host?: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
  /** Names besides loopback and `host` by which the server may be called. @default [] */
  readonly allowedHosts?: readonly string[] | undefined
  /** Origins whose pages may use the server. @default [] */
  readonly corsOrigins?: readonly string[] | undefined
  /** Whether `PUT /blob` is served. @default false */
  readonly allowUploads?: boolean | undefined
  /** Folder of the pages served at `/`, if it holds any. @default null */
  readonly pagesDir?: string | null | undefined
  readonly limits?: Partial<RpcLimits> | undefined
}

type RpcStats = {
  readonly calls: number
  readonly refused: number
  readonly failed: number
  readonly sockets: number
  readonly subscriptions: number
  /** Subscribers cut off because they did not read. */
  readonly cut: number
}

export type RpcServer = {
  /** @throws {Error} if the port cannot be bound or the pages cannot be read. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Where it listens; null unless started. */
  readonly address: () => { readonly host: string; readonly port: number } | null
  readonly stats: () => RpcStats
}

export function createRpcServer(options: RpcOptions, modules: RpcModules): RpcServer {
  const { host = '127.0.0.1', port, allowedHosts = [], corsOrigins = [] } = options
  const { allowUploads = false, pagesDir = null } = options
  const limits: RpcLimits = { ...defaultLimits, ...options.limits }
  const { clock, report } = modules

  const guard = createGuard({ host, allowedHosts, corsOrigins })
  const filters = createFilters(limits, modules)
  const subscriptions = createSubscriptions(limits, modules)
  const methods = createMethods(limits, modules, filters, subscriptions)
  const dispatcher = createDispatcher(limits, methods, modules)
  const handleBlob = createBlobHandler({ ...limits, allowUploads }, modules)

  const answer = (text: string, subscriber: Subscriber | null, client: string) =>
    answerText(
      text,
      {
        run: (method, params) => dispatcher.dispatch(method, params, { subscriber, client }),
        prepare: dispatcher.prepare,
      },
      limits,
    )
  const sockets = createSockets(limits, { clock, answer, closed: subscriptions.drop, report })

  let pages: Pages | null = null
  /** Characters of answers that HTTP peers have yet to read. */
  let unsent = 0

  const http = createServer({ keepAliveTimeout: 15_000, headersTimeout: 15_000, requestTimeout: 0 })
  http.maxConnections = limits.maxConnections
  http.timeout = limits.idleTimeoutMs
  http.on('request', (request, response) => {
    onRequest(request, response).catch((error: unknown) => {
      report(error)
      response.destroy()
    })
  })
  http.on('upgrade', onUpgrade)

  async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const allowed = guard(request.headers)
    if (!allowed.ok) return replyFault(response, 403, allowed.fault)
    if (allowed.value !== null) {
      response.setHeader('access-control-allow-origin', allowed.value)
      response.setHeader('vary', 'origin')
    }
    return route(request, response)
  }

  function route(request: IncomingMessage, response: ServerResponse): Promise<void> | void {
    const path = (request.url ?? '/').split('?')[0]!
    switch (`${request.method} ${path.startsWith('/blob/') ? '/blob/' : path}`) {
      case 'POST /':
        return call(request, response)
      case 'GET /health':
        return health(response)
      case 'GET /metrics':
        return metrics(response)
      case 'GET /blob/':
      case 'HEAD /blob/':
      case 'PUT /blob':
        return handleBlob(request, response)
      default:
        if (request.method === 'OPTIONS') return preflight(response)
        if (pages?.(request, response) !== true) unknown(response, path)
    }
  }

  async function call(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, limits, clock)
    if (!body.ok)
      return replyFault(response, body.fault.code === 'rpc/limit' ? 413 : 400, body.fault)
    const reply = await answer(body.value, null, clientOf(request))
    // Whoever hung up meanwhile reads nothing, and will not be told to have closed again.
    if (response.destroyed) return
    if (reply === null) response.writeHead(204).end()
    else if (unsent + reply.length > limits.maxUnsent)
      replyFault(response, 503, {
        code: 'rpc/limit',
        what: 'bytes unsent',
        limit: limits.maxUnsent,
      })
    else {
      unsent += reply.length
      response.once('close', () => {
        unsent -= reply.length
      })
      replyText(response, 200, 'application/json', reply)
    }
  }

  /** 200 when up to date, 503 while syncing: what a load balancer asks. */
  function health(response: ServerResponse): void {
    const sync = modules.net.syncing()
    replyJson(response, sync === null ? 200 : 503, {
      status: sync === null ? 'ok' : 'syncing',
      blockNumber: quantity(modules.chain.head()),
      peers: quantity(modules.net.peerCount()),
    })
  }

  async function metrics(response: ServerResponse): Promise<void> {
    replyText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', await modules.metrics())
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    socket.on('error', () => socket.destroy())
    if (guard(request.headers).ok) sockets.accept(request, socket, head)
    else socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  }

  return {
    start: async () => {
      pages = pagesDir === null ? null : await loadPages(pagesDir)
      await new Promise<void>((resolve, reject) => {
        http.once('error', (cause) =>
          reject(new Error(`rpc: cannot listen on ${host}:${port}`, { cause })),
        )
        http.listen(port, host, resolve)
      })
    },
    stop: async () => {
      filters.stop()
      subscriptions.stop()
      sockets.stop()
      const closed = new Promise<void>((resolve) => {
        http.close(() => resolve())
      })
      http.closeAllConnections()
      await closed
    },
    address: () => {
      const bound = http.address() as AddressInfo | null
      return bound === null ? null : { host: bound.address, port: bound.port }
    },
    stats: () => ({
      ...dispatcher.stats(),
      sockets: sockets.count(),
      subscriptions: subscriptions.count(),
      cut: sockets.cut(),
    }),
  }
}

/** What a browser asks before it lets a page of another origin call. */
function preflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'POST, GET, HEAD, PUT',
    'access-control-allow-headers': `content-type, ${ticketHeader}`,
    'access-control-max-age': '600',
  })
  response.end()
}

function unknown(response: ServerResponse, path: string): void {
  const fault: RpcFault = { code: 'rpc/request', why: `nothing at ${path.slice(0, 80)}` }
  const known = path === '/' || path === '/health' || path === '/metrics'
  replyFault(response, known ? 405 : 404, fault)
}
