import assert from 'node:assert/strict'
import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { toHex } from '../../primitives/bytes.ts'
import { keccak256 } from '../../vm/keccak.ts'

describe('keccak256', () => {
  it('is that of the empty text and of "abc"', () => {
    assert.equal(
      toHex(keccak256(new Uint8Array())),
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
    assert.equal(
      toHex(keccak256(new TextEncoder().encode('abc'))),
      '0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45',
    )
  })

  it('equals the reference at every length around the rate, and for large inputs', () => {
    for (const length of [...Array(300).keys(), 16_383, 16_384, 16_385, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (7 * i + length) % 256)
      assert.deepEqual(keccak256(bytes), keccak_256(bytes))
    }
  })

  it('equals the reference for any bytes, views into others too, and keeps what it returned', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.nat(50), (bytes, from) => {
        const part = bytes.subarray(Math.min(from, bytes.length))
        const first = keccak256(part)
        const copy = first.slice()
        keccak256(bytes)
        assert.deepEqual(first, copy)
        assert.deepEqual(first, keccak_256(part))
      }),
    )
  })
})
