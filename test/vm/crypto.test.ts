import assert from 'node:assert/strict'
import { type EVMBLSInterface, type EVMBN254Interface, NobleBLS, NobleBN254 } from '@ethereumjs/evm'
import { ecrecover } from '@ethereumjs/util'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { beforeAll, describe, it } from 'vitest'
import { concatBytes, toHex, uintBytes } from '../../primitives/bytes.ts'
import { loadCrypto, type NativeCrypto, recoverKey, sha256Native } from '../../vm/crypto.ts'

/** What `compute` gives, as text; every failure is the same, nothing at all included. */
function resultOf(compute: () => Uint8Array): string {
  try {
    const bytes = compute()
    return bytes.length === 0 ? 'failure' : toHex(bytes)
  } catch {
    return 'failure'
  }
}

/** Coordinates of the first point with a small x that is on the twist but not in the subgroup. */
function offSubgroupOf(
  { Point }: typeof bn254.G2,
  fp2: typeof bn254.fields.Fp2,
): readonly [bigint, bigint, bigint, bigint] {
  for (let c0 = 1n; ; c0++) {
    const x = fp2.fromBigTuple([c0, 0n])
    const square = fp2.add(fp2.mul(fp2.mul(x, x), x), Point.CURVE().b)
    try {
      const y = fp2.sqrt(square)
      if (!Point.fromAffine({ x, y }).isTorsionFree()) return [x.c0, x.c1, y.c0, y.c1]
    } catch {
      // Not a square: the next x.
    }
  }
}

const order = secp256k1.Point.CURVE().n

describe('native against portable cryptography', () => {
  let native: NativeCrypto
  const nobleBls: EVMBLSInterface = new NobleBLS()
  const nobleBn: EVMBN254Interface = new NobleBN254()

  beforeAll(async () => {
    native = await loadCrypto()
    native.bls.init()
  })

  it('recovers the same key from a signature', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.bigInt({ min: 1n, max: order - 1n }),
        (hash, secret) => {
          const key = uintBytes(secret, 32)
          const signature = secp256k1.sign(hash, key, { prehash: false, format: 'recovered' })
          const [v, r, s] = [
            27n + BigInt(signature[0]!),
            signature.slice(1, 33),
            signature.slice(33),
          ]
          const recovered = recoverKey(hash, v, r, s)
          assert.equal(toHex(recovered), toHex(secp256k1.getPublicKey(key, false).subarray(1)))
          assert.equal(toHex(recovered), toHex(ecrecover(hash, v, r, s)))
        },
      ),
      { numRuns: 20 },
    )
  })

  it('agrees on every strange signature', () => {
    const strange = fc.oneof(
      fc.constantFrom(0n, 1n, 2n, order - 1n, order, order + 1n, 2n ** 256n - 1n),
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    )
    fc.assert(
      fc.property(strange, strange, fc.constantFrom(0n, 1n, 26n, 27n, 28n, 29n), (r, s, v) => {
        const hash = uintBytes(7n, 32)
        const ask = (recover: typeof recoverKey) =>
          resultOf(() => recover(hash, v, uintBytes(r, 32), uintBytes(s, 32)))
        assert.equal(ask(recoverKey), ask(ecrecover))
      }),
      { numRuns: 60 },
    )
  })

  it('hashes alike', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.deepEqual(sha256Native(bytes), sha256(bytes))
      }),
    )
  })

  const g1 = (scalar: bigint) => bn254.G1.Point.BASE.multiply(scalar).toAffine()
  const bnPoint = (scalar: bigint) =>
    concatBytes(uintBytes(g1(scalar).x, 32), uintBytes(g1(scalar).y, 32))
  const bnPoint2 = (scalar: bigint) => {
    const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine()
    return concatBytes(...[x.c1, x.c0, y.c1, y.c0].map((part) => uintBytes(part, 32)))
  }

  it('adds, multiplies and pairs on BN254 alike', () => {
    const field = bn254.fields.Fp.ORDER
    const add = [
      concatBytes(bnPoint(3n), bnPoint(5n)),
      concatBytes(bnPoint(3n), bnPoint(3n)),
      concatBytes(bnPoint(3n), new Uint8Array(64)),
      new Uint8Array(128),
      concatBytes(bnPoint(3n), uintBytes(1n, 64)),
      concatBytes(uintBytes(field + 1n, 32), uintBytes(2n, 32), bnPoint(1n)),
      new Uint8Array(128).fill(0xff),
    ]
    for (const input of add)
      assert.equal(
        resultOf(() => native.bn254.add(input)),
        resultOf(() => nobleBn.add(input)),
        toHex(input),
      )
    for (const scalar of [0n, 1n, 2n, bn254.fields.Fr.ORDER, 2n ** 256n - 1n]) {
      const input = concatBytes(bnPoint(7n), uintBytes(scalar, 32))
      assert.equal(
        resultOf(() => native.bn254.mul(input)),
        resultOf(() => nobleBn.mul(input)),
        `scalar ${scalar}`,
      )
    }
    const minusOne = bn254.fields.Fr.ORDER - 1n
    const [x0, x1, y0, y1] = offSubgroupOf(bn254.G2, bn254.fields.Fp2)
    const swapped = [x1, x0, y1, y0]
    const pairings = [
      concatBytes(bnPoint(1n), bnPoint2(1n), bnPoint(minusOne), bnPoint2(1n)),
      concatBytes(bnPoint(2n), bnPoint2(3n)),
      concatBytes(bnPoint(2n), new Uint8Array(128)),
      concatBytes(uintBytes(1n, 64), bnPoint2(3n)),
      concatBytes(bnPoint(2n), ...swapped.map((part) => uintBytes(part, 32))),
    ]
    for (const input of pairings)
      assert.equal(
        resultOf(() => native.bn254.pairing(input)),
        resultOf(() => nobleBn.pairing(input)),
        toHex(input),
      )
  })

  const word = (value: bigint) => uintBytes(value, 64)
  const blsPoint = (scalar: bigint) => {
    const { x, y } = bls12_381.G1.Point.BASE.multiply(scalar).toAffine()
    return concatBytes(word(x), word(y))
  }
  const blsPoint2 = (scalar: bigint) => {
    const { x, y } = bls12_381.G2.Point.BASE.multiply(scalar).toAffine()
    return concatBytes(word(x.c0), word(x.c1), word(y.c0), word(y.c1))
  }
  const zero = (bytes: number) => new Uint8Array(bytes)
  /** On the curve (`y² = x³ + 4`), of order 3. */
  const offSubgroup = concatBytes(word(0n), word(2n))
  const offSubgroup2 = concatBytes(...offSubgroupOf(bls12_381.G2, bls12_381.fields.Fp2).map(word))
  const modulus = bls12_381.fields.Fp.ORDER
  const r = bls12_381.fields.Fr.ORDER

  const blsCases: readonly (readonly [keyof EVMBLSInterface & string, readonly Uint8Array[]])[] = [
    [
      'addG1',
      [
        concatBytes(blsPoint(3n), blsPoint(5n)),
        concatBytes(blsPoint(3n), blsPoint(3n)),
        concatBytes(blsPoint(3n), blsPoint(r - 3n)),
        concatBytes(blsPoint(3n), zero(128)),
        zero(256),
        concatBytes(blsPoint(3n), word(1n), word(1n)),
        concatBytes(blsPoint(3n), word(modulus), word(2n)),
        concatBytes(blsPoint(3n), offSubgroup),
      ],
    ],
    [
      'addG2',
      [
        concatBytes(blsPoint2(3n), blsPoint2(5n)),
        concatBytes(blsPoint2(3n), blsPoint2(3n)),
        concatBytes(blsPoint2(3n), zero(256)),
        concatBytes(blsPoint2(3n), word(1n), word(1n), word(1n), word(1n)),
        concatBytes(blsPoint2(3n), offSubgroup2),
      ],
    ],
    [
      'msmG1',
      [
        ...[0n, 1n, 2n, r, r + 1n, 2n ** 256n - 1n].map((scalar) =>
          concatBytes(blsPoint(3n), uintBytes(scalar, 32), blsPoint(7n), uintBytes(9n, 32)),
        ),
        concatBytes(offSubgroup, uintBytes(1n, 32)),
      ],
    ],
    [
      'msmG2',
      [
        ...[0n, 1n, r, 2n ** 256n - 1n].map((scalar) =>
          concatBytes(blsPoint2(3n), uintBytes(scalar, 32), blsPoint2(7n), uintBytes(9n, 32)),
        ),
        concatBytes(offSubgroup2, uintBytes(1n, 32)),
      ],
    ],
    [
      'pairingCheck',
      [
        concatBytes(blsPoint(1n), blsPoint2(1n), blsPoint(r - 1n), blsPoint2(1n)),
        concatBytes(blsPoint(2n), blsPoint2(3n)),
        concatBytes(zero(128), blsPoint2(3n)),
        concatBytes(blsPoint(2n), zero(256)),
        concatBytes(word(1n), word(1n), blsPoint2(3n)),
        concatBytes(offSubgroup, blsPoint2(3n)),
        concatBytes(blsPoint(3n), offSubgroup2),
      ],
    ],
    ['mapFPtoG1', [word(0n), word(1n), word(5n), word(modulus - 1n), word(modulus)]],
    [
      'mapFP2toG2',
      [
        concatBytes(word(0n), word(0n)),
        concatBytes(word(5n), word(7n)),
        concatBytes(word(modulus), word(0n)),
      ],
    ],
  ]

  for (const [method, inputs] of blsCases)
    it(`computes ${method} on BLS12-381 alike`, () => {
      for (const input of inputs) {
        const call = (bls: EVMBLSInterface) =>
          resultOf(() => (bls[method] as (input: Uint8Array) => Uint8Array)(input))
        assert.equal(call(native.bls), call(nobleBls), toHex(input))
      }
    })
})
