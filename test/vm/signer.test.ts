import assert from 'node:assert/strict'
import { RLP } from '@ethereumjs/rlp'
import { createEOACode7702Tx, createFeeMarket1559Tx, createLegacyTx } from '@ethereumjs/tx'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { addressOfKey } from '../../primitives/address.ts'
import { concatBytes, toHex } from '../../primitives/bytes.ts'
import { openEngine } from '../../vm/engine.ts'
import { signerBytes, signerOf } from '../../vm/signer.ts'
import { decodeTransaction, decodeTransactionAside } from '../../vm/transaction.ts'
import { alice, bob, chainId, keyOf } from '../chain/support.ts'

const engine = await openEngine(chainId, [])
const { common } = engine
const fields = { nonce: 3n, gasLimit: 60_000n, value: 5n, to: `0x${'77'.repeat(20)}` as const }
const market = { ...fields, chainId: BigInt(chainId), maxFeePerGas: 9n, maxPriorityFeePerGas: 1n }

/** The largest value of a signature's halves, and one. */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

describe('the signer of a transaction', () => {
  it('is what the library finds, for every type and key', () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const key = keyOf(name)
      const one = '0x01' as const
      const place = { chainId: one, address: fields.to, nonce: one }
      const authorization = { ...place, yParity: one, r: one, s: one }
      for (const tx of [
        createLegacyTx({ ...fields, gasPrice: 9n }, { common }),
        createFeeMarket1559Tx({ ...market, accessList: [] }, { common }),
        createEOACode7702Tx({ ...market, authorizationList: [authorization] }, { common }),
      ]) {
        const found = signerOf(tx.sign(key).serialize())
        assert.equal(found?.length, signerBytes)
        assert.equal(toHex(found!.subarray(64)), addressOfKey(key))
        assert.deepEqual(found!.subarray(0, 64), tx.sign(key).getSenderPublicKey())
      }
    }
  })

  it('is nobody for what is not plainly right, whatever the bytes', async () => {
    const tx = createFeeMarket1559Tx(market, { common }).sign(alice)
    // `s` in the upper half signs the same, and is refused.
    const mirrored = [...tx.raw().slice(0, -3), 1n - tx.v!, tx.r!, order - tx.s!]
    const bent = concatBytes(Uint8Array.of(2), RLP.encode(mirrored as never))
    assert.equal(signerOf(bent), null)
    const aside = {
      ...engine,
      findSigners: async (all: readonly Uint8Array[]) => all.map(signerOf),
    }
    assert.equal((await decodeTransactionAside(aside, bent)).ok, false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const found = signerOf(bytes)
        assert.ok(found === null || found.length === signerBytes)
      }),
    )
    fc.assert(
      fc.property(fc.nat(tx.serialize().length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bytes = tx.serialize()
        bytes[at]! ^= by
        const decoded = decodeTransaction(engine, bytes)
        const found = signerOf(bytes)
        if (decoded.ok) assert.equal(toHex(found!.subarray(64)), decoded.value.sender)
      }),
    )
  })

  it('is asked for once, and found here if nobody answers', async () => {
    let asked = 0
    const find = (answer: (bytes: Uint8Array) => Uint8Array | null) => async () => {
      const own = await openEngine(chainId, [], async (all) => {
        asked += all.length
        return all.map(answer)
      })
      const bytes = createFeeMarket1559Tx(market, { common }).sign(bob).serialize()
      const first = await decodeTransactionAside(own, bytes)
      const again = await decodeTransactionAside(own, bytes)
      assert.ok(first.ok && again.ok)
      assert.equal(first.value.sender, addressOfKey(bob))
      assert.equal(again.value, first.value)
      assert.equal(toHex(first.value.tx.getSenderAddress().bytes), addressOfKey(bob))
    }
    await find(signerOf)()
    await find(() => null)()
    assert.equal(asked, 2)
  })
})
