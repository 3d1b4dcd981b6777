import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { batchRows, rowOrder, stepsPerEpoch } from '../../compute/batch.ts'
import { seedOf } from './support.ts'

describe('batches', () => {
  it('an epoch is a permutation of the rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000 }),
        fc.nat(1_000),
        fc.nat(),
        (rows, epoch, seed) => {
          const order = rowOrder({ seed: seedOf(seed), rows }, epoch)
          const seen = new Set(Array.from({ length: rows }, (_, place) => order(place)))
          assert.equal(seen.size, rows)
          assert.ok([...seen].every((row) => Number.isInteger(row) && row >= 0 && row < rows))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('works up to the largest dataset', () => {
    const order = rowOrder({ seed: seedOf(1), rows: 2 ** 32 - 1 }, 0)
    const seen = new Set([0, 1, 2 ** 31, 2 ** 32 - 2].map(order))
    assert.equal(seen.size, 4)
    assert.ok([...seen].every((row) => row >= 0 && row < 2 ** 32 - 1))
  })

  it('steps of an epoch share no row, and the tail waits', () => {
    const plan = { seed: seedOf(1), rows: 103, batch: 10 }
    assert.equal(stepsPerEpoch(plan), 10)
    const epoch = Array.from({ length: 10 }, (_, step) => [...batchRows(plan, step)]).flat()
    assert.equal(new Set(epoch).size, 100)
    const order = rowOrder(plan, 1)
    const first = Array.from({ length: 10 }, (_, i) => order(i))
    assert.deepEqual([...batchRows(plan, 10)], first)
  })

  it('orders differ by epoch and by seed, and look shuffled', () => {
    const rows = 1_000
    const orders = [
      rowOrder({ seed: seedOf(1), rows }, 0),
      rowOrder({ seed: seedOf(1), rows }, 1),
      rowOrder({ seed: seedOf(2), rows }, 0),
    ].map((order) => Array.from({ length: rows }, (_, place) => order(place)))
    for (const [i, order] of orders.entries()) {
      const other = orders[(i + 1) % 3]!
      const same = order.filter((row, place) => row === other[place]).length
      const fixed = order.filter((row, place) => row === place).length
      // Each is Poisson with mean 1.
      assert.ok(same < 10 && fixed < 10, `${same} equal, ${fixed} fixed`)
    }
  })

  it('is the same on every machine', () => {
    const plan = { seed: seedOf(7), rows: 60_000, batch: 5 }
    assert.deepEqual(
      [0, 1, 11_999, 12_000].map((step) => [...batchRows(plan, step)]),
      [
        [6024, 17881, 37146, 20635, 43430],
        [31590, 53030, 38427, 39744, 9528],
        [22065, 39194, 32200, 40020, 8156],
        [43221, 16271, 43135, 48940, 53243],
      ],
    )
  })
})
