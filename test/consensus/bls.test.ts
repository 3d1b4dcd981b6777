import assert from 'node:assert/strict'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import * as fast from '../../consensus/bls.ts'
import * as second from '../../consensus/blsNoble.ts'
import { fromHex, type Hex, toHex, utf8ToBytes } from '../../primitives/bytes.ts'
import { secretKeyOf } from './fixtures.ts'

const keys = [0, 1, 2].map(secretKeyOf)
const publicKeys = keys.map(fast.publicKeyOf)
const message = utf8ToBytes('what was voted for')
const signatures = keys.map((key) => fast.sign(key, message))
const [signature] = signatures as [Uint8Array]
const [publicKey] = publicKeys as [Hex]

const infinityKey = toHex(Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0)))
const infinitySignature = Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? 0xc0 : 0))

/** A point of the curve outside the subgroup: almost every `x` that has a `y` gives one. */
function strayPoint(bytes: number): Uint8Array {
  const { G1, G2 } = bls12_381
  for (let x = 1; ; x++) {
    const encoded = new Uint8Array(bytes)
    encoded[0] = 0x80
    encoded[bytes - 1] = x
    try {
      const point = (bytes === 48 ? G1 : G2).Point.fromBytes(encoded)
      if (!point.isTorsionFree()) return encoded
    } catch (error) {
      if (String(error).includes('subgroup')) return encoded
    }
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

describe('BLS signatures, by two libraries', () => {
  const aggregate = fast.aggregate(signatures)!
  const cases: readonly (readonly [string, boolean, readonly Hex[], Uint8Array, Uint8Array])[] = [
    ['one signature', true, [publicKey], message, signature],
    ['an aggregate', true, publicKeys, message, aggregate],
    ['another message', false, [publicKey], utf8ToBytes('another'), signature],
    ['another key', false, [publicKeys[1]!], message, signature],
    ['an aggregate with a signer too few', false, publicKeys.slice(1), message, aggregate],
    ['an aggregate with a signer twice', false, [...publicKeys, publicKey], message, aggregate],
    ['no signers', false, [], message, infinitySignature],
    ['an infinite key', false, [infinityKey], message, infinitySignature],
    ['an infinite signature', false, [publicKey], message, infinitySignature],
    ['a key outside the subgroup', false, [toHex(strayPoint(48))], message, signature],
    ['a signature outside the subgroup', false, [publicKey], message, strayPoint(96)],
    ['a short signature', false, [publicKey], message, signature.subarray(1)],
    ['an empty signature', false, [publicKey], message, new Uint8Array()],
    ['a key that is no hex', false, ['0xzz' as Hex], message, signature],
    ['a key in capitals', false, [publicKey.toUpperCase() as Hex], message, signature],
    ['flags of an uncompressed point', false, [publicKey], message, flipped(signature, 7)],
  ]
  for (const [name, expected, signers, signed, by] of cases)
    it(`${expected ? 'accept' : 'refuse'} ${name}`, () => {
      assert.equal(fast.fastAggregateVerify(signers, signed, by), expected, 'fast')
      assert.equal(second.fastAggregateVerify(signers, signed, by), expected, 'second')
      if (signers.length !== 1) return
      const [only] = signers as [Hex]
      assert.equal(fast.verify(only, signed, by), expected, 'fast, alone')
      assert.equal(second.verify(only, signed, by), expected, 'second, alone')
      const check = { publicKey: only, message: signed, signature: by }
      assert.equal(fast.verifyBatch([check]), expected, 'batch')
    })

  it('agree about keys', () => {
    for (const [key, expected] of [
      [publicKey, true],
      [infinityKey, false],
      [toHex(strayPoint(48)), false],
      [`0x${'ff'.repeat(48)}`, false],
      ['0x', false],
    ] as const) {
      assert.equal(fast.isPublicKey(key), expected, key)
      assert.equal(second.isPublicKey(key), expected, key)
    }
    assert.deepEqual(keys.map(second.publicKeyOf), publicKeys)
  })

  it('agree on flipped bits, and never throw', () => {
    const anyBit = fc.integer({ min: 0, max: 96 * 8 - 1 })
    fc.assert(
      fc.property(anyBit, (bit) => {
        const bad = flipped(signature, bit)
        assert.equal(fast.verify(publicKey, message, bad), false)
        assert.equal(second.verify(publicKey, message, bad), false)
      }),
      { numRuns: 12 },
    )
  })

  it('never throw on random bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 100 })
    fc.assert(
      fc.property(bytes, bytes, (key, bad) => {
        assert.equal(fast.verify(toHex(key), message, bad), false)
        assert.equal(fast.aggregate([signature, bad]), null)
        assert.equal(second.verify(toHex(key), message, bad), false)
      }),
      { numRuns: 50 },
    )
  })
})

describe('batches', () => {
  it('hold only if every signature does', () => {
    const checks = publicKeys.map((key, i) => ({
      publicKey: key,
      message,
      signature: signatures[i]!,
    }))
    assert.ok(fast.verifyBatch(checks))
    assert.ok(fast.verifyBatch([]))
    const others = publicKeys.map((key, i) => {
      const other = utf8ToBytes(`message ${i}`)
      return { publicKey: key, message: other, signature: fast.sign(keys[i]!, other) }
    })
    assert.ok(fast.verifyBatch([...checks, ...others]))
    for (let spoilt = 0; spoilt < 6; spoilt++) {
      const spoil = (check: fast.SignatureCheck, i: number) =>
        i === spoilt ? { ...check, signature: signatures[(i + 1) % 3]! } : check
      assert.equal(fast.verifyBatch([...checks, ...others].map(spoil)), false)
    }
    const swapped = checks.map((check, i) => ({ ...check, signature: signatures[(i + 1) % 3]! }))
    assert.equal(fast.verifyBatch(swapped), false, 'valid in sum, wrong each')
  })

  it('have no aggregate of nothing', () => assert.equal(fast.aggregate([]), null))
})

describe('proofs of possession', () => {
  const possession = second.provePossession(keys[0]!)

  it('hold for their key alone', () => {
    assert.ok(second.verifyPossession(publicKey, possession))
    assert.equal(second.verifyPossession(publicKeys[1]!, possession), false)
    assert.equal(second.verifyPossession(infinityKey, infinitySignature), false)
  })

  it('are no signature of the key, and the other way round', () => {
    const signed = fast.sign(keys[0]!, fromHex(publicKey))
    assert.equal(fast.verify(publicKey, fromHex(publicKey), possession), false)
    assert.equal(second.verifyPossession(publicKey, signed), false)
  })
})

describe('reveals', () => {
  it('belong to one chain, height and key', () => {
    const reveal = fast.signReveal(keys[0]!, 1, 5n)
    assert.ok(fast.verifyReveal(publicKey, 1, 5n, reveal))
    assert.equal(fast.verifyReveal(publicKey, 2, 5n, reveal), false)
    assert.equal(fast.verifyReveal(publicKey, 1, 6n, reveal), false)
    assert.equal(fast.verifyReveal(publicKeys[1]!, 1, 5n, reveal), false)
    const expected = `0x${toHex(utf8ToBytes('waggle/reveal/v1')).slice(2)}${'0'.repeat(15)}1${'0'.repeat(15)}5`
    assert.equal(toHex(fast.revealMessage(1, 5n)), expected)
  })
})
