import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { bondedSeconds, trustingPeriodS } from '../../params/trustingPeriod.ts'

describe('the trusting period', () => {
  it('is two weeks where stake stays bonded for longer', () => {
    const params = { epochLength: 2_048, unbondingEpochs: 1_000, minBlockIntervalMs: 1_000 }
    assert.equal(trustingPeriodS(params), 1_209_600n)
  })

  it('is nothing where stake leaves at once', () => {
    const params = { epochLength: 2_048, unbondingEpochs: 1, minBlockIntervalMs: 1_000 }
    assert.equal(trustingPeriodS(params), 0n)
  })

  it('ends before stake is gone that began to leave in the last block of an epoch', () => {
    const whole = (min: number, max: number) => fc.integer({ min, max })
    const params = fc.record({
      epochLength: whole(4, 65_536),
      unbondingEpochs: whole(2, 65_536),
      minBlockIntervalMs: whole(1_000, 60_000),
    })
    fc.assert(
      fc.property(params, (chosen) => {
        const { epochLength, unbondingEpochs, minBlockIntervalMs } = chosen
        const began = epochLength - 1
        const gone = epochLength * unbondingEpochs
        const shortest = (BigInt(gone - began) * BigInt(minBlockIntervalMs)) / 1_000n
        assert.ok(trustingPeriodS(chosen) < bondedSeconds(chosen))
        assert.ok(bondedSeconds(chosen) <= shortest)
      }),
    )
  })
})
