import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  drawSubsets,
  gainsOf,
  type LossOf,
  maxValued,
  shareByValue,
  subsetsToTrain,
  valuesOf,
} from '../../registry/dataValue.ts'
import { digest } from './world.ts'

/** A row of data: what it teaches. Models learn a fact once, however many rows tell it. */
type Rows = readonly number[]

/** Loss of a model that knows what its rows teach: each fact of 64 is worth less than the one before. */
function lossWith(datasets: readonly Rows[]): LossOf {
  return (subset) => {
    const facts = new Set(datasets.flatMap((rows, i) => ((subset >> i) & 1 ? rows : [])))
    return 4_096_000n / BigInt(1 + facts.size)
  }
}

/** Values over every subset: without chance. */
const exact = (datasets: readonly Rows[]) =>
  valuesOf(drawSubsets(digest('beacon'), datasets.length, 256), datasets.length, lossWith(datasets))

/** The sum of gains without the rule of least contribution, in parts of the subsets looked at. */
function meanGain(datasets: readonly Rows[], index: number): number {
  const drawn = drawSubsets(digest('beacon'), datasets.length, 256)
  const gains = gainsOf(drawn, datasets.length, index, lossWith(datasets))
  return Number(gains.reduce((a, b) => a + b, 0n)) / drawn.length
}

const rows = fc.uniqueArray(fc.nat(63), { minLength: 1, maxLength: 20 })
const several = (min: number, max: number) => fc.array(rows, { minLength: min, maxLength: max })

describe('the value of a dataset', () => {
  it('does not depend on the order of the datasets', () => {
    fc.assert(
      fc.property(several(2, 6), fc.nat(), (datasets, turn) => {
        const by = turn % datasets.length
        const turned = [...datasets.slice(by), ...datasets.slice(0, by)]
        const values = exact(datasets)
        assert.deepEqual(exact(turned), [...values.slice(by), ...values.slice(0, by)])
      }),
      { numRuns: 40 },
    )
  })

  it('does not depend on the order of the rounds', () => {
    fc.assert(
      fc.property(several(2, 5), fc.integer(), (datasets, salt) => {
        const drawn = drawSubsets(digest(`beacon ${salt}`), datasets.length, 3)
        const loss = lossWith(datasets)
        assert.deepEqual(
          valuesOf(drawn, datasets.length, loss),
          valuesOf(drawn.toReversed(), datasets.length, loss),
        )
      }),
      { numRuns: 40 },
    )
  })

  it('is 0 of rows that teach nothing, and of rows that mislead', () => {
    fc.assert(
      fc.property(several(1, 6), (datasets) => {
        const last = datasets.length
        assert.equal(exact([...datasets, []])[last], 0n)
        const loss = lossWith(datasets)
        const misled: LossOf = (subset) => loss(subset) + ((subset >> last) & 1 ? 500n : 0n)
        const drawn = drawSubsets(digest('beacon'), last + 1, 16)
        assert.equal(valuesOf(drawn, last + 1, misled)[last], 0n)
      }),
      { numRuns: 40 },
    )
  })

  it('is not raised by copies: all together they are worth no more than one', () => {
    fc.assert(
      fc.property(several(2, 4), fc.integer({ min: 2, max: 4 }), (datasets, copies) => {
        const alone = meanGain(datasets, 0)
        const copied = [...datasets, ...Array.from({ length: copies - 1 }, () => datasets[0]!)]
        const own = [0, ...Array.from({ length: copies - 1 }, (_, i) => datasets.length + i)]
        const together = own.reduce((sum, index) => sum + meanGain(copied, index), 0)
        assert.ok(together <= alone * (1 + 1e-9), `${together} of ${copies}, ${alone} of one`)
        if (copies === 2) assert.ok(Math.abs(together - alone) <= alone * 1e-9)
      }),
      { numRuns: 40 },
    )
  })

  it('is not changed by halving a dataset: the halves have together what the whole had', () => {
    fc.assert(
      fc.property(several(2, 5), fc.nat(19), ([whole, ...others], at) => {
        const halves = [whole!.slice(0, at), whole!.slice(at)]
        const parts = [...halves, ...others]
        const together = meanGain(parts, 0) + meanGain(parts, 1)
        const alone = meanGain([whole!, ...others], 0)
        assert.ok(Math.abs(together - alone) <= alone * 1e-9, `${together} of halves, ${alone}`)
      }),
      { numRuns: 40 },
    )
  })

  it('of a tiny dataset beside large ones is nothing: it falls short of the least contribution', () => {
    const large = (from: number) => Array.from({ length: 30 }, (_, i) => from + i)
    const [first, second, tiny] = exact([large(0), large(20), [63]])
    assert.ok(first! > 0n && second! > 0n)
    assert.equal(tiny, 0n)
  })

  it('of several tiny datasets is nothing either, though they teach much beside each other', () => {
    const large = Array.from({ length: 30 }, (_, i) => i)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), (count) => {
        const tiny = Array.from({ length: count }, (_, i) => [40 + i])
        const [first, ...others] = exact([large, ...tiny])
        assert.ok(first! > 0n)
        assert.deepEqual(
          others,
          tiny.map(() => 0n),
        )
      }),
    )
  })

  it('is 0 where the gain is within chance', () => {
    // Of four datasets the first alone changes anything, by another amount beside each subset.
    const loss =
      (gains: readonly bigint[]): LossOf =>
      (subset) =>
        subset === 0 ? 2_000n : (subset & 1) === 1 ? 1_000n - gains[subset >> 1]! : 1_000n
    const values = (a: bigint, b: bigint, c: bigint) =>
      valuesOf([6, 10, 12], 4, loss([0n, 0n, 0n, a, 0n, b, c, 0n]))
    assert.deepEqual(values(10n, 12n, 9n), [31n, 0n, 0n, 0n])
    assert.deepEqual(values(90n, -60n, 10n), [0n, 0n, 0n, 0n])
    assert.deepEqual(values(-1n, -1n, -1n), [0n, 0n, 0n, 0n])
  })
})

describe('subsets', () => {
  it('are all of them where there are few, else drawn by the beacon', () => {
    assert.deepEqual(drawSubsets(digest('a'), 2, 4), [0, 1, 2, 3])
    const drawn = drawSubsets(digest('a'), maxValued, 12)
    assert.equal(drawn.length, 12)
    assert.ok(drawn.every((subset) => subset >= 0 && subset < 256))
    assert.notDeepEqual(drawn, drawSubsets(digest('b'), maxValued, 12))
    assert.throws(() => drawSubsets(digest('a'), maxValued + 1, 12), /9 datasets/)
    assert.throws(() => drawSubsets(digest('a'), 0, 12), /0 datasets/)
  })

  it('to train are those with and without each dataset, once, and never the empty one', () => {
    assert.deepEqual(subsetsToTrain([0], 3), [1, 2, 4, 7])
    assert.deepEqual(subsetsToTrain([3, 3], 2), [1, 2, 3])
    assert.deepEqual(subsetsToTrain(drawSubsets(digest('a'), 3, 8), 3), [1, 2, 3, 4, 5, 6, 7])
  })
})

describe('shares', () => {
  it('never exceed the whole, and lose less than a wei for each dataset', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 90n), fc.array(fc.bigInt(0n, 1n << 60n)), (wei, values) => {
        const shares = shareByValue(wei, values)
        const sum = shares.reduce((a, b) => a + b, 0n)
        assert.ok(sum <= wei)
        const some = values.some((value) => value > 0n)
        assert.ok(some ? wei - sum < BigInt(Math.max(values.length, 1)) : sum === 0n)
        assert.ok(shares.every((share, i) => values[i]! > 0n || share === 0n))
      }),
    )
  })
})
