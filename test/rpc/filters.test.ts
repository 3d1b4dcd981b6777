import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import type { Clock } from '../../primitives/clock.ts'
import { systemClock } from '../../primitives/clock.ts'
import type { RpcLimits } from '../../rpc/limits.ts'
import { type Running, run } from './client.ts'
import { modulesAround } from './modules.ts'
import { alice, bob, hashOfNumber, logOf, smallChain, transactionAt } from './smallChain.ts'

const running: Running[] = []

async function start(limits: Partial<RpcLimits> = {}) {
  const small = smallChain()
  let ahead = 0
  const clock: Clock = { ...systemClock, now: () => Date.now() + ahead }
  const hand = modulesAround(small.chain, { clock })
  const started = await run(hand.modules, { limits })
  running.push(started)
  const pass = (ms: number) => {
    ahead += ms
  }
  return { ...started, ...hand, ...small, pass }
}

afterEach(async () => {
  for (const { server } of running.splice(0)) await server.stop()
})

const topicA = hashOfNumber(1n)
const topicB = hashOfNumber(2n)
const numbersOf = (logs: unknown) =>
  (logs as { blockNumber: string }[]).map((log) => log.blockNumber)

describe('eth_getLogs', () => {
  it('finds by range, address and topics', async () => {
    const { call, grow } = await start()
    grow([logOf(alice, topicA)])
    grow()
    grow([logOf(bob, topicB), logOf(alice, topicB)])
    const find = async (filter: object) => {
      const { result, error } = await call('eth_getLogs', { fromBlock: 'earliest', ...filter })
      assert.equal(error, undefined)
      return (result as { blockNumber: string; logIndex: string }[]).map(
        ({ blockNumber, logIndex }) => `${blockNumber}/${logIndex}`,
      )
    }
    assert.deepEqual(await find({}), ['0x1/0x0', '0x3/0x0', '0x3/0x1'])
    assert.deepEqual(await find({ address: alice }), ['0x1/0x0', '0x3/0x1'])
    assert.deepEqual(await find({ address: [alice, bob], topics: [topicB] }), [
      '0x3/0x0',
      '0x3/0x1',
    ])
    assert.deepEqual(await find({ topics: [[topicA, topicB], null] }), [])
    assert.deepEqual(await find({ topics: [[]], toBlock: '0x2' }), ['0x1/0x0'])
    assert.deepEqual(numbersOf((await call('eth_getLogs', {})).result), ['0x3', '0x3'])
    assert.deepEqual(
      numbersOf((await call('eth_getLogs', { blockHash: hashOfNumber(1n) })).result),
      ['0x1'],
    )
  })

  it('refuses ranges that are reversed, ahead of the chain, too wide or too fruitful', async () => {
    const { call, grow } = await start({ maxLogBlocks: 10, maxLogs: 3 })
    for (let i = 0; i < 12; i++) grow([logOf(alice, topicA)])
    const codeOf = async (filter: object) => (await call('eth_getLogs', filter)).error?.code
    assert.equal(await codeOf({ fromBlock: '0x3', toBlock: '0x2' }), -32602)
    assert.equal(await codeOf({ fromBlock: '0x3', toBlock: '0xd' }), -32602)
    assert.equal(await codeOf({ fromBlock: '0x2', toBlock: '0xc' }), -32005)
    assert.equal(await codeOf({ fromBlock: '0x3', toBlock: '0xc' }), -32005)
    assert.equal(await codeOf({ fromBlock: '0x3', toBlock: '0x5' }), undefined)
    assert.equal(await codeOf({ blockHash: hashOfNumber(99n) }), -32000)
    assert.equal(await codeOf({ blockHash: hashOfNumber(1n), fromBlock: '0x1' }), -32602)
    assert.equal(await codeOf({ topics: [null, null, null, null, null] }), -32602)
  })
})

describe('filters', () => {
  it('tell what happened since the last poll', async () => {
    const { call, grow, pending } = await start()
    grow([logOf(alice, topicA)])
    const logs = (await call('eth_newFilter', { address: alice, fromBlock: '0x0' })).result
    const blocks = (await call('eth_newBlockFilter')).result
    const waiting = (await call('eth_newPendingTransactionFilter')).result
    assert.deepEqual((await call('eth_getFilterChanges', logs)).result, [])
    grow([logOf(alice, topicB)])
    grow([logOf(bob, topicB)])
    pending(transactionAt(1n))
    assert.deepEqual(numbersOf((await call('eth_getFilterChanges', logs)).result), ['0x2'])
    assert.deepEqual((await call('eth_getFilterChanges', logs)).result, [])
    assert.deepEqual(numbersOf((await call('eth_getFilterLogs', logs)).result), ['0x1', '0x2'])
    assert.deepEqual((await call('eth_getFilterChanges', blocks)).result, [
      hashOfNumber(2n),
      hashOfNumber(3n),
    ])
    assert.deepEqual((await call('eth_getFilterChanges', blocks)).result, [])
    assert.deepEqual((await call('eth_getFilterChanges', waiting)).result, [transactionAt(1n).hash])
    assert.deepEqual((await call('eth_getFilterChanges', waiting)).result, [])
    assert.equal((await call('eth_getFilterLogs', blocks)).error?.code, -32000)
  })

  it('tell each log to one of those who poll at the same time', async () => {
    const { call, grow } = await start()
    const id = (await call('eth_newFilter', { address: alice })).result
    grow([logOf(alice, topicA)])
    const polls = Array.from({ length: 8 }, () => call('eth_getFilterChanges', id))
    const told = (await Promise.all(polls)).flatMap(({ result }) => numbersOf(result))
    assert.deepEqual(told, ['0x1'])
  })

  it('tell again what a refused poll did not', async () => {
    const { call, grow } = await start({ maxLogs: 1 })
    const id = (await call('eth_newFilter', { address: alice })).result
    grow([logOf(alice, topicA), logOf(alice, topicB)])
    assert.equal((await call('eth_getFilterChanges', id)).error?.code, -32005)
    assert.equal((await call('eth_getFilterChanges', id)).error?.code, -32005)
  })

  it('end when removed', async () => {
    const { call } = await start()
    const id = (await call('eth_newBlockFilter')).result
    assert.equal((await call('eth_uninstallFilter', id)).result, true)
    assert.equal((await call('eth_uninstallFilter', id)).result, false)
    const { error } = await call('eth_getFilterChanges', id)
    assert.deepEqual([error?.code, error?.message], [-32000, 'filter not found'])
  })

  it('expire when nobody polls, and make room', async () => {
    const { call, pass } = await start({ maxFilters: 2, filterExpiryMs: 1_000 })
    const polled = (await call('eth_newBlockFilter')).result
    const forgotten = (await call('eth_newBlockFilter')).result
    assert.equal((await call('eth_newBlockFilter')).error?.code, -32005)
    pass(700)
    await call('eth_getFilterChanges', polled)
    pass(700)
    assert.equal((await call('eth_newBlockFilter')).error, undefined)
    assert.equal((await call('eth_getFilterChanges', polled)).error, undefined)
    assert.equal((await call('eth_getFilterChanges', forgotten)).error?.code, -32000)
  })

  it('leave others theirs: one client has a share of them', async () => {
    const { call } = await start({ maxFilters: 8, maxFiltersPerClient: 2 })
    const own = (await call('eth_newBlockFilter')).result
    assert.equal((await call('eth_newPendingTransactionFilter')).error, undefined)
    const { error } = await call('eth_newBlockFilter')
    assert.equal(error?.code, -32005)
    assert.match(error!.message, /filters of one client.*2|2.*filters of one client/)
    await call('eth_uninstallFilter', own)
    assert.equal((await call('eth_newBlockFilter')).error, undefined)
  })

  it('hold a bounded number of pending hashes, the newest', async () => {
    const { call, pending } = await start()
    const id = (await call('eth_newPendingTransactionFilter')).result
    for (let i = 0n; i < 5_000n; i++) pending(transactionAt(i))
    const hashes = (await call('eth_getFilterChanges', id)).result as string[]
    assert.equal(hashes.length, 4_096)
    assert.equal(hashes.at(-1), transactionAt(4_999n).hash)
  })
})
