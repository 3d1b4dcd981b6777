import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { concatBytes, uintBytes } from '../../primitives/bytes.ts'
import { verifyDigest, verifyPortable } from '../../vm/p256.ts'

const { Point } = p256
const order = Point.Fn.ORDER
const field = Point.Fp.ORDER
const generator = Point.BASE.toAffine()
const emptyDigest = BigInt(`0x${createHash('sha256').digest('hex')}`)

type Parts = { digest: bigint; r: bigint; s: bigint; x: bigint; y: bigint }

function inputOf({ digest, r, s, x, y }: Parts): Uint8Array {
  return concatBytes(...[digest, r, s, x, y].map((value) => uintBytes(value, 32)))
}

function signed(secret: bigint, digest: bigint, high = false): Parts {
  const key = Point.BASE.multiply(secret).toAffine()
  const bytes = p256.sign(uintBytes(digest, 32), uintBytes(secret, 32), {
    prehash: false,
    lowS: false,
  })
  const { r, s } = p256.Signature.fromBytes(bytes)
  return { digest, r, s: high ? order - s : s, ...key }
}

function both(input: Uint8Array): boolean {
  const verdict = verifyDigest(input)
  assert.equal(verdict, verifyPortable(input))
  return verdict
}

const scalar = fc.bigInt({ min: 1n, max: order - 1n })
const word = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })

describe('P-256 over a digest', () => {
  it('takes what OpenSSL signed', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const message = new TextEncoder().encode('a message')
    const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const digest = createHash('sha256').update(message).digest()
    const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-64)
    assert.equal(both(concatBytes(digest, signature, key)), true)
  })

  it('agrees with the formulas on any key, digest and bent bit', () => {
    fc.assert(
      fc.property(scalar, word, fc.boolean(), fc.nat(1279), (secret, digest, high, bit) => {
        const input = inputOf(signed(secret, digest, high))
        assert.equal(both(input), true)
        input[bit >> 3]! ^= 1 << (bit & 7)
        both(input)
      }),
      { numRuns: 60 },
    )
  })

  it('bounds r, s and the coordinates, and wants a point of the curve', () => {
    const good = signed(7n, 42n)
    assert.equal(both(inputOf(good)), true)
    for (const bent of [
      { r: 0n },
      { r: order },
      { r: good.r + order < 2n ** 256n ? good.r + order : order + 1n },
      { s: 0n },
      { s: order },
      { x: 0n, y: 0n },
      { x: field },
      { y: field },
      { y: good.y + 1n },
      { x: good.y, y: good.x },
    ])
      assert.equal(both(inputOf({ ...good, ...bent })), false)
    for (const length of [0, 159, 161]) assert.equal(verifyDigest(new Uint8Array(length)), false)
  })

  it('takes digests above the order, and the digest of nothing', () => {
    for (const digest of [0n, order, order + 1n, 2n ** 256n - 1n, emptyDigest])
      assert.equal(both(inputOf(signed(11n, digest))), true)
  })

  it('is right where the moved key meets the key, its opposite or infinity', () => {
    // For key d·G the shift is k·G with k = (e − e')/r: choose e for k = d, −d and d/2.
    for (const factor of [
      (d: bigint) => d,
      (d: bigint) => order - d,
      (d: bigint) => order - 2n * d,
    ]) {
      const secret = 5n
      const r = generator.x % order
      const { Fn } = Point
      const digest = Fn.create(Fn.mul(Fn.create(factor(secret)), r) + emptyDigest)
      const s = Fn.create(digest + r * secret)
      const { x, y } = Point.BASE.multiply(secret).toAffine()
      // With nonce 1: R = G and s = e + r·d.
      assert.equal(both(inputOf({ digest, r, s, x, y })), true)
      assert.equal(both(inputOf({ digest: digest + 1n, r, s, x, y })), false)
    }
  })

  it('refuses sums that are infinity', () => {
    const { Fn } = Point
    const { x, y } = Point.BASE.multiply(3n).toAffine()
    const r = 9n
    assert.equal(both(inputOf({ digest: Fn.create(-r * 3n), r, s: 4n, x, y })), false)
  })
})
