/** Overrides and imagined blocks on the node's own chain. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openTestNode, type TestNode } from './testNode.ts'

/** Returns what slot 0 holds. */
const readSlot = '0x5f545f5260205ff3'
/** Returns the block's number, time and coinbase. */
const readBlock = '0x435f52426020524160405260605ff3'
/** Loops for ever. */
const endless = '0x5b5f56'
const contract = `0x${'c0'.repeat(20)}`
const rich = `0x${'a0'.repeat(20)}`
const poor = `0x${'b0'.repeat(20)}`

let node: TestNode

beforeAll(async () => {
  node = await openTestNode()
})

const call = (method: string, params: readonly unknown[]) => node.running.call(method, ...params)

afterAll(() => node.stop())

const word = (value: number | bigint) => value.toString(16).padStart(64, '0')

describe('overrides', () => {
  it('replace code and storage', async () => {
    const slots = { [`0x${word(0)}`]: `0x${word(7)}` }
    for (const storage of [{ state: slots }, { stateDiff: slots }]) {
      const overrides = { [contract]: { code: readSlot, ...storage } }
      const { result } = await call('eth_call', [{ to: contract }, 'latest', overrides])
      assert.equal(result, `0x${word(7)}`)
    }
    const { result } = await call('eth_call', [{ to: contract }, 'latest'])
    assert.equal(result, '0x')
  })

  it('replace what a block says', async () => {
    const block = { number: '0x64', time: '0xffffffff', feeRecipient: rich }
    const overrides = { [contract]: { code: readBlock } }
    const { result } = await call('eth_call', [{ to: contract }, 'latest', overrides, block])
    assert.equal(result, `0x${word(100)}${word(0xffffffff)}${word(BigInt(rich))}`)
  })

  it('pay for an estimate', async () => {
    const gift = { from: rich, to: poor, value: '0x1' }
    const without = await call('eth_estimateGas', [gift])
    assert.equal(without.error?.code, -32000)
    const overrides = { [rich]: { balance: '0x1' } }
    const { result } = await call('eth_estimateGas', [gift, 'latest', overrides])
    assert.equal(result, '0x5208')
  })

  it('are refused in bad form', async () => {
    const both = { [contract]: { state: {}, stateDiff: {} } }
    for (const overrides of [both, { [contract]: { balance: 7 } }, { nobody: {} }]) {
      const { error } = await call('eth_call', [{ to: contract }, 'latest', overrides])
      assert.equal(error?.code, -32602)
    }
    const move = { [contract]: { movePrecompileToAddress: poor } }
    const { error } = await call('eth_call', [{ to: contract }, 'latest', move])
    assert.match(error!.message, /not a precompile/)
  })
})

describe('eth_simulateV1', () => {
  const simulate = (blocks: readonly object[], options: object = {}) =>
    call('eth_simulateV1', [{ blockStateCalls: blocks, ...options }, 'latest'])

  it('carries state from block to block', async () => {
    const { result } = await simulate(
      [
        {
          stateOverrides: { [rich]: { balance: '0xa' } },
          calls: [{ from: rich, to: poor, value: '0x3' }],
        },
        { calls: [{ from: poor, to: rich, value: '0x2' }] },
      ],
      { traceTransfers: true },
    )
    const [first, second] = result as {
      number: string
      parentHash: string
      hash: string
      calls: { status: string; logs: { address: string; data: string }[] }[]
    }[]
    assert.equal(second!.parentHash, first!.hash)
    assert.deepEqual(
      [first, second].map((block) => block!.calls[0]!.logs[0]!.data),
      [`0x${word(3)}`, `0x${word(2)}`],
    )
  })

  it('refuses with the numbers of the public specification', async () => {
    const poorCall = { from: poor, to: rich, value: '0x1' }
    const cases: readonly [readonly object[], object, number][] = [
      [[{ calls: [poorCall] }], {}, -38014],
      [[{ calls: [{ from: poor, to: rich, gas: '0x1' }] }], {}, -38013],
      [[{ calls: [{ from: poor, to: rich, gas: '0xffffffffff' }] }], {}, -38015],
      [[{ calls: [{ from: poor, to: rich, nonce: '0x5' }] }], { validation: true }, -38011],
      [[{ calls: [{ from: poor, to: rich }] }], { validation: true }, -38012],
      [[{ blockOverrides: { number: '0x0' } }], {}, -38020],
      [[{ blockOverrides: { time: '0x1' } }], {}, -38021],
      [[{ blockOverrides: { number: '0xffffff' } }], {}, -38026],
      [[{ calls: [{ from: poor, data: `0x${'00'.repeat(49_153)}` }] }], {}, -38025],
    ]
    for (const [blocks, options, code] of cases) {
      const { error } = await simulate(blocks, options)
      assert.equal(error?.code, code, JSON.stringify(error))
    }
  })

  it('ends within its gas and its time', async () => {
    const spin = { from: poor, to: contract }
    const { result, error } = await simulate([
      { stateOverrides: { [contract]: { code: endless } }, calls: [spin, spin, spin, spin] },
    ])
    if (error !== undefined) assert.match(error.message, /too long|intrinsic gas/)
    else assert.ok(result)
  })

  it('refuses more than its limits', async () => {
    const { error } = await simulate([{ calls: Array(1_025).fill({}) }])
    assert.equal(error?.code, -32602)
    const halves = [{ calls: Array(600).fill({}) }, { calls: Array(600).fill({}) }]
    const { error: second } = await simulate(halves)
    assert.equal(second?.code, -32005)
  })
})
