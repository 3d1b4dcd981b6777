/**
 * Small verbs of HTTP: reading a bounded body, answering once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { concatBytes } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import { refusalText } from './jsonRpc.ts'
import type { Json } from './wire.ts'

export type BodyLimits = { readonly maxBody: number; readonly bodyTimeoutMs: number }

/** The whole body as text. Stops reading at the bound; a peer that hangs up or dawdles is a refusal. */
export async function readBody(
  request: IncomingMessage,
  { maxBody, bodyTimeoutMs }: BodyLimits,
  clock: Clock,
): Promise<Result<string, RpcFault>> {
  const tooBig: RpcFault = { code: 'rpc/limit', what: 'bytes of a body', limit: maxBody }
  if (Number(request.headers['content-length'] ?? 0) > maxBody) return refuse(tooBig)
  const cancel = clock.after(bodyTimeoutMs, () => request.destroy())
  try {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > maxBody) return refuse(tooBig)
      chunks.push(chunk)
    }
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(concatBytes(...chunks)))
  } catch (error) {
    return refuse({ code: 'rpc/parse', why: (error as Error).message.slice(0, 120) })
  } finally {
    cancel()
  }
}

export function replyText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
): void {
  const body = new TextEncoder().encode(text)
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}

export function replyJson(response: ServerResponse, status: number, value: Json): void {
  replyText(response, status, 'application/json', JSON.stringify(value))
}

/** A refusal outside any call, as a JSON-RPC error all the same; the connection ends with it. */
export function replyFault(response: ServerResponse, status: number, fault: RpcFault): void {
  response.setHeader('connection', 'close')
  replyText(response, status, 'application/json', refusalText(null, fault))
}

/** All behind one address share what one client may have. */
export function clientOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? ''
}
