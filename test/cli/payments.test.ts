import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { burnOf, partsOf, type Settlement, totalsOf } from '../../cli/payments.ts'
import type { Address } from '../../primitives/address.ts'
import { splitCustody, splitFee } from '../../registry/formulas.ts'
import { account, digest } from '../registry/world.ts'

const settlement = (changes: Partial<Settlement>): Settlement => ({
  block: 7n,
  job: digest('job'),
  range: 3,
  fee: 1_000n,
  worker: account(1),
  proposer: account(2),
  dataOwner: account(3),
  custodians: [],
  ...changes,
})

describe('the parts of a fee', () => {
  it('name the rule and the fee of each', () => {
    const [only, ...more] = partsOf(account(1), settlement({}))
    assert.deepEqual(more, [])
    assert.equal(only!.wei, 670n)
    assert.match(only!.why, /^67 % of 0\.000000000000001 coins, the fee of lease 3$/)
  })

  it('and what is burned are the fee, whoever has which part', () => {
    const who = fc.integer({ min: 1, max: 4 }).map(account)
    const some = fc.uniqueArray(who, { maxLength: 4 })
    const fee = fc.bigInt(0n, 1n << 80n)
    fc.assert(
      fc.property(fee, who, who, fc.option(who), some, (wei, worker, proposer, owner, vouched) => {
        const parties = { fee: wei, worker, proposer, dataOwner: owner, custodians: vouched }
        const settled = settlement(parties)
        const everybody: readonly Address[] = [1, 2, 3, 4].map(account)
        const paid = totalsOf(everybody.flatMap((one) => partsOf(one, settled))).total!
        const { pot } = splitCustody(splitFee(wei).custody, vouched.length)
        assert.equal(paid + burnOf(settled) + pot, wei)
      }),
    )
  })

  it('of rows that several own is what they shared, and the rest of their part burned', () => {
    const fee = 1_000n
    const nobody = settlement({ fee, dataOwner: null })
    assert.equal(burnOf(nobody) - burnOf(settlement({ fee })), 150n)
    assert.equal(burnOf(nobody) - burnOf({ ...nobody, shared: 149n }), 149n)
  })
})
