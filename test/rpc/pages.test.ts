/** The explorer's files beside JSON-RPC, on one port. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Running, run } from './client.ts'
import { modulesAround } from './modules.ts'
import { smallChain } from './smallChain.ts'

const script = `console.log(1)${' '.repeat(5_000)}`
let folder: string
let running: Running

async function serve(pagesDir: string): Promise<Running> {
  return run(modulesAround(smallChain().chain).modules, { pagesDir })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-pages-'))
  await writeFile(join(folder, 'secret.txt'), 'secret')
  await mkdir(join(folder, 'pages', 'assets'), { recursive: true })
  await writeFile(join(folder, 'pages', 'index.html'), '<!doctype html><title>hive</title>')
  await writeFile(join(folder, 'pages', 'assets', 'main-1a2b.js'), script)
  running = await serve(join(folder, 'pages'))
})

afterAll(async () => {
  await running.server.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('pages', () => {
  it('serves the index at / and calls on the same port', async () => {
    for (const path of ['/', '/index.html', '/?block=1']) {
      const { status, headers, text } = await running.get(path)
      assert.deepEqual([status, text], [200, '<!doctype html><title>hive</title>'], path)
      assert.equal(headers['content-type'], 'text/html; charset=utf-8')
      assert.equal(headers['cache-control'], 'no-cache')
    }
    assert.equal((await running.call('eth_chainId')).result, '0x4d2')
    assert.equal((await running.get('/health')).status, 200)
  })

  it('lets pages run their own scripts and reach this server alone', async () => {
    const { headers } = await running.get('/')
    const policy = String(headers['content-security-policy'])
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
      assert.ok(policy.includes(rule), rule)
    assert.ok(!policy.includes('unsafe-inline') && !policy.includes("'unsafe-eval'"))
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['access-control-allow-origin'], undefined)
  })

  it('tells browsers to keep what is named by its content', async () => {
    const { headers, text } = await running.get('/assets/main-1a2b.js')
    assert.equal(text, script)
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
  })

  it('answers 304 to who has it, in either encoding', async () => {
    for (const encoding of ['identity', 'gzip', 'gzip;q=0']) {
      const asked = { 'accept-encoding': encoding }
      const first = await running.get('/assets/main-1a2b.js', { headers: asked })
      assert.equal(first.headers['content-encoding'], encoding === 'gzip' ? 'gzip' : undefined)
      const tag = String(first.headers.etag)
      const headers = { ...asked, 'if-none-match': `"other", W/${tag}` }
      const again = await running.get('/assets/main-1a2b.js', { headers })
      assert.deepEqual([again.status, again.text], [304, ''])
    }
    const { port } = running
    const zipped = await fetch(`http://127.0.0.1:${port}/assets/main-1a2b.js`)
    assert.equal(await zipped.text(), script)
    assert.equal(zipped.headers.get('content-encoding'), 'gzip')
  })

  it('answers HEAD with the length and no body', async () => {
    const { status, headers, text } = await running.get('/', { method: 'HEAD' })
    assert.deepEqual([status, headers['content-length'], text], [200, '34', ''])
  })

  it('takes GET and HEAD alone', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH'])
      assert.equal((await running.get('/', { method })).status, 405, method)
    const posted = await running.get('/assets/main-1a2b.js', { method: 'POST' })
    assert.equal(posted.status, 404)
  })

  it('draws its own paths with the index, for navigation alone', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml' }
    assert.equal((await running.get('/blocks/7', { headers })).status, 200)
    assert.equal((await running.get('/blocks/7')).status, 404)
    assert.equal((await running.get('/assets/gone.js', { headers })).status, 404)
  })

  it('reaches nothing outside its folder', async () => {
    for (const path of [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/..\\secret.txt',
      '//secret.txt',
      `/${folder}/secret.txt`,
      '/assets',
      '/\u0000',
      '/__proto__',
    ].map((text) => text.replace('\u0000', '%00')))
      assert.equal((await running.get(path)).status, 404, path)
  })

  it('refuses strangers before it serves', async () => {
    assert.equal((await running.get('/', { headers: { host: 'evil.example' } })).status, 403)
    const headers = { origin: 'http://evil.example' }
    assert.equal((await running.get('/', { headers })).status, 403)
  })

  it('serves calls alone where nothing was built', async () => {
    const bare = await serve(join(folder, 'nowhere'))
    assert.equal((await bare.get('/')).status, 405)
    assert.equal((await bare.call('eth_chainId')).result, '0x4d2')
    await bare.server.stop()
  })
})
