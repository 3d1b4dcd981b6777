/**
 * Who may talk to the server: names it is called by (against DNS rebinding) and pages that may use it
 * (against other sites in the same browser).
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'

export type GuardOptions = {
  /** Address the server is bound to. */
  readonly host: string
  /** Further names it may be called by; `*` for any. */
  readonly allowedHosts: readonly string[]
  /** Origins of pages that may use it, like `https://explorer.example`; `*` for any. */
  readonly corsOrigins: readonly string[]
}

type RequestHeaders = {
  readonly host?: string | undefined
  readonly origin?: string | undefined
}

/** The verdict names the origin to allow; null: the request is not from another origin's page. */
export type Guard = (headers: RequestHeaders) => Result<string | null, RpcFault>

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'] as const

export function createGuard({ host, allowedHosts, corsOrigins }: GuardOptions): Guard {
  const bound = host.includes(':') ? `[${host}]` : host
  const names = new Set(
    [...loopbackNames, bound, ...allowedHosts].map((name) => name.toLowerCase()),
  )
  const origins = new Set(corsOrigins.map((origin) => origin.toLowerCase()))

  return ({ host: called = '', origin }) => {
    if (!names.has('*') && !names.has(hostName(called)))
      return refuse({ code: 'rpc/forbidden', what: 'host', got: called.slice(0, 80) })
    if (origin === undefined || isSameOrigin(origin, called)) return ok(null)
    return origins.has('*') || origins.has(origin.toLowerCase())
      ? ok(origin)
      : refuse({ code: 'rpc/forbidden', what: 'origin', got: origin.slice(0, 80) })
  }
}

/** `Host` without its port, lowercase, without a final dot. */
function hostName(called: string): string {
  return called
    .toLowerCase()
    .replace(/:[0-9]{1,5}$/, '')
    .replace(/\.$/, '')
}

/** The page came from this very server. */
function isSameOrigin(origin: string, called: string): boolean {
  return called !== '' && origin.toLowerCase() === `http://${called.toLowerCase()}`
}
