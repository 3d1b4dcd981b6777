/**
 * Blobs of a node over HTTP: `PUT /blob` and `GET /blob/HASH`, streamed with progress.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ticketHeader } from '../primitives/downloadTicket.ts'
import { type Hash, parseHash } from '../primitives/hash.ts'
import { ExitCode, Failure, fail } from './failure.ts'
import type { Io } from './io.ts'
import { startProgress } from './progress.ts'

/** Upload the file at `path`; resolves to the blob's name as the node computed it. */
export async function uploadBlob(io: Io, url: string, path: string): Promise<Hash> {
  const { size } = await stat(path)
  const progress = startProgress(io, { label: 'upload', total: size, unit: 'bytes' })
  try {
    const body = Readable.toWeb(counted(createReadStream(path), progress.update))
    const response = await request(url, '/blob', {
      method: 'PUT',
      headers: { 'content-length': String(size) },
      body,
      duplex: 'half',
      signal: io.stopped,
    } as RequestInit)
    if (!response.ok) return await refused(response, `upload to ${url}`)
    const { hash } = (await response.json()) as { readonly hash?: unknown }
    const parsed = parseHash(String(hash))
    if (parsed.ok) return parsed.value
    return fail({
      what: `${url} answered an upload with nonsense`,
      why: `no hash in its answer`,
      next: 'check that --rpc names a waggle node',
    })
  } finally {
    progress.end()
  }
}

/** Download a blob to `path`, which appears only once it is whole. @param ticket - of a buyer, if any. */
export async function downloadBlob(
  io: Io,
  url: string,
  hash: Hash,
  path: string,
  ticket: string | null = null,
): Promise<void> {
  const headers = ticket === null ? {} : { [ticketHeader]: ticket }
  const response = await request(url, `/blob/${hash}`, { signal: io.stopped, headers })
  if (!response.ok || response.body === null) return refused(response, `download from ${url}`)
  const total = Number(response.headers.get('content-length') ?? 0)
  const progress = startProgress(io, { label: 'download', total, unit: 'bytes' })
  const part = `${path}.part`
  try {
    const source = Readable.fromWeb(response.body as never)
    await pipeline(counted(source, progress.update), createWriteStream(part))
    await rename(part, path)
  } finally {
    progress.end()
    await rm(part, { force: true })
  }
}

async function request(url: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`${url}${path}`, init)
  } catch (error) {
    const cause = (error as Error).cause
    throw new Failure(
      {
        what: `cannot reach a node at ${url}`,
        why: cause instanceof Error ? cause.message : (error as Error).message,
        next: 'start one with `waggle devnet`, or name another with --rpc URL',
        exitCode: ExitCode.Unavailable,
      },
      error,
    )
  }
}

async function refused(response: Response, what: string): Promise<never> {
  const text = (await response.text()).slice(0, 300)
  const next: Readonly<Record<number, string>> = {
    402: 'buy it with `waggle model buy`, then name the buyer with --key-file or --devnet-account',
    403: 'start the node with --allow-uploads',
    404: 'ask a node that holds it, with --rpc URL',
  }
  return fail({
    what: `${what} was refused`,
    why: `HTTP status ${response.status}: ${text}`,
    next: next[response.status] ?? 'mend what the reason names and try again',
  })
}

/** `source`, telling how many bytes have passed. */
function counted(source: Readable, tell: (bytes: number) => void): Readable {
  let bytes = 0
  return Readable.from(
    (async function* () {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        bytes += chunk.length
        tell(bytes)
        yield chunk
      }
    })(),
    { objectMode: false },
  )
}
