import assert from 'node:assert/strict'
import { afterAll, describe, it } from 'vitest'
import { createSignerPool } from '../../node/signerPool.ts'
import { addressOfKey } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { encodeTransaction } from '../../vm/transaction.ts'
import { alice, bob, openTestChain, signed } from '../chain/support.ts'

const failures: unknown[] = []
const pool = createSignerPool(2, (error) => failures.push(error))
const { engine } = await openTestChain()
afterAll(() => pool.close())

const bytesOf = (key: Uint8Array) =>
  encodeTransaction(signed(engine, key, { to: addressOfKey(bob), value: 1n }).tx)

describe('threads that find signers', () => {
  it('answer in order, for many askers at once', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? alice : bob))
    const whole = pool.find(keys.map(bytesOf))
    const single = await pool.find([bytesOf(alice), Uint8Array.of(1, 2, 3)])
    assert.equal(toHex(single[0]!.subarray(64)), addressOfKey(alice))
    assert.equal(single[1], null)
    for (const [i, signer] of (await whole).entries())
      assert.equal(toHex(signer!.subarray(64)), addressOfKey(keys[i]!))
    assert.deepEqual(failures, [])
  })

  it('leave it to the asker when there is too much, and once they are closed', async () => {
    const many = Array.from({ length: 32_769 }, () => new Uint8Array())
    assert.ok((await pool.find(many)).every((signer) => signer === null))
    const late = createSignerPool(1, (error) => failures.push(error))
    const pending = late.find([bytesOf(alice)])
    await late.close()
    assert.deepEqual(await pending, [null])
    assert.deepEqual(await late.find([bytesOf(alice)]), [null])
  })
})
