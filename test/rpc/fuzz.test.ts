import assert from 'node:assert/strict'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Reply, type Running, run } from './client.ts'
import { type Hand, modulesAround } from './modules.ts'
import { smallChain } from './smallChain.ts'

let running: Running
let hand: Hand
let names: readonly string[]

beforeAll(async () => {
  hand = modulesAround(smallChain().chain)
  running = await run(hand.modules)
  const { methods } = (await running.call('rpc.discover')).result as {
    methods: { name: string }[]
  }
  names = methods.map(({ name }) => name)
})

afterAll(() => running.server.stop())

/** Every answer is a JSON-RPC object with a result or a known error; nothing of ours broke. */
function judge(reply: Reply): void {
  const { result, error } = reply
  assert.ok((result === undefined) !== (error === undefined))
  assert.equal((reply as { jsonrpc?: string }).jsonrpc, '2.0')
  if (error !== undefined) {
    assert.equal(typeof error.message, 'string')
    assert.ok(
      [3, -32000, -32005, -32600, -32601, -32602, -32700].includes(error.code),
      error.message,
    )
  }
  assert.deepEqual(hand.reported, [])
}

const quantityish = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 256n }).map((value) => `0x${value.toString(16)}`),
  fc.constantFrom('0x', '0x00', '0xg', 'latest', 'pending', 'earliest', 'logs', 'jobs', '-0x1'),
  fc.string(),
)
const value: fc.Arbitrary<unknown> = fc.oneof(
  { maxDepth: 3 },
  quantityish,
  fc.jsonValue(),
  fc.constantFrom(`0x${'11'.repeat(20)}`, `0x${'22'.repeat(32)}`, `0x${'ff'.repeat(33)}`),
  fc.record(
    {
      fromBlock: quantityish,
      toBlock: quantityish,
      blockHash: quantityish,
      address: fc.array(quantityish),
      topics: fc.array(fc.option(fc.array(quantityish))),
      to: quantityish,
      data: quantityish,
      gas: quantityish,
      limit: quantityish,
      cursor: fc.integer(),
    },
    { requiredKeys: [] },
  ),
)

describe('whatever is sent', () => {
  it('any bytes get a JSON-RPC answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (body) => {
        const { text } = await running.get('/', { method: 'POST', body })
        judge(JSON.parse(text) as Reply)
      }),
      { numRuns: 150 },
    )
  })

  it('cut and bent requests get a JSON-RPC answer', async () => {
    const valid =
      '{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["latest",true]}'
    await fc.assert(
      fc.asyncProperty(
        fc.nat(valid.length),
        fc.nat(valid.length),
        fc.string(),
        async (from, to, splice) => {
          const { text, status } = await running.post(
            valid.slice(0, from) + splice + valid.slice(to),
          )
          if (status !== 204) for (const reply of [JSON.parse(text)].flat()) judge(reply as Reply)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('any parameters of any method get a result or a refusal', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(10_000),
        fc.oneof(fc.array(value, { maxLength: 4 }), fc.dictionary(fc.string(), value)),
        async (pick, params) => {
          const method = names[pick % names.length]
          const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
          judge(JSON.parse((await running.post(body)).text) as Reply)
        },
      ),
      { numRuns: 600 },
    )
  })

  it('nesting as deep as a body allows is only text', async () => {
    const { status } = await running.post('['.repeat(4_000_000))
    assert.equal(status, 200)
    const deep = `{"jsonrpc":"2.0","id":1,"method":"eth_call","params":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    judge(JSON.parse((await running.post(deep)).text) as Reply)
  })

  it('any text over a WebSocket leaves the connection usable or closes it', async () => {
    const peer = await running.socket()
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
        peer.socket.send(text)
        assert.equal((await peer.send('eth_chainId')).result, '0x4d2')
      }),
      { numRuns: 100 },
    )
    peer.socket.terminate()
  })
})
