import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { proposer } from '../../consensus/proposer.ts'
import { seq } from '../../registry/slots.ts'
import type { ValidatorSet } from '../../registry/validatorSet.ts'
import { makeSet, makeValidator } from './fixtures.ts'

const weights = fc.array(fc.bigInt({ min: 1n, max: 1_000_000n }), { minLength: 1, maxLength: 12 })

describe('seq', () => {
  it('apportions places by Sainte-Laguë', () => {
    assert.deepEqual(seq([3n, 2n, 1n], 6), [0, 1, 0, 2, 1, 0])
    assert.deepEqual(seq([1n, 1n, 1n], 7), [0, 1, 2, 0, 1, 2, 0])
    assert.deepEqual(seq([0n, 5n], 3), [1, 1, 1])
  })

  it('gives everybody its quota but for rounding that stays small', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 200 }), (powers, length) => {
        const total = powers.reduce((a, b) => a + b, 0n)
        const counts = powers.map((_, i) => seq(powers, length).filter((x) => x === i).length)
        assert.equal(
          counts.reduce((a, b) => a + b, 0),
          length,
        )
        for (const [i, count] of counts.entries()) {
          const quota = (Number(powers[i]!) * length) / Number(total)
          assert.ok(Math.abs(count - quota) <= 1 + powers.length / 4, `${count} of ${quota}`)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('is a prefix of every longer one', () => {
    fc.assert(
      fc.property(weights, (powers) => {
        assert.deepEqual(seq(powers, 20), seq(powers, 50).slice(0, 20))
      }),
      { numRuns: 50 },
    )
  })
})

/** Everybody votes alike, but slots go to the first alone: it did all the work. */
const oneWorker: ValidatorSet = {
  epoch: 0,
  validators: [0, 1, 2, 3].map((i) => makeValidator(i, 10n, { slotWeight: i === 0 ? 100n : 0n })),
}

function withJailed(set: ValidatorSet, ...jailed: readonly number[]): ValidatorSet {
  const validators = set.validators.map((validator, i) => ({
    ...validator,
    jailed: jailed.includes(i),
  }))
  return { ...set, validators }
}

describe('proposer', () => {
  it('follows slot weights in round 0 and power afterwards', () => {
    for (let height = 1n; height < 20n; height++) {
      assert.equal(proposer(oneWorker, height, 0, 16), 0)
      const later = [1, 2, 3, 4, 5, 6].map((round) => proposer(oneWorker, height, round, 16))
      assert.ok(!later.includes(0), 'whoever failed in round 0 has no turn')
      assert.equal(new Set(later).size, 3, 'everybody else has one')
    }
  })

  it('gives each its share of an epoch', () => {
    const set = makeSet([10, 20, 30, 40])
    const counts = [0, 0, 0, 0]
    for (let height = 0n; height < 100n; height++) counts[proposer(set, height, 0, 100)]!++
    assert.deepEqual(counts, [10, 20, 30, 40])
  })

  it('skips the jailed at once, in every early round', () => {
    const jailed = withJailed(oneWorker, 0, 2)
    for (let height = 0n; height < 40n; height++)
      for (let round = 0; round < 8; round++) {
        const index = proposer(jailed, height, round, 16)
        assert.ok(!jailed.validators[index]!.jailed, `${height}/${round}`)
      }
    const set = withJailed(makeSet([1, 1, 1, 1]), 1)
    for (let height = 0n; height < 40n; height++) assert.notEqual(proposer(set, height, 0, 16), 1)
  })

  it('lets the next entry take the place of a jailed one', () => {
    const set = makeSet([1, 1, 1, 1])
    assert.equal(proposer(set, 1n, 0, 16), 1)
    assert.equal(proposer(withJailed(set, 1), 1n, 0, 16), 2)
    assert.equal(proposer(withJailed(set, 1, 2), 1n, 0, 16), 3)
  })

  it('leaves nobody out from round 8 on, jailed, small or failed in round 0', () => {
    const small = makeSet([1_000_000, 1_000_000, 1_000_000, 1])
    for (const set of [withJailed(oneWorker, 1), withJailed(small, 0)])
      for (let height = 0n; height < 20n; height++) {
        const rounds = [...Array(2 * set.validators.length).keys()].map((round) => 8 + round)
        const late = rounds.map((round) => proposer(set, height, round, 16))
        assert.equal(new Set(late).size, 4, `${height}: ${late}`)
      }
  })

  it('gives late rounds to members by power, too', () => {
    const set = makeSet([1_000_000, 1_000_000, 1_000_000, 1])
    const late = [...Array(24).keys()].map((round) => proposer(set, 5n, 8 + round, 16))
    const byPower = late.filter((_, i) => i % 2 === 0)
    assert.deepEqual(
      byPower,
      [...Array(12).keys()]
        .map((i) => (5 + i) % 16)
        .map((at) => seq([1_000_000n, 1_000_000n, 1_000_000n, 1n], 16)[at]),
    )
  })

  it('always names somebody', () => {
    const alone = makeSet([1])
    const all = withJailed(makeSet([1, 1]), 0, 1)
    for (let round = 0; round < 5; round++) {
      assert.equal(proposer(alone, 9n, round, 16), 0)
      assert.ok(proposer(all, 9n, round, 16) < 2)
    }
  })
})
