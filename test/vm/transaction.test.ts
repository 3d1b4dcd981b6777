import assert from 'node:assert/strict'
import { type NestedUint8Array, RLP } from '@ethereumjs/rlp'
import {
  createAccessList2930Tx,
  createEOACode7702Tx,
  createFeeMarket1559Tx,
  createLegacyTx,
  createTxFromRLP,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { eoaCode7702SignAuthorization } from '@ethereumjs/util'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { beforeAll, describe, it } from 'vitest'
import { addressBytes, addressOfKey } from '../../primitives/address.ts'
import { bytesToUint, equalBytes, uintBytes } from '../../primitives/bytes.ts'
import { keccakHash } from '../../primitives/hash.ts'
import { type Engine, openEngine } from '../../vm/engine.ts'
import { decodeTransaction, effectiveTip, feeCap, maxCost, tipCap } from '../../vm/transaction.ts'
import { alice, bob, chainId, show } from '../chain/support.ts'

const to = addressOfKey(bob)
const gas = { gasLimit: 100_000n, nonce: 3n, to, value: 5n } as const
const fees = { maxFeePerGas: 100n, maxPriorityFeePerGas: 7n } as const

describe('a transaction', () => {
  let engine: Engine
  let other: Engine

  beforeAll(async () => {
    engine = await openEngine(chainId, [])
    other = await openEngine(1, [])
  })

  const decode = (tx: TypedTransaction) => decodeTransaction(engine, tx.serialize())

  function codeOf(bytes: Uint8Array): string {
    const decoded = decodeTransaction(engine, bytes)
    return decoded.ok ? 'ok' : decoded.fault.code
  }

  it('of type 0, 1, 2 and 4 tells its sender, hash and fees', () => {
    const { common } = engine
    const authorization = eoaCode7702SignAuthorization(
      [uintBytes(BigInt(chainId), 2), uintBytes(BigInt(to), 20), new Uint8Array()],
      bob,
    )
    const transactions = [
      createLegacyTx({ ...gas, gasPrice: 50n }, { common }),
      createAccessList2930Tx({ ...gas, gasPrice: 50n, chainId: BigInt(chainId) }, { common }),
      createFeeMarket1559Tx({ ...gas, ...fees, chainId: BigInt(chainId) }, { common }),
      createEOACode7702Tx(
        { ...gas, ...fees, chainId: BigInt(chainId), authorizationList: [authorization] },
        { common },
      ),
    ].map((tx) => tx.sign(alice))
    for (const tx of transactions) {
      const decoded = decode(tx)
      assert.ok(decoded.ok, show(decoded))
      const { sender, hash, to: target, size } = decoded.value
      assert.equal(sender, addressOfKey(alice))
      assert.equal(target, to)
      assert.equal(hash, keccakHash(tx.serialize()))
      assert.equal(size, tx.serialize().length)
      const plain = tx.type < 2
      assert.equal(feeCap(tx), plain ? 50n : 100n)
      assert.equal(tipCap(tx), plain ? 50n : 7n)
      assert.equal(effectiveTip(tx, 45n), plain ? 5n : 7n)
      assert.equal(effectiveTip(tx, 98n), plain ? -48n : 2n)
      assert.equal(maxCost(tx), gas.gasLimit * feeCap(tx) + 5n)
    }
  })

  it('of another chain is refused with both ids', () => {
    for (const tx of [
      createLegacyTx({ ...gas, gasPrice: 50n }, { common: other.common }).sign(alice),
      createFeeMarket1559Tx({ ...gas, ...fees, chainId: 1n }, { common: other.common }).sign(alice),
    ])
      assert.deepEqual(decodeTransaction(engine, tx.serialize()), {
        ok: false,
        fault: { code: 'transaction/chainId', expected: BigInt(chainId), got: 1n },
      })
  })

  it('without replay protection is refused', () => {
    const { common } = engine
    const unsigned = createLegacyTx({ ...gas, gasPrice: 50n }, { common, freeze: false })
    const signature = secp256k1.sign(unsigned.getHashedMessageToSign(), alice, {
      prehash: false,
      format: 'recovered',
    })
    const tx = createLegacyTx(
      {
        ...gas,
        gasPrice: 50n,
        v: 27n + BigInt(signature[0]!),
        r: signature.slice(1, 33),
        s: signature.slice(33),
      },
      { common },
    )
    assert.equal(codeOf(tx.serialize()), 'transaction/unprotected')
  })

  it('with blobs is refused', () => {
    assert.deepEqual(decodeTransaction(engine, Uint8Array.of(3, 0xc0)), {
      ok: false,
      fault: { code: 'transaction/type', got: 3 },
    })
  })

  it('with a signature of the upper half is refused', () => {
    const { n } = secp256k1.Point.CURVE()
    const tx = createFeeMarket1559Tx(
      { ...gas, ...fees, chainId: BigInt(chainId) },
      { common: engine.common },
    ).sign(alice)
    const raw = tx.serialize()
    const s = uintBytes(n - tx.s!, 32)
    const flipped = Uint8Array.from([...raw.subarray(0, raw.length - 32), ...s])
    flipped[raw.length - 32 - 33 - 2]! ^= 1
    assert.notEqual(codeOf(flipped), 'ok')
  })

  it('is bounded in size and gas', () => {
    const { common } = engine
    const make = (data: Uint8Array, gasLimit: bigint) =>
      createFeeMarket1559Tx(
        { ...gas, ...fees, chainId: BigInt(chainId), data, gasLimit },
        { common },
      )
        .sign(alice)
        .serialize()
    assert.equal(codeOf(make(new Uint8Array(131_072), 10_000_000n)), 'transaction/size')
    assert.equal(codeOf(make(new Uint8Array(130_000), 10_000_000n)), 'ok')
    assert.equal(codeOf(make(new Uint8Array(1_000), 21_000n)), 'transaction/intrinsicGas')
    const frontier = createFeeMarket1559Tx(
      { ...gas, ...fees, chainId: BigInt(chainId), gasLimit: 16_777_216n },
      { common },
    ).sign(alice)
    assert.ok(decode(frontier).ok)
  })

  it('has one encoding', () => {
    const bytes = createFeeMarket1559Tx(
      { ...gas, ...fees, chainId: BigInt(chainId) },
      { common: engine.common },
    )
      .sign(alice)
      .serialize()
    assert.notEqual(codeOf(Uint8Array.from([...bytes, 0])), 'ok')
    assert.notEqual(codeOf(bytes.subarray(0, bytes.length - 1)), 'ok')
    assert.equal(bytesToUint(bytes.subarray(0, 1)), 2n)
  })

  it('is read as the library reads it, and refused where its bytes are not the only ones', () => {
    const plain = { ...gas, ...fees, chainId: BigInt(chainId), data: Uint8Array.of(1, 0, 2) }
    const { common } = engine
    const signed = [
      plain,
      { ...plain, to: undefined },
      { ...plain, accessList: [[addressBytes(to), []]] },
    ]
      .map((fields) =>
        createFeeMarket1559Tx(fields as never, { common })
          .sign(alice)
          .serialize(),
      )
      .map((bytes) => RLP.decode(bytes.subarray(1)) as NestedUint8Array)
    const byLibrary = (bytes: Uint8Array): string | null => {
      try {
        const tx = createTxFromRLP(bytes, { common })
        return equalBytes(tx.serialize(), bytes) ? tx.getSenderAddress().toString() : null
      } catch {
        return null
      }
    }
    const change = fc.constantFrom<(field: Uint8Array) => Uint8Array | NestedUint8Array>(
      (field) => field,
      (field) => Uint8Array.of(0, ...field),
      (field) => field.slice(1),
      () => Uint8Array.of(0),
      () => [],
      (field) => [field],
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...signed),
        fc.array(fc.record({ at: fc.nat(13), change }), { maxLength: 2 }),
        (fields, changes) => {
          const changed = [...fields]
          for (const { at, change } of changes)
            changed[at] = change((changed[at] ?? Uint8Array.of(5)) as Uint8Array)
          const bytes = Uint8Array.of(2, ...RLP.encode([...changed].map((one) => one ?? [])))
          const decoded = decodeTransaction(engine, bytes)
          // What it allows and needs of gas is checked after it is read.
          if (!decoded.ok && /gas/i.test(decoded.fault.code)) return
          assert.equal(decoded.ok ? decoded.value.sender : null, byLibrary(bytes))
          if (decoded.ok) assert.deepEqual(decoded.value.tx.serialize(), bytes)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('of any bytes gets a verdict, and no changed byte keeps the sender and hash', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2, 3, 4, 0xc0, 0xf8), fc.uint8Array(), (first, rest) => {
        assert.ok(!decodeTransaction(engine, Uint8Array.from([first, ...rest])).ok)
      }),
      { numRuns: 200 },
    )
    const bytes = createFeeMarket1559Tx(
      { ...gas, ...fees, chainId: BigInt(chainId) },
      { common: engine.common },
    )
      .sign(alice)
      .serialize()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at]! ^= flip
        const decoded = decodeTransaction(engine, changed)
        assert.ok(!decoded.ok || decoded.value.sender !== addressOfKey(alice))
      }),
      { numRuns: 100 },
    )
  })
})
