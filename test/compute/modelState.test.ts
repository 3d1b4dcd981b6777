import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  commitState,
  decodeState,
  emptyState,
  encodeState,
  initialState,
  stateBytes,
} from '../../compute/modelState.ts'
import { jobOf, seedOf } from './support.ts'

describe('model state', () => {
  it('starts uniform within the bound, with fractions in the middle', () => {
    const job = jobOf([200, 50], { initBound: 3, fractionBits: 9 })
    const [layer] = initialState(job, seedOf(1)).layers
    const counts = new Map<number, number>()
    for (const w of layer!.w) counts.set(w, (counts.get(w) ?? 0) + 1)
    assert.deepEqual(
      [...counts.keys()].sort((a, b) => a - b),
      [-3, -2, -1, 0, 1, 2, 3],
    )
    for (const [w, count] of counts) assert.ok(Math.abs(count - 10_000 / 7) < 200, `${w}: ${count}`)
    assert.ok(layer!.rho.every((rho) => rho === 256))
  })

  it('gives the same weights for the same seed, others for another', () => {
    const job = jobOf([5, 4, 3])
    const commitments = [1, 1, 2].map((seed) => commitState(job, initialState(job, seedOf(seed))))
    assert.equal(commitments[0], commitments[1])
    assert.notEqual(commitments[0], commitments[2])
  })

  it('survives its encoding at every number of fraction bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (fractionBits, seed) => {
        const job = jobOf([7, 3, 2], { fractionBits, initBound: 127 })
        const { layers } = initialState(job, seedOf(seed))
        layers[0]!.rho.set([0, 2 ** fractionBits - 1, 1])
        const bytes = encodeState(job, { layers })
        assert.equal(bytes.length, stateBytes(job))
        const decoded = decodeState(job, bytes)
        assert.ok(decoded.ok)
        assert.deepEqual(decoded.value, { layers })
      }),
    )
  })

  it('refuses any other length', () => {
    const job = jobOf([7, 3, 2], { fractionBits: 12 })
    const bytes = encodeState(job, emptyState(job))
    for (const wrong of [bytes.subarray(1), new Uint8Array(0), new Uint8Array(82)])
      assert.deepEqual(decodeState(job, wrong), {
        ok: false,
        fault: { code: 'state/length', expected: 81, got: wrong.length },
      })
  })

  it('refuses -128 and fractions beyond their bits, naming the byte', () => {
    const job = jobOf([7, 3, 2], { fractionBits: 12 })
    const bytes = encodeState(job, emptyState(job))
    const low = bytes.slice()
    low[64] = 0x80
    assert.deepEqual(decodeState(job, low), {
      ok: false,
      fault: { code: 'state/weight', offset: 64, got: -128 },
    })
    const high = bytes.slice()
    high[23] = 0x10
    assert.deepEqual(decodeState(job, high), {
      ok: false,
      fault: { code: 'state/fraction', offset: 23, limit: 4096, got: 4096 },
    })
  })

  it('refuses a huge job before it allocates', () => {
    const job = jobOf(Array.from({ length: 33 }, () => 61_440))
    const decoded = decodeState(job, new Uint8Array(10))
    assert.ok(!decoded.ok && decoded.fault.code === 'state/length')
  })
})
