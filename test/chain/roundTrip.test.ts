import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { addressOfKey } from '../../primitives/address.ts'
import { advance, alice, bob, openTestChain, show, signed } from './support.ts'

describe('a block of transfers', () => {
  it('is sealed, and gives the same roots on an independent store', async () => {
    const a = await openTestChain()
    const b = await openTestChain()
    assert.equal(a.chain.genesisHash, b.chain.genesisHash)
    const to = addressOfKey(bob)
    const transactions = Array.from({ length: 5 }, () =>
      signed(a.engine, alice, { to, value: 7n, gasLimit: 21_000n }),
    )
    const { envelope, commit, outcome } = await advance(a.chain, transactions)
    assert.equal(outcome.block.transactions.length, 5)
    assert.equal(outcome.gasUsed, 105_000n)
    const judged = await b.chain.judge(envelope)
    assert.ok(judged.ok, show(judged))
    assert.equal(judged.value.stateRoot, outcome.stateRoot)
    const committed = await b.chain.commit(envelope, commit)
    assert.ok(committed.ok)
    assert.equal(b.chain.head().hash, a.chain.head().hash)
    const reader = await b.chain.readAt(1n)
    assert.equal((await reader!.account(to)).balance, 10n ** 21n + 35n)
  })

  it('follows the chain over an epoch change', async () => {
    const a = await openTestChain()
    const b = await openTestChain()
    for (let i = 0; i < 9; i++) {
      const { envelope, commit } = await advance(a.chain)
      const applied = await b.chain.commit(envelope, commit)
      assert.ok(applied.ok, show(applied))
    }
    assert.equal(a.chain.head().height, 9n)
    assert.equal(b.chain.head().hash, a.chain.head().hash)
  })
})
