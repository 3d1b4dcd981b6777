import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { afterEach, describe, it } from 'vitest'
import { toHex } from '../../primitives/bytes.ts'
import { sha256Hash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import type { RpcModules } from '../../rpc/modules.ts'
import type { RpcOptions } from '../../rpc/server.ts'
import { type Reply, type Running, run } from './client.ts'
import { type Hand, modulesAround } from './modules.ts'
import { smallChain } from './smallChain.ts'

const running: Running[] = []

async function start(
  options: Omit<RpcOptions, 'port'> = {},
  replace: Partial<RpcModules> = {},
): Promise<Running & { readonly hand: Hand }> {
  const hand = modulesAround(smallChain().chain, replace)
  const started = await run(hand.modules, options)
  running.push(started)
  return { ...started, hand }
}

afterEach(async () => {
  for (const { server } of running.splice(0)) await server.stop()
})

/** What comes back for bytes that no client library would send. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (data) => {
      heard += data
    })
    socket.on('end', () => resolve(heard))
    socket.on('error', reject)
  })
}

const one = (text: string) => JSON.parse(text) as Reply
const codeOf = (text: string) => one(text).error?.code

describe('envelope', () => {
  it('answers a request, and several in a batch in order', async () => {
    const { post } = await start()
    const request = (id: unknown, method: string) => ({ jsonrpc: '2.0', id, method })
    const single = await post(JSON.stringify(request('a', 'eth_chainId')))
    assert.deepEqual(one(single.text), { jsonrpc: '2.0', id: 'a', result: '0x4d2' })
    const batch = await post(
      JSON.stringify([request(1, 'eth_blockNumber'), request(2, 'net_version'), request(3, 'no')]),
    )
    const [first, second, third] = JSON.parse(batch.text) as Reply[]
    assert.deepEqual([first?.result, second?.result, third?.error?.code], ['0x0', '1234', -32601])
  })

  it('does not answer notifications', async () => {
    const { post } = await start()
    const silent = { jsonrpc: '2.0', method: 'eth_chainId' }
    assert.equal((await post(JSON.stringify(silent))).status, 204)
    assert.equal((await post(JSON.stringify([silent, silent]))).status, 204)
    const mixed = await post(JSON.stringify([silent, { ...silent, id: 7 }]))
    assert.deepEqual(
      (JSON.parse(mixed.text) as Reply[]).map(({ id }) => id),
      [7],
    )
  })

  it('says what is wrong with text that is no request', async () => {
    const { post } = await start()
    for (const [body, code] of [
      ['', -32700],
      ['{', -32700],
      ['\u0000', -32700],
      ['[]', -32600],
      ['1', -32600],
      ['null', -32600],
      ['{}', -32600],
      ['{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600],
      ['{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":7}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":"x"}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"__proto__"}', -32601],
    ] as const)
      assert.equal(codeOf((await post(body)).text), code, body)
  })

  it('names the parameter that is wrong', async () => {
    const { call } = await start()
    for (const [method, params, parameter] of [
      ['eth_getBalance', ['0x12', 'latest'], 'argument 0 (address)'],
      ['eth_getBalance', [`0x${'11'.repeat(20)}`, 'newest'], 'argument 1 (block)'],
      ['eth_getBalance', [`0x${'11'.repeat(20)}`, '0x01'], 'argument 1 (block)'],
      ['eth_getBalance', [], 'argument 0 (address)'],
      ['eth_chainId', ['latest'], 'argument 0'],
      ['eth_call', [{ value: '1' }], 'argument 0 (transaction.value)'],
      ['eth_getLogs', [{ topics: [['0x1']] }], 'argument 0 (filter.topics.0.0)'],
      ['eth_getBlockByNumber', ['0x0', 'yes'], 'argument 1 (fullTransactions)'],
      ['train_listJobs', [{ status: 'lost' }], 'argument 0 (filter.status)'],
    ] as const) {
      const { error } = await call(method, ...params)
      assert.equal(error?.code, -32602, method)
      assert.deepEqual(error?.data, { parameter }, method)
    }
  })

  it('takes parameters by name too', async () => {
    const { post } = await start()
    const request = (params: object) =>
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params })
    const address = `0x${'11'.repeat(20)}`
    assert.equal(one((await post(request({ address }))).text).result, '0xde0b6b3a7640000')
    assert.equal(codeOf((await post(request({ address, blocks: 'latest' }))).text), -32602)
  })
})

describe('bounds', () => {
  it('refuses a body above the bound, announced or not', async () => {
    const { post, get } = await start({ limits: { maxBody: 1_000 } })
    const announced = await post('x'.repeat(1_001))
    assert.deepEqual([announced.status, codeOf(announced.text)], [413, -32005])
    const chunked = await get('/', {
      method: 'POST',
      headers: { 'transfer-encoding': 'chunked' },
      body: new Uint8Array(5_000),
    })
    assert.deepEqual([chunked.status, codeOf(chunked.text)], [413, -32005])
  })

  it('refuses a batch above the bound, and stops answering when an answer grows too long', async () => {
    const limits = { maxBatch: 10, maxResponse: 200 }
    const { post } = await start({ limits })
    const batch = (size: number) =>
      JSON.stringify(
        Array.from({ length: size }, (_, id) => ({ jsonrpc: '2.0', id, method: 'eth_chainId' })),
      )
    assert.equal(codeOf((await post(batch(11))).text), -32005)
    const answers = JSON.parse((await post(batch(10))).text) as Reply[]
    assert.equal(answers.length, 10)
    assert.equal(answers[0]?.result, '0x4d2')
    assert.equal(answers[9]?.error?.code, -32005)
  })

  it('lets so many calls run, so many wait, and refuses the rest', async () => {
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const { chain } = smallChain({
      account: async () => {
        await gate
        return { nonce: 0n, balance: 1n }
      },
    })
    const { call, server } = await start({ limits: { maxRunning: 2, maxWaiting: 3 } }, { chain })
    const address = `0x${'11'.repeat(20)}`
    const calls = Array.from({ length: 9 }, () => call('eth_getBalance', address))
    while (server.stats().refused < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    go()
    const answers = await Promise.all(calls)
    assert.equal(answers.filter(({ result }) => result === '0x1').length, 5)
    assert.equal(answers.filter(({ error }) => error?.code === -32005).length, 4)
    assert.equal((await call('eth_getBalance', address)).result, '0x1')
    assert.equal(server.stats().refused, 4)
  })

  it('gives up on a call that takes too long', async () => {
    const { chain } = smallChain({ account: () => new Promise(() => {}) })
    const { call } = await start({ limits: { callTimeoutMs: 50 } }, { chain })
    const { error } = await call('eth_getBalance', `0x${'11'.repeat(20)}`)
    assert.equal(error?.code, -32002)
  })

  it('does not count answers that nobody is there to read', async () => {
    let go = () => {}
    let asked = 0
    const { chain } = smallChain({
      account: () =>
        new Promise((resolve) => {
          asked++
          go = () => resolve({ nonce: 0n, balance: 1n })
        }),
    })
    const { port, call, server } = await start({ limits: { maxUnsent: 150 } }, { chain })
    const params = [`0x${'11'.repeat(20)}`]
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params })
    const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n`
    for (let i = 1; i <= 4; i++) {
      const socket = connect(port, '127.0.0.1', () => socket.write(head + body))
      while (asked < i) await new Promise((resolve) => setTimeout(resolve, 5))
      socket.destroy()
      await new Promise((resolve) => setTimeout(resolve, 20))
      go()
    }
    while (server.stats().calls < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal((await call('eth_chainId')).result, '0x4d2')
  })

  it('hides our own failures and reports them', async () => {
    const { chain } = smallChain({ account: () => Promise.reject(new Error('disk on fire')) })
    const { call, hand } = await start({}, { chain })
    const { error } = await call('eth_getBalance', `0x${'11'.repeat(20)}`)
    assert.deepEqual(error, { code: -32603, message: 'internal error' })
    assert.match(String(hand.reported[0]), /disk on fire/)
  })
})

describe('who may talk', () => {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'

  it('only answers to its own names', async () => {
    const { post, get, port, socket } = await start({ allowedHosts: ['node.example'] })
    for (const host of [
      `127.0.0.1:${port}`,
      'localhost',
      '[::1]:1',
      'NODE.example:99',
      'localhost.',
    ])
      assert.equal((await post(body, { host })).status, 200, host)
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost@evil', '10.0.0.1']) {
      assert.equal((await post(body, { host })).status, 403, host)
      assert.equal((await get('/health', { headers: { host } })).status, 403, host)
    }
    await assert.rejects(socket({ host: 'evil.example' }), /403/)
    assert.match(await raw(port, 'GET /health HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 403/)
  })

  it('refuses pages of other origins unless they are named', async () => {
    const { post, get, port, socket } = await start({ corsOrigins: ['https://good.example'] })
    const own = `http://127.0.0.1:${port}`
    assert.equal((await post(body, { origin: own })).status, 200)
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:3000',
      `https://127.0.0.1:${port}`,
    ]) {
      const refused = await post(body, { origin })
      assert.deepEqual([refused.status, codeOf(refused.text)], [403, -32600], origin)
      assert.equal(refused.headers['access-control-allow-origin'], undefined)
      await assert.rejects(socket({ origin }), /403/)
    }
    const good = await post(body, { origin: 'https://good.example' })
    assert.equal(good.headers['access-control-allow-origin'], 'https://good.example')
    const peer = await socket({ origin: 'https://good.example' })
    assert.equal((await peer.send('eth_chainId')).result, '0x4d2')
    const asked = await get('/', { method: 'OPTIONS', headers: { origin: 'https://good.example' } })
    assert.equal(asked.status, 204)
    assert.match(String(asked.headers['access-control-allow-methods']), /POST/)
    const denied = await get('/', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example' },
    })
    assert.equal(denied.status, 403)
  })

  it('binds to loopback unless told otherwise', async () => {
    const { server } = await start()
    assert.equal(server.address()?.host, '127.0.0.1')
  })
})

describe('other paths', () => {
  it('tells its health and metrics', async () => {
    const { get } = await start()
    const health = await get('/health')
    assert.deepEqual(
      [health.status, JSON.parse(health.text)],
      [200, { status: 'ok', blockNumber: '0x0', peers: '0x3' }],
    )
    const metrics = await get('/metrics')
    assert.match(metrics.text, /^waggle_height_blocks /)
    assert.match(String(metrics.headers['content-type']), /^text\/plain/)
    assert.equal((await get('/')).status, 405)
    assert.equal((await get('/admin')).status, 404)
  })

  it('is unhealthy while it syncs', async () => {
    const sync = { startingBlock: 0n, currentBlock: 5n, highestBlock: 9n }
    const net = { ...modulesAround(smallChain().chain).modules.net, syncing: () => sync }
    const { get, call } = await start({}, { net })
    assert.equal((await get('/health')).status, 503)
    assert.deepEqual((await call('eth_syncing')).result, {
      startingBlock: '0x0',
      currentBlock: '0x5',
      highestBlock: '0x9',
    })
  })

  it('gives blobs, and takes them only where allowed', async () => {
    const bytes = new Uint8Array(200_000).fill(97)
    const hash = sha256Hash(bytes)
    const closed = await start()
    assert.equal((await closed.get('/blob', { method: 'PUT', body: bytes })).status, 403)
    const { get, hand } = await start({ allowUploads: true, limits: { maxUploadBytes: 250_000 } })
    assert.equal((await get(`/blob/${hash}`)).status, 404)
    const put = await get('/blob', { method: 'PUT', body: bytes })
    assert.deepEqual([put.status, JSON.parse(put.text)], [201, { hash }])
    assert.equal(hand.blobs.get(hash)?.length, 200_000)
    const got = await get(`/blob/${hash}`)
    assert.equal(got.headers['content-length'], '200000')
    assert.equal(got.text, 'a'.repeat(200_000))
    const head = await get(`/blob/${hash}`, { method: 'HEAD' })
    assert.deepEqual([head.headers['content-length'], head.text], ['200000', ''])
    assert.equal((await get('/blob/0x12')).status, 400)
    assert.equal((await get('/blob/../../etc/passwd')).status, 400)
    const big = await get('/blob', { method: 'PUT', body: new Uint8Array(250_001) })
    assert.equal(big.status, 413)
    const hidden = await get('/blob', {
      method: 'PUT',
      headers: { 'transfer-encoding': 'chunked' },
      body: new Uint8Array(250_001),
    })
    assert.equal(hidden.status, 400)
  })
})

describe('an upload that breaks off', () => {
  it('leaves nothing behind and disturbs nobody', async () => {
    const { port, hand, call } = await start({ allowUploads: true })
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`PUT /blob HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nabc`)
        setTimeout(() => {
          socket.destroy()
          resolve()
        }, 50)
      })
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal((await call('eth_chainId')).result, '0x4d2')
    assert.equal(hand.blobs.size, 0)
    assert.deepEqual(hand.reported, [])
  })
})

describe('about itself', () => {
  it('describes every method it serves', async () => {
    const { call } = await start()
    const { methods } = (await call('rpc.discover')).result as {
      methods: { name: string; params: { name: string; required: boolean }[] }[]
    }
    const names = methods.map(({ name }) => name)
    for (const name of ['eth_call', 'eth_subscribe', 'train_getJob', 'data_listDatasets'])
      assert.ok(names.includes(name), name)
    const balance = methods.find(({ name }) => name === 'eth_getBalance')
    assert.deepEqual(
      balance?.params.map(({ name, required }) => [name, required]),
      [
        ['address', true],
        ['block', false],
      ],
    )
    assert.deepEqual(
      Object.keys((await call('rpc_modules')).result as object).toSorted((a, b) =>
        a < b ? -1 : 1,
      ),
      [
        ...['data', 'debug', 'erigon', 'eth', 'net', 'ots', 'rep', 'train', 'txpool', 'val'],
        ...['waggle', 'web3'],
      ],
    )
  })

  it('passes on why the pool refused, in words wallets know', async () => {
    const pool = {
      ...modulesAround(smallChain().chain).modules.pool,
      add: async () => ({
        ok: false as const,
        fault: { code: 'pool/nonceLow' as const, next: 3n, got: 1n },
      }),
    }
    const { call } = await start({}, { pool })
    const { error } = await call('eth_sendRawTransaction', '0x00')
    assert.deepEqual(error, {
      code: -32000,
      message: 'nonce too low: pool/nonceLow next=3 got=1',
      data: { code: 'pool/nonceLow', next: '0x3', got: '0x1' },
    })
    const good = { ...pool, add: async (raw: Uint8Array) => ok(sha256Hash(raw)) }
    const accepting = await start({}, { pool: good })
    assert.equal(
      (await accepting.call('eth_sendRawTransaction', '0x00')).result,
      sha256Hash(Uint8Array.of(0)),
    )
  })

  it('tells the pool of all transactions of a batch before it adds the first', async () => {
    const seen: string[] = []
    const pool = {
      ...modulesAround(smallChain().chain).modules.pool,
      foresee: async (raw: Uint8Array) => {
        seen.push(`foresee ${toHex(raw)}`)
        if (raw[0] === 1) throw new Error('nobody needs to know')
      },
      add: async (raw: Uint8Array) => {
        seen.push(`add ${toHex(raw)}`)
        return ok(sha256Hash(raw))
      },
    }
    const { post } = await start({}, { pool, report: () => {} })
    const send = (id: number, params: unknown) => {
      return { jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params }
    }
    const batch = [send(1, ['0x01']), send(2, ['0x0']), null, send(3, ['0x02'])]
    const { text } = await post(JSON.stringify(batch))
    assert.equal((JSON.parse(text) as Reply[]).length, 4)
    assert.deepEqual(seen, ['foresee 0x01', 'foresee 0x02', 'add 0x01', 'add 0x02'])
  })
})
