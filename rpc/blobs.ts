/**
 * Blobs over HTTP: `GET /blob/HASH` streams one, `PUT /blob` takes one where the operator allows it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ticketHeader } from '../primitives/downloadTicket.ts'
import { type Hash, parseHash } from '../primitives/hash.ts'
import type { RpcFault } from './errors.ts'
import { replyFault, replyJson } from './http.ts'
import type { RpcModules } from './modules.ts'
import { toWire } from './wire.ts'

export type BlobLimits = {
  readonly maxUploadBytes: number
  /** Blobs going in or out at once. */
  readonly maxTransfers: number
}

export type BlobOptions = BlobLimits & {
  /** Anyone who can reach the port can then fill the disk. */
  readonly allowUploads: boolean
}

/** Answers requests below `/blob`; resolves when the response is done. */
export type BlobHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createBlobHandler(
  { allowUploads, maxUploadBytes, maxTransfers }: BlobOptions,
  { blobs, gate, report }: Pick<RpcModules, 'blobs' | 'gate' | 'report'>,
): BlobHandler {
  let transfers = 0

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (transfers >= maxTransfers)
      return replyFault(response, 503, limitFault('blob transfers', maxTransfers))
    transfers++
    try {
      await (request.method === 'PUT' ? take(request, response) : give(request, response))
    } finally {
      transfers--
    }
  }

  async function give(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hash = parseHash((request.url ?? '').slice('/blob/'.length))
    if (!hash.ok) return replyFault(response, 400, badHash)
    const size = await blobs.size(hash.value)
    if (size === null) return replyFault(response, 404, { code: 'rpc/notFound', what: 'blob' })
    const access = await gate(hash.value, headerOf(request))
    if (!access.ok) return replyFault(response, 402, access.fault)
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': size,
      'x-content-type-options': 'nosniff',
      'content-disposition': 'attachment',
      // The name is the content, so it never changes; what was sold is not for caches to hand on.
      'cache-control':
        access.value === 'open' ? 'public, max-age=31536000, immutable' : 'private, no-store',
      etag: `"${hash.value}"`,
    })
    if (request.method === 'HEAD') response.end()
    else await stream(hash.value, response)
  }

  async function stream(hash: Hash, response: ServerResponse): Promise<void> {
    try {
      await pipeline(Readable.from(blobs.read(hash)), response)
    } catch (error) {
      // Whoever hangs up early is no news; a blob that cannot be read is.
      if ((error as { readonly code?: unknown }).code !== 'ERR_STREAM_PREMATURE_CLOSE')
        report(error)
      response.destroy()
    }
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!allowUploads)
      return replyFault(response, 403, { code: 'rpc/forbidden', what: 'upload', got: 'PUT' })
    if (Number(request.headers['content-length'] ?? 0) > maxUploadBytes)
      return replyFault(response, 413, limitFault('bytes of a blob', maxUploadBytes))
    try {
      const written = await blobs.write(request, maxUploadBytes)
      if (written.ok) replyJson(response, 201, { hash: written.value })
      else replyJson(response, 400, { error: toWire(written.fault) })
    } catch (error) {
      // An uploader that hangs up is no news; a disk that fails is.
      if (request.complete) throw error
      response.destroy()
    }
  }

  return handle
}

/** The ticket, if one came. */
function headerOf({ headers }: IncomingMessage): string | null {
  const text = headers[ticketHeader]
  return typeof text === 'string' ? text : null
}

const badHash: RpcFault = {
  code: 'rpc/params',
  parameter: 'hash',
  why: 'must be /blob/ and a 32-byte lowercase 0x hash',
}

function limitFault(what: string, limit: number): RpcFault {
  return { code: 'rpc/limit', what, limit }
}
