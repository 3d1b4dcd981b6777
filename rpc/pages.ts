/**
 * The explorer's files at `/`: read once at the start and served from memory, so that no request ever
 * names a path on the disk. Files below `assets/` have their content's digest in their names.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sha256Hash } from '../primitives/hash.ts'

/** Answers a `GET` or `HEAD` for a page; false: nothing of ours is asked for. */
export type Pages = (request: IncomingMessage, response: ServerResponse) => boolean

type Page = {
  readonly headers: OutgoingHttpHeaders
  readonly etag: string
  readonly body: Uint8Array
  /** Null where that would not be shorter. */
  readonly zipped: Uint8Array | null
}

/** Bytes of all files together: they stay in memory. */
const maxBytes = 64 * 1_048_576

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
}

/**
 * A page may load and call this server and nothing else, run no inline script, and sit in no frame.
 *
 * @see Content Security Policy Level 3; `wasm-unsafe-eval` compiles WebAssembly and evaluates no text
 */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const safety: OutgoingHttpHeaders = {
  'content-security-policy': contentPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/**
 * Read the files below `folder`. Null: it has no `index.html`, as when nothing was built there.
 *
 * @throws {Error} if they hold more than 64 MiB.
 */
export async function loadPages(folder: string): Promise<Pages | null> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const pages = new Map<string, Page>()
  let bytes = 0
  for (const name of names) {
    const file = join(folder, name)
    if (!(await stat(file)).isFile()) continue
    const body = new Uint8Array(await readFile(file))
    bytes += body.length
    if (bytes > maxBytes) throw new Error(`${folder} holds more than ${maxBytes} bytes of pages`)
    const path = `/${name.split(sep).join('/')}`
    pages.set(path, pageOf(path, body))
  }
  const index = pages.get('/index.html')
  if (index === undefined) return null
  pages.set('/', index)
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const page = find(pages, index, request)
    if (page === null) return false
    give(page, request, response)
    return true
  }
}

function pageOf(path: string, body: Uint8Array): Page {
  const zipped = gzipSync(body, { level: 9 })
  const isNamedByContent = path.startsWith('/assets/')
  return {
    body,
    zipped: zipped.length < 0.9 * body.length ? new Uint8Array(zipped) : null,
    etag: sha256Hash(body).slice(2, 34),
    headers: {
      ...safety,
      'content-type': contentTypes[extname(path)] ?? 'application/octet-stream',
      'cache-control': isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding, origin',
    },
  }
}

/** The file of this name or, for a page that its own script draws, the index. */
function find(
  pages: ReadonlyMap<string, Page>,
  index: Page,
  { url = '/', headers }: IncomingMessage,
): Page | null {
  const path = url.split(/[?#]/)[0]!
  const page = pages.get(path)
  if (page !== undefined) return page
  const isNavigation = headers.accept?.includes('text/html') === true
  return isNavigation && extname(path) === '' ? index : null
}

function give(page: Page, request: IncomingMessage, response: ServerResponse): void {
  const takesZip = /\bgzip\b(?!;\s*q=0(\.0*)?(,|$))/.test(
    String(request.headers['accept-encoding'] ?? ''),
  )
  const zipped = takesZip ? page.zipped : null
  const body = zipped ?? page.body
  const etag = `"${page.etag}${zipped === null ? '' : '-gzip'}"`
  const known = request.headers['if-none-match'] ?? ''
  const isKnown = known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
  response.writeHead(isKnown ? 304 : 200, {
    ...page.headers,
    etag,
    ...(zipped === null ? {} : { 'content-encoding': 'gzip' }),
    ...(isKnown ? {} : { 'content-length': body.length }),
  })
  response.end(isKnown || request.method === 'HEAD' ? undefined : body)
}
