import assert from 'node:assert/strict'
import { createLegacyTx } from '@ethereumjs/tx'
import fc from 'fast-check'
import { toFunctionSelector } from 'viem'
import { beforeEach, describe, it } from 'vitest'
import type { Chain } from '../../chain/chain.ts'
import {
  createTransactionPool,
  type PoolOptions,
  type TransactionPool,
} from '../../mempool/transactionPool.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { addressOfKey } from '../../primitives/address.ts'
import type { Engine } from '../../vm/engine.ts'
import type { Transaction } from '../../vm/transaction.ts'
import {
  advance,
  alice,
  bob,
  type Call,
  openTestChain,
  show,
  signed,
  type TestChain,
} from '../chain/support.ts'

const to = addressOfKey(bob)
const gwei = 1_000_000_000n

describe('the transaction pool', () => {
  let test: TestChain
  let chain: Chain
  let engine: Engine
  let pool: TransactionPool
  let time = 0

  let unused: TestChain | undefined

  beforeEach(async () => {
    // Most tests add no block, and a chain takes a while to open.
    test = unused ?? (await openTestChain())
    unused = test
    chain = test.chain
    engine = test.engine
    time = 0
    pool = poolWith({})
  })

  function poolWith(options: PoolOptions): TransactionPool {
    return createTransactionPool(options, {
      engine,
      clock: { now: () => time },
      account: async (address) => (await chain.readAt(chain.head().height))!.account(address),
      nextBaseFee: () => chain.head().header.calcNextBaseFee(),
      nextGasLimit: () => BigInt(test.rules.params.blockGasLimit),
    })
  }

  const sign = (call: Call, key = alice) => signed(engine, key, { to, ...call })
  const bytesOf = ({ tx }: Transaction) => tx.serialize()

  async function accept(transaction: Transaction): Promise<Transaction> {
    const added = await pool.add(bytesOf(transaction))
    assert.ok(added.ok, show(added))
    return transaction
  }

  async function refused(transaction: Transaction | Uint8Array) {
    const bytes = transaction instanceof Uint8Array ? transaction : bytesOf(transaction)
    const added = await pool.add(bytes)
    assert.ok(!added.ok)
    return added.fault
  }

  it('keeps what is right and hands it to the builder', async () => {
    const heard: string[] = []
    pool.onAdded(({ hash }) => heard.push(hash))
    const transaction = await accept(sign({ nonce: 0n }))
    assert.equal(pool.get(transaction.hash)!.hash, transaction.hash)
    assert.deepEqual(heard, [transaction.hash])
    assert.deepEqual(
      pool.ordered().map(({ hash }) => hash),
      [transaction.hash],
    )
    assert.equal(pool.nonceOf(addressOfKey(alice)), 1n)
    assert.equal(pool.nonceOf(to), null)
    assert.deepEqual(pool.status(), { pending: 1, queued: 0, bytes: transaction.size })
  })

  it('refuses what is already there', async () => {
    const transaction = await accept(sign({ nonce: 0n }))
    const fault = await refused(transaction)
    assert.deepEqual(fault, { code: 'pool/known', hash: transaction.hash })
  })

  it('refuses what no block could hold, with numbers', async () => {
    assert.equal((await refused(Uint8Array.of(1, 2, 3))).code, 'transaction/malformed')
    assert.deepEqual(await refused(sign({ maxFeePerGas: 0n, tip: 0n, nonce: 0n })), {
      code: 'pool/fee',
      least: 1n,
      got: 0n,
    })
    assert.deepEqual(await refused(sign({ tip: 0n, nonce: 0n })), {
      code: 'pool/tip',
      least: 1n,
      got: 0n,
    })
    const rich = 10n ** 21n
    assert.deepEqual(await refused(sign({ value: rich, nonce: 0n })), {
      code: 'pool/balance',
      needed: rich + 10n * gwei * 1_000_000n,
      got: rich,
    })
    const legacy = createLegacyTx(
      { nonce: 0n, gasPrice: 10n * gwei, gasLimit: 20_999n, to },
      { common: engine.common },
    ).sign(alice)
    assert.deepEqual(await refused(legacy.serialize()), {
      code: 'transaction/intrinsicGas',
      least: 21_000n,
      got: 20_999n,
    })
  })

  it('refuses more gas than a block has', async () => {
    test = await openTestChain({ params: { blockGasLimit: 5_000_000 } })
    unused = undefined
    chain = test.chain
    engine = test.engine
    pool = poolWith({})
    assert.deepEqual(await refused(sign({ nonce: 0n, gasLimit: 5_000_001n })), {
      code: 'pool/blockGas',
      max: 5_000_000n,
      got: 5_000_001n,
    })
  })

  it('refuses certificates, which need their proofs', async () => {
    const jobs = engine.modules.get(moduleAddresses.jobs)!
    const item = jobs.abi.find((entry) => entry.type === 'function' && entry.name === 'certify')
    assert.ok(item?.type === 'function')
    const data = toFunctionSelector(item)
    const fault = await refused(sign({ to: moduleAddresses.jobs, data, nonce: 0n }))
    assert.equal(fault.code, 'pool/certificate')
  })

  it('refuses used nonces and those too far ahead; gaps wait', async () => {
    unused = undefined
    await advance(chain, [sign({ nonce: 0n })])
    assert.deepEqual(await refused(sign({ nonce: 0n, value: 1n })), {
      code: 'pool/nonceLow',
      next: 1n,
      got: 0n,
    })
    assert.deepEqual(await refused(sign({ nonce: 66n })), {
      code: 'pool/nonceGap',
      max: 65n,
      got: 66n,
    })
    await accept(sign({ nonce: 65n }))
    await accept(sign({ nonce: 2n }))
    assert.deepEqual(pool.ordered(), [])
    assert.equal(pool.status().queued, 2)
    await accept(sign({ nonce: 1n }))
    assert.deepEqual(
      pool.ordered().map(({ tx }) => tx.nonce),
      [1n, 2n],
    )
    assert.equal(pool.nonceOf(addressOfKey(alice)), 3n)
    assert.deepEqual(
      pool.content().queued.map(({ tx }) => tx.nonce),
      [65n],
    )
  })

  it('replaces at a tenth more of both fees, not below', async () => {
    const old = await accept(sign({ nonce: 0n, maxFeePerGas: 100n * gwei, tip: 10n * gwei }))
    const offer = (fee: bigint, tip: bigint) =>
      sign({ nonce: 0n, maxFeePerGas: fee * gwei, tip: tip * gwei, value: 1n })
    for (const [fee, tip] of [
      [109n, 11n],
      [110n, 10n],
      [1_000n, 10n],
    ] as const)
      assert.deepEqual(await refused(offer(fee, tip)), {
        code: 'pool/underpriced',
        leastFee: 110n * gwei,
        leastTip: 11n * gwei,
        gotFee: fee * gwei,
        gotTip: tip * gwei,
      })
    const next = await accept(offer(110n, 11n))
    assert.equal(pool.get(old.hash), null)
    assert.deepEqual(
      pool.ordered().map(({ hash }) => hash),
      [next.hash],
    )
    assert.equal(pool.status().bytes, next.size)
  })

  it('counts what all of a sender’s transactions may cost together', async () => {
    const half = 6n * 10n ** 20n
    await accept(sign({ nonce: 0n, value: half }))
    assert.equal((await refused(sign({ nonce: 1n, value: half }))).code, 'pool/balance')
    await accept(sign({ nonce: 1n, value: 10n ** 18n }))
  })

  it('holds so many of one sender and no more', async () => {
    pool = poolWith({ maxPerSender: 3 })
    for (const nonce of [0n, 1n, 2n]) await accept(sign({ nonce }))
    assert.deepEqual(await refused(sign({ nonce: 3n })), { code: 'pool/senderFull', max: 3 })
  })

  it('evicts the cheapest when full, and never for something cheaper', async () => {
    pool = poolWith({ maxTransactions: 2 })
    const cheap = await accept(sign({ nonce: 0n, tip: 2n * gwei }))
    await accept(sign({ nonce: 0n, tip: 3n * gwei }, bob))
    const other = sign({ nonce: 1n, tip: 2n * gwei }, bob)
    assert.deepEqual(await refused(other), {
      code: 'pool/full',
      leastTip: 2n * gwei + 1n,
      gotTip: 2n * gwei,
    })
    await accept(sign({ nonce: 1n, tip: 4n * gwei }, bob))
    assert.equal(pool.get(cheap.hash), null)
    assert.equal(pool.status().pending, 2)
  })

  it('evicts what waits for a gap first, and nobody for it', async () => {
    pool = poolWith({ maxTransactions: 2 })
    const waiting = await accept(sign({ nonce: 5n, tip: 9n * gwei }))
    const cheap = await accept(sign({ nonce: 0n, tip: 1n * gwei }, bob))
    await accept(sign({ nonce: 1n, tip: 1n * gwei }, bob))
    assert.equal(pool.get(waiting.hash), null)
    assert.equal((await refused(waiting)).code, 'pool/full')
    assert.notEqual(pool.get(cheap.hash), null)
  })

  it('evicts nothing for what does not fit even then', async () => {
    pool = poolWith({ maxBytes: 3_000 })
    const some = `0x${'11'.repeat(1_000)}` as const
    const cheap = await accept(sign({ nonce: 0n, tip: 2n * gwei, data: some }))
    await accept(sign({ nonce: 0n, tip: 4n * gwei, data: some }, bob))
    const big = sign({ nonce: 1n, tip: 3n * gwei, data: `0x${'11'.repeat(2_500)}` }, bob)
    assert.equal((await refused(big)).code, 'pool/full')
    assert.notEqual(pool.get(cheap.hash), null)
  })

  it('is bounded in bytes, also when replacements grow', async () => {
    pool = poolWith({ maxBytes: 3_000 })
    await accept(sign({ nonce: 0n, tip: 2n * gwei, data: `0x${'11'.repeat(1_000)}` }))
    await accept(sign({ nonce: 0n, tip: 3n * gwei, data: `0x${'11'.repeat(1_000)}` }, bob))
    const grown = sign({
      nonce: 0n,
      tip: 4n * gwei,
      maxFeePerGas: 20n * gwei,
      data: `0x${'11'.repeat(2_500)}`,
    })
    const added = await pool.add(bytesOf(grown))
    assert.ok(pool.status().bytes <= 3_000, `${pool.status().bytes} bytes`)
    assert.ok(added.ok, show(added))
  })

  it('orders by what the proposer gets, each sender by nonce', async () => {
    const rank: readonly (readonly [Uint8Array, bigint, bigint])[] = [
      [alice, 0n, 2n],
      [alice, 1n, 9n],
      [bob, 0n, 5n],
      [bob, 1n, 1n],
    ]
    for (const [key, nonce, tip] of rank) await accept(sign({ nonce, tip: tip * gwei }, key))
    const order = pool.ordered().map(({ sender, tx }) => [sender, tx.nonce])
    const [a, b] = [addressOfKey(alice), addressOfKey(bob)]
    assert.deepEqual(order, [
      [b, 0n],
      [a, 0n],
      [a, 1n],
      [b, 1n],
    ])
  })

  it('leaves out of the order what cannot pay the base fee', async () => {
    await accept(sign({ nonce: 0n, maxFeePerGas: 5n, tip: 5n }))
    await accept(sign({ nonce: 1n }))
    assert.deepEqual(pool.ordered(), [])
    assert.equal(pool.status().pending, 2)
  })

  it('always gives an order the builder can run', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.nat(5), fc.integer({ min: 1, max: 9 })), {
          minLength: 1,
          maxLength: 12,
        }),
        async (offers) => {
          pool = poolWith({})
          for (const [first, nonce, tip] of offers)
            await pool.add(
              bytesOf(sign({ nonce: BigInt(nonce), tip: BigInt(tip) * gwei }, first ? alice : bob)),
            )
          const next = new Map<string, bigint>()
          for (const { sender, tx } of pool.ordered()) {
            assert.equal(tx.nonce, next.get(sender) ?? 0n)
            next.set(sender, tx.nonce + 1n)
          }
        },
      ),
      { numRuns: 15 },
    )
  })

  it('forgets what a block holds and what can no longer be paid', async () => {
    unused = undefined
    const first = await accept(sign({ nonce: 0n, value: 1n }))
    const second = await accept(sign({ nonce: 1n, value: 1n }))
    const dear = await accept(sign({ nonce: 2n, value: 5n * 10n ** 20n }))
    const { outcome } = await advance(chain, [sign({ nonce: 0n, value: 6n * 10n ** 20n })])
    await pool.reset(outcome.transactions)
    assert.equal(pool.get(first.hash), null)
    assert.equal(pool.get(dear.hash), null)
    assert.deepEqual(
      pool.ordered().map(({ hash }) => hash),
      [second.hash],
    )
    pool.drop(second.hash)
    assert.deepEqual(pool.status(), { pending: 0, queued: 0, bytes: 0 })
  })

  it('forgets what has waited too long', async () => {
    pool = poolWith({ maxAgeMs: 1_000 })
    await accept(sign({ nonce: 5n }))
    time = 1_001
    await pool.reset([])
    assert.equal(pool.status().queued, 0)
  })

  it('admits equal nonces that arrive at once one after the other', async () => {
    const offers = Array.from({ length: 8 }, (_, i) => sign({ nonce: 0n, value: BigInt(i) }))
    const added = await Promise.all(offers.map((offer) => pool.add(bytesOf(offer))))
    assert.equal(added.filter(({ ok }) => ok).length, 1)
    assert.equal(pool.status().pending, 1)
  })
})
