import assert from 'node:assert/strict'
import { createAccessList2930Tx, createLegacyTx } from '@ethereumjs/tx'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { decodeTransaction, type Transaction } from '../../vm/transaction.ts'
import {
  advance,
  alice,
  bob,
  openTestChain,
  show,
  signed,
  type TestChain,
  validatorAddresses,
} from './support.ts'

/** Returns at once, with a counter in slot 0 kept: `PUSH0 SLOAD PUSH1 1 ADD PUSH0 SSTORE`. */
const counter = '0x5f54600101' + '5f5500'
const deploy = `0x6008600c60003960086000f3${counter.slice(2)}`

const places: readonly Address[] = [
  addressOfKey(alice),
  addressOfKey(bob),
  ...validatorAddresses,
  ...Object.values(moduleAddresses),
  ...['01', '02', '05', '11', '0100'].map((end) => `0x${end.padStart(40, '0')}` as Address),
  `0x${'77'.repeat(20)}` as Address,
  `0x${'00'.repeat(20)}` as Address,
]

/** Everything that a block did, once as committed and once by the interpreter alone. */
async function agree({ chain }: TestChain, height: bigint): Promise<void> {
  const again = await chain.replay(
    height,
    () => {},
    () => false,
  )
  assert.ok(again?.ok, show(again ?? { ok: false }))
  assert.deepEqual(again.value.receipts, await chain.receiptsAt(height))
  assert.equal(again.value.stateRoot, (await chain.stateAt(height))!.stateRoot)
}

const plan = fc.record({
  key: fc.constantFrom(alice, bob),
  place: fc.nat(places.length),
  value: fc.constantFrom(0n, 1n, 10n ** 18n),
  tip: fc.constantFrom(0n, 1n, 2_000_000_000n),
  gasLimit: fc.constantFrom(21_000n, 21_001n, 200_000n),
  data: fc.constantFrom('0x', '0x', '0x', '0x00'),
})

describe('plain transfers', () => {
  it('do to state, gas and receipts what the interpreter does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 12 }), async (plans) => {
        const test = await openTestChain()
        const created = await advance(test.chain, [
          signed(test.engine, alice, { data: deploy, value: 0n }),
        ])
        const contract = created.outcome.receipts[0]!.contractAddress!
        const transactions = plans.map(({ key, place, data, gasLimit, ...rest }) =>
          signed(test.engine, key, {
            ...rest,
            to: places[place] ?? contract,
            data,
            gasLimit: data === '0x' ? gasLimit : gasLimit + 100n,
          }),
        )
        const { outcome } = await advance(test.chain, transactions)
        await agree(test, outcome.height)
      }),
      { numRuns: 8 },
    )
  })

  it('are of every type that can be one', async () => {
    const test = await openTestChain()
    const { engine } = test
    const common = { common: engine.common }
    const to = `0x${'55'.repeat(20)}` as const
    const fields = { to, value: 3n, gasLimit: 60_000n, gasPrice: 2_000_000_000n }
    const listed = [{ address: to, storageKeys: [] }]
    const transactions = [
      createLegacyTx({ ...fields, nonce: 0n }, common).sign(alice),
      createAccessList2930Tx({ ...fields, nonce: 1n }, common).sign(alice),
      createAccessList2930Tx({ ...fields, nonce: 2n, accessList: listed }, common).sign(alice),
    ].map((tx): Transaction => {
      const decoded = decodeTransaction(engine, tx.serialize())
      assert.ok(decoded.ok, show(decoded))
      return decoded.value
    })
    const { outcome } = await advance(test.chain, transactions)
    assert.deepEqual(
      outcome.receipts.map(({ gasUsed }) => gasUsed),
      [21_000n, 21_000n, 23_400n],
    )
    await agree(test, outcome.height)
  })

  it('leave native modules to the interpreter', async () => {
    const test = await openTestChain()
    const { outcome } = await advance(test.chain, [
      signed(test.engine, alice, { to: moduleAddresses.staking, value: 1n }),
      signed(test.engine, bob, { to: validatorAddresses[0]!, value: 0n, tip: 0n }),
    ])
    assert.deepEqual(
      outcome.receipts.map(({ succeeded }) => succeeded),
      [false, true],
    )
    await agree(test, outcome.height)
  })
})
