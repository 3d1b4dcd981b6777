import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createTransactionPool, type TransactionPool } from '../../mempool/transactionPool.ts'
import { encodeBundle, gossipTransactions } from '../../node/transactionGossip.ts'
import { addressOfKey } from '../../primitives/address.ts'
import { systemClock } from '../../primitives/clock.ts'
import { ok } from '../../primitives/result.ts'
import { encodeTransaction } from '../../vm/transaction.ts'
import { alice, bob, openTestChain, signed, type TestChain } from '../chain/support.ts'

type Handler = (peer: never, bytes: Uint8Array) => unknown

const test = await openTestChain()
const to = addressOfKey(bob)

function poolOf({ chain, engine }: TestChain): TransactionPool {
  const account = async (address: typeof to) =>
    (await chain.readAt(chain.head().height))!.account(address)
  const nextBaseFee = () => chain.head().header.calcNextBaseFee()
  const nextGasLimit = () => 30_000_000n
  return createTransactionPool(
    {},
    { engine, clock: systemClock, account, nextBaseFee, nextGasLimit },
  )
}

/** A node's pool, what it published, and its ear. */
function open() {
  const published: Uint8Array[] = []
  let handler: Handler = () => 'unset'
  const pool = poolOf(test)
  const stop = gossipTransactions(
    {
      publish: (_topic, bytes) => {
        published.push(bytes)
        return ok('published' as const)
      },
      subscribe: (_topic, given) => {
        handler = given as Handler
      },
    },
    pool,
  )
  const hear = (bytes: Uint8Array) => handler('peer' as never, bytes)
  return { pool, published, hear, stop }
}

const transfers = (count: number) =>
  Array.from({ length: count }, (_, nonce) =>
    encodeTransaction(signed(test.engine, alice, { to, value: 1n, nonce: BigInt(nonce) }).tx),
  )

describe('gossip of transactions', () => {
  it('gathers what came here, and passes nothing on twice', async () => {
    const [a, b] = [open(), open()]
    const all = transfers(5)
    for (const bytes of all) assert.ok((await a.pool.add(bytes)).ok)
    a.stop()
    assert.deepEqual(a.published, [encodeBundle(all)])
    assert.equal(await b.hear(a.published[0]!), 'relay')
    assert.equal(b.pool.status().pending, 5)
    assert.equal(await b.hear(a.published[0]!), 'drop')
    b.stop()
    assert.deepEqual(b.published, [])
  })

  it('sends when a message is full, below the limit of gossip', async () => {
    const a = open()
    const large = Array.from({ length: 5 }, (_, nonce) => {
      const data = `0x${'11'.repeat(20_000)}`
      const call = { to, data, nonce: BigInt(nonce), gasLimit: 1_000_000n, tip: 1_000_000_000n }
      return encodeTransaction(signed(test.engine, bob, call).tx)
    })
    for (const bytes of large) assert.ok((await a.pool.add(bytes)).ok)
    a.stop()
    assert.deepEqual(a.published, [encodeBundle(large.slice(0, 3)), encodeBundle(large.slice(3))])
    assert.ok(a.published.every(({ length }) => length <= 65_535))
  })

  it('relays what has something new, and holds nonsense against its sender', async () => {
    const a = open()
    const [first, second] = transfers(2)
    const nonsense = Uint8Array.of(2, 1, 2, 3)
    assert.equal(await a.hear(encodeBundle([nonsense, first!])), 'relay')
    assert.equal(await a.hear(encodeBundle([nonsense])), 'drop')
    assert.equal(await a.hear(encodeBundle([])), 'punish')
    assert.equal(await a.hear(second!), 'punish')
    assert.equal(await a.hear(encodeBundle(Array.from({ length: 513 }, () => first!))), 'punish')
    a.stop()
  })
})
