import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import type { Hash } from '../../primitives/hash.ts'
import type { RpcLimits } from '../../rpc/limits.ts'
import type { CertificateView, JobEvent } from '../../rpc/workViews.ts'
import { type Peer, type Running, run } from './client.ts'
import { type Hand, modulesAround } from './modules.ts'
import {
  alice,
  bob,
  hashOfNumber,
  logOf,
  type SmallChain,
  smallChain,
  transactionAt,
} from './smallChain.ts'

const running: Running[] = []

type Started = Running & Hand & SmallChain

async function start(
  limits: Partial<RpcLimits> = {},
  replace: Parameters<typeof smallChain>[0] = {},
): Promise<Started> {
  const small = smallChain(replace)
  const hand = modulesAround(small.chain)
  const started = await run(hand.modules, { limits })
  running.push(started)
  return { ...started, ...hand, ...small }
}

afterEach(async () => {
  for (const { server } of running.splice(0)) await server.stop()
})

async function subscribe(peer: Peer, ...params: readonly unknown[]): Promise<string> {
  const { result, error } = await peer.send('eth_subscribe', ...params)
  assert.equal(error, undefined)
  return result as string
}

const topicA = hashOfNumber(1n)
const topicB = hashOfNumber(2n)

describe('subscriptions', () => {
  it('push new heads in order, to whoever asked', async () => {
    const { socket, grow, head } = await start()
    const [listener, bystander] = [await socket(), await socket()]
    const id = await subscribe(listener, 'newHeads')
    for (let i = 0; i < 3; i++) head(grow())
    for (let i = 1; i <= 3; i++) {
      const { subscription, result } = await listener.next()
      assert.equal(subscription, id)
      const header = result as Record<string, unknown>
      assert.equal(header.number, `0x${i}`)
      assert.equal(header.hash, hashOfNumber(i))
      assert.equal(header.transactions, undefined)
    }
    assert.equal(bystander.heard(), 0)
  })

  it('push logs that pass the filter, also of blocks announced together', async () => {
    const { socket, grow, head } = await start()
    const peer = await socket()
    const all = await subscribe(peer, 'logs')
    const some = await subscribe(peer, 'logs', { address: alice, topics: [[topicB]] })
    grow([logOf(alice, topicA), logOf(bob, topicB)])
    head(grow([logOf(alice, topicB)]))
    const heard = [await peer.next(), await peer.next(), await peer.next(), await peer.next()]
    const seen = heard.map(({ subscription, result }) => {
      const log = result as Record<string, unknown>
      return [subscription === all ? 'all' : 'some', log.blockNumber, log.logIndex]
    })
    assert.deepEqual(seen, [
      ['all', '0x1', '0x0'],
      ['all', '0x1', '0x1'],
      ['all', '0x2', '0x0'],
      ['some', '0x2', '0x0'],
    ])
    assert.equal((await peer.send('eth_unsubscribe', all)).result, true)
    assert.equal((await peer.send('eth_unsubscribe', all)).result, false)
    head(grow([logOf(alice, topicB)]))
    assert.equal((await peer.next()).subscription, some)
  })

  it('push pending transactions as hashes or in full', async () => {
    const { socket, pending } = await start()
    const [brief, long] = [await socket(), await socket()]
    await subscribe(brief, 'newPendingTransactions')
    await subscribe(long, 'newPendingTransactions', true)
    const transaction = transactionAt(9n)
    pending(transaction)
    assert.equal((await brief.next()).result, transaction.hash)
    const full = (await long.next()).result as Record<string, unknown>
    assert.deepEqual([full.hash, full.blockHash, full.gasPrice], [transaction.hash, null, '0x14'])
  })

  it('push sync, jobs, certificates and accuracy, of one job or all', async () => {
    const { socket, syncing, job, certificate, accuracy } = await start()
    const peer = await socket()
    const other = hashOfNumber(77n)
    await subscribe(peer, 'syncing')
    const train = await peer.send('train_subscribe', 'certificates', { job: topicA })
    await subscribe(peer, 'jobs')
    syncing({ startingBlock: 0n, currentBlock: 1n, highestBlock: 2n })
    certificate(certificateFor(other))
    certificate(certificateFor(topicA))
    job(jobEvent(other))
    assert.deepEqual((await peer.next()).result, {
      startingBlock: '0x0',
      currentBlock: '0x1',
      highestBlock: '0x2',
    })
    const heard = await peer.next()
    assert.equal(heard.subscription, train.result)
    assert.deepEqual((heard.result as Record<string, unknown>).job, topicA)
    assert.deepEqual((heard.result as Record<string, unknown>).losses, ['0x7'])
    assert.deepEqual((await peer.next()).result, {
      job: other,
      event: 'JobOpened',
      blockNumber: '0x5',
      transactionHash: topicB,
      details: { steps: '0x64' },
    })
    assert.equal((await peer.send('train_unsubscribe', train.result)).result, true)
    await peer.send('train_subscribe', 'accuracy', { job: topicA })
    const found = { range: 1, stepsDone: 8, on: 'heldOut', rows: 9, correct: 7 } as const
    accuracy({ job: other, ...found })
    accuracy({ job: topicA, ...found })
    const wire = { job: topicA, range: '0x1', stepsDone: '0x8', on: 'heldOut' }
    assert.deepEqual((await peer.next()).result, { ...wire, rows: '0x9', correct: '0x7' })
  })

  it('need a WebSocket, known names and right options', async () => {
    const { socket, call } = await start()
    assert.equal((await call('eth_subscribe', 'newHeads')).error?.code, -32601)
    const peer = await socket()
    for (const params of [
      ['newBlocks'],
      ['logs', { topics: ['0x12'] }],
      ['newPendingTransactions', 'full'],
      ['certificates', { jobs: [] }],
    ])
      assert.equal((await peer.send('eth_subscribe', ...params)).error?.code, -32602)
  })

  it('are bounded per connection and end with it', async () => {
    const { socket, server } = await start({ maxSubscriptions: 2 })
    const peer = await socket()
    await subscribe(peer, 'newHeads')
    await subscribe(peer, 'logs')
    assert.equal((await peer.send('eth_subscribe', 'newHeads')).error?.code, -32005)
    assert.equal(server.stats().subscriptions, 2)
    peer.socket.close()
    await peer.closed
    await until(() => server.stats().subscriptions === 0)
  })

  it('are not left behind by a batch that outlives its connection', async () => {
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const account = async () => {
      await gate
      return { nonce: 0n, balance: 1n }
    }
    const { socket, server } = await start({}, { account })
    const peer = await socket()
    const request = { jsonrpc: '2.0', id: 1 }
    const batch = [
      { ...request, method: 'eth_getBalance', params: [alice] },
      { ...request, method: 'eth_subscribe', params: ['newHeads'] },
    ]
    peer.socket.send(JSON.stringify(batch))
    await until(() => server.stats().calls === 1)
    peer.socket.terminate()
    await until(() => server.stats().sockets === 0)
    go()
    await until(() => server.stats().calls === 2)
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(server.stats().subscriptions, 0)
  })

  it('of one connection cannot be ended from another', async () => {
    const { socket } = await start()
    const [mine, yours] = [await socket(), await socket()]
    const id = await subscribe(mine, 'newHeads')
    assert.equal((await yours.send('eth_unsubscribe', id)).result, false)
  })
})

describe('peers', () => {
  it('that do not read are cut off, and nobody waits for them', async () => {
    const { socket, grow, head, server } = await start({ maxBufferedBytes: 65_536 })
    const [slow, quick] = [await socket(), await socket()]
    await subscribe(slow, 'newHeads')
    await subscribe(quick, 'newHeads')
    slow.socket.pause()
    let heads = 0
    // Kernel buffers take the first megabytes; then the server's own bound is reached.
    while (server.stats().cut === 0 && heads < 100_000) {
      for (let i = 0; i < 200; i++) head(grow())
      heads += 200
      await until(() => quick.heard() === heads)
    }
    assert.equal(server.stats().cut, 1)
    assert.equal(server.stats().sockets, 1)
    assert.equal(quick.heard(), heads)
    slow.socket.terminate()
  })

  it('beyond the bound are not accepted', async () => {
    const { socket } = await start({ maxSockets: 2 })
    await socket()
    await socket()
    await assert.rejects(socket(), /503/)
  })

  it('that send too much at once are closed', async () => {
    const { socket } = await start({ maxBody: 1_000 })
    const peer = await socket()
    peer.socket.send('x'.repeat(1_001))
    assert.equal(await peer.closed, 1009)
  })

  it('that answer no ping are cut off', async () => {
    const { socket, server } = await start({ pingIntervalMs: 500 })
    const [dead, alive] = [await socket(), await socket()]
    dead.socket.pause()
    await until(() => server.stats().sockets === 1)
    assert.equal((await alive.send('eth_chainId')).result, '0x4d2')
    dead.socket.terminate()
  })

  it('with many unanswered requests wait, and all are answered', async () => {
    const { socket } = await start({ maxUnanswered: 4 })
    const peer = await socket()
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => peer.send('eth_getBalance', alice)),
    )
    assert.ok(replies.every(({ result }) => result === '0xde0b6b3a7640000'))
  })

  it('hear that the server stops', async () => {
    const { socket, server } = await start()
    const peer = await socket()
    await server.stop()
    running.splice(0)
    assert.ok([1001, 1006].includes(await peer.closed))
  })
})

async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!done()) {
    assert.ok(Date.now() < end, 'waited too long')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function certificateFor(job: Hash): CertificateView {
  return {
    job,
    range: 1,
    steps: 4,
    worker: alice,
    stateAfter: topicA,
    weights: topicB,
    losses: [7n],
    fee: 9n,
    sidecar: topicB,
    blockNumber: 5n,
    transactionHash: topicB,
  }
}

function jobEvent(job: Hash): JobEvent {
  return {
    job,
    event: 'JobOpened',
    blockNumber: 5n,
    transactionHash: topicB,
    details: { steps: 100 },
  }
}
