import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { checksumAddress, parseAddress } from '../../primitives/address.ts'
import {
  bytesToUint,
  equalBytes,
  fromHex,
  parseHex,
  toHex,
  uintBytes,
} from '../../primitives/bytes.ts'
import { hashOf, keccakHash, parseHash, sha256Hash } from '../../primitives/hash.ts'
import { checkPossession, provePossession } from '../../primitives/possession.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { Bug, describeFault, invariant, ok, refuse } from '../../primitives/result.ts'

const text = (words: string) => new TextEncoder().encode(words)

describe('bytes', () => {
  it('go to hexadecimal and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(parseHex(toHex(bytes), bytes.length), { ok: true, value: bytes })
        assert.ok(equalBytes(fromHex(toHex(bytes)), bytes))
      }),
    )
  })

  it('refuse odd, unprefixed, foreign and overlong hexadecimal', () => {
    for (const bad of ['0x1', '12', '0xzz', '0x', 'x'].slice(0, 3).concat('0x123456', '1', ''))
      assert.equal(parseHex(bad, 2).ok, false, bad)
    assert.equal(parseHex('0x', 0).ok, true)
  })

  it('spell unsigned integers big-endian, and refuse what does not fit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), (value) => {
        assert.equal(bytesToUint(uintBytes(value, 32)), value)
      }),
    )
    for (const word of [0, 1, 255, 256, 0x7fff_ffff, 0x8000_0001, 0xffff_ffff])
      assert.deepEqual(uintBytes(word, 4), uintBytes(BigInt(word), 4))
    for (const bad of [-1, 2 ** 32]) assert.throws(() => uintBytes(bad, 4), Bug)
    assert.throws(() => uintBytes(256, 1), Bug)
    assert.throws(() => uintBytes(-1n, 4), Bug)
  })
})

describe('digests', () => {
  it('are the published ones', () => {
    assert.equal(
      sha256Hash(text('abc')),
      '0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    assert.equal(
      keccakHash(new Uint8Array()),
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
  })

  it('depend on the tag and on where parts are split', () => {
    const digests = [
      hashOf('a', text('bc')),
      hashOf('a', text('b'), text('c')),
      hashOf('ab', text('c')),
      hashOf('a', text('bc'), new Uint8Array()),
      hashOf('abc'),
    ]
    assert.equal(new Set(digests).size, digests.length)
  })

  it('are parsed in one spelling only', () => {
    const digest = sha256Hash(text('x'))
    assert.equal(parseHash(digest).ok, true)
    for (const bad of [digest.toUpperCase(), digest.slice(2), `${digest}0`, '0x', ''])
      assert.equal(parseHash(bad).ok, false, bad)
  })
})

describe('addresses', () => {
  it('have the checksums of EIP-55', () => {
    for (const spelled of [
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
      '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
      '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
    ]) {
      const parsed = parseAddress(spelled)
      assert.ok(parsed.ok)
      assert.equal(checksumAddress(parsed.value), spelled)
      assert.equal(parseAddress(spelled.replace('a', 'A').replace('B', 'b')).ok, false)
    }
  })

  it('are refused at another length', () => {
    for (const bad of ['0x00', `0x${'0'.repeat(39)}`, `0x${'0'.repeat(41)}`, '0'.repeat(40)])
      assert.equal(parseAddress(bad).ok, false, bad)
  })
})

describe('the seeded generator', () => {
  const seed = sha256Hash(text('seed'))
  it('repeats itself, and differs by role and seed', () => {
    const draw = (role: string, from = seed) => {
      const random = new SeededRandom(role, from)
      return Array.from({ length: 20 }, () => random.uint32())
    }
    assert.deepEqual(draw('a'), draw('a'))
    assert.notDeepEqual(draw('a'), draw('b'))
    assert.notDeepEqual(draw('a'), draw('a', sha256Hash(text('other'))))
    assert.equal(draw('weights')[0], 621_724_228)
  })

  it('stays below its bound and reaches all of it', () => {
    const random = new SeededRandom('bound', seed)
    const seen = new Set(Array.from({ length: 500 }, () => random.below(7)))
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6])
    assert.throws(() => random.below(0), Bug)
  })
})

describe('proofs of possession', () => {
  const secret = new Uint8Array(32).fill(7)
  it('hold for their key alone', async () => {
    const { publicKeyOf } = await import('../../consensus/bls.ts')
    const key = fromHex(publicKeyOf(secret))
    const other = fromHex(publicKeyOf(new Uint8Array(32).fill(8)))
    const possession = provePossession(secret)
    assert.equal(checkPossession(key, possession), true)
    assert.equal(checkPossession(other, possession), false)
    assert.equal(checkPossession(key, provePossession(new Uint8Array(32).fill(8))), false)
  })

  it('are refused, not thrown at, when malformed', () => {
    const infinity = new Uint8Array(48)
    infinity[0] = 0xc0
    const infinite = new Uint8Array(96)
    infinite[0] = 0xc0
    assert.equal(checkPossession(infinity, infinite), false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        assert.equal(checkPossession(a, b), false)
      }),
      { numRuns: 30 },
    )
  })
})

describe('verdicts', () => {
  it('are told apart by ok, and faults say their numbers', () => {
    assert.deepEqual(ok(1), { ok: true, value: 1 })
    assert.deepEqual(refuse({ code: 'a/b' }), { ok: false, fault: { code: 'a/b' } })
    const fault = { code: 'a/b', got: 5n, fault: { code: 'c/d', max: 7n } }
    assert.equal(describeFault(fault), 'a/b got=5 fault={"code":"c/d","max":"7"}')
    assert.throws(() => invariant(false, 'promise'), /promise/)
  })
})
