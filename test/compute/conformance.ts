import assert from 'node:assert/strict'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Backend, Rows } from '../../compute/backend.ts'
import { commitState, initialState, type ModelState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { agreesWithReference } from '../../compute/selfTest.ts'
import { maxInnerDim } from '../../params/protocol.ts'
import type { Job } from '../../registry/job.ts'
import { jobOf, randomRows, randomValues, seedOf } from './support.ts'

const reference = referenceBackend

/** Cases tried of each property; a backend that compiles for every shape tries fewer. */
export type Effort = { readonly productRuns: number; readonly jobRuns: number }

/** What every {@link Backend} owes its callers: the reference's bits. Run it once per implementation. */
export function backendConformance(
  name: string,
  open: () => Promise<Backend>,
  { productRuns, jobRuns }: Effort,
): void {
  describe(`backend: ${name}`, { timeout: 120_000 }, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    }, 120_000)
    afterAll(() => backend.close())

    it('gives the products of the reference for any shape', async () => {
      const side = fc.integer({ min: 1, max: 70 })
      const shapes = fc.record({ rows: side, width: side, inner: side })
      await fc.assert(
        fc.asyncProperty(shapes, fc.nat(), async (shape, seed) => {
          const { rows, width, inner } = shape
          const a = randomValues(rows * inner, seed)
          const w = randomValues(width * inner, seed + 1)
          const d = randomValues(rows * width, seed + 2)
          for (const [name, left, right] of [
            ['forward', a, w],
            ['backward', d, w],
            ['gradient', d, a],
          ] as const) {
            const expected = await reference.products[name](left, right, shape)
            assert.deepEqual(await backend.products[name](left, right, shape), expected, name)
          }
        }),
        { numRuns: productRuns },
      )
    })

    it('is exact at the longest contraction and the largest operands, of either sign', async () => {
      const K = maxInnerDim
      const sum = 127 * 127 * K
      const a = new Int8Array(2 * K).fill(127)
      // Rows of one sign each where the contraction is along, columns where it is down.
      const along = new Int8Array(2 * K).fill(127, 0, K).fill(-127, K)
      const down = Int8Array.from({ length: 2 * K }, (_, i) => (i % 2 === 0 ? 127 : -127))
      const expected = Int32Array.of(sum, -sum, sum, -sum)
      const { forward, backward, gradient } = backend.products
      assert.deepEqual(await forward(a, along, { rows: 2, width: 2, inner: K }), expected)
      assert.deepEqual(await backward(a, down, { rows: 2, width: K, inner: 2 }), expected)
      assert.deepEqual(await gradient(a, down, { rows: K, width: 2, inner: 2 }), expected)
    })

    it('gives the steps of the reference for any job', async () => {
      await fc.assert(
        fc.asyncProperty(anyJob, fc.nat(), async (job, seed) => {
          const state = initialState(job, seedOf(seed))
          await sameSteps(
            backend,
            job,
            state,
            [0, 1, 2].map((step) => randomRows(job, seed + step)),
          )
        }),
        { numRuns: jobRuns },
      )
    })

    it('saturates as the reference does, and keeps fractions at both edges', async () => {
      const schedule = [{ fromStep: 0, updateShifts: [6, 9], backwardShifts: [1] }]
      const job = jobOf([24, 20, 9], { batch: 16, fractionBits: 10, initBound: 127, schedule })
      const rows = { ...randomRows(job, 4), features: new Int8Array(16 * 24).fill(127) }
      for (const fraction of [0, 1023]) {
        const layers = initialState(job, seedOf(3)).layers.map((layer) => ({
          ...layer,
          rho: layer.rho.fill(fraction),
        }))
        const saturated = await sameSteps(backend, job, { layers }, [rows, rows, rows])
        assert.ok(saturated > 0)
      }
    })

    it('takes labels without an output as all-zero targets', async () => {
      const job = jobOf([9, 5], { batch: 4 })
      const rows = randomRows(job, 1)
      const labels = Uint32Array.of(5, 4, 65_535, 4_294_967_295)
      await sameSteps(backend, job, initialState(job, seedOf(1)), [{ ...rows, labels }])
    })

    it('follows the phases of a schedule', async () => {
      const job = jobOf([10, 12, 6], {
        schedule: [
          { fromStep: 0, updateShifts: [4, 4], backwardShifts: [4] },
          { fromStep: 2, updateShifts: [1, 0], backwardShifts: [6] },
        ],
      })
      const rows = [0, 1, 2, 3].map((step) => randomRows(job, step))
      await sameSteps(backend, job, initialState(job, seedOf(1)), rows)
    })

    it('gives outputs for any number of rows, between steps', async () => {
      const job = jobOf([11, 13, 7], { batch: 5 })
      const state = initialState(job, seedOf(2))
      const [mine, theirs] = [await backend.open(job, state), await reference.open(job, state)]
      for (const count of [1, 64, 5, 200, 3]) {
        const rows = randomRows({ ...job, batch: count }, count)
        assert.deepEqual(await mine.outputs(rows), await theirs.outputs(rows), `${count} rows`)
        const batch = randomRows(job, count)
        assert.deepEqual(await mine.step(count, batch), await theirs.step(count, batch))
      }
      await mine.close()
    })

    it('keeps sessions apart', async () => {
      const job = jobOf([11, 13, 7])
      const [a, b] = [initialState(job, seedOf(1)), initialState(job, seedOf(2))]
      const [first, second] = [await backend.open(job, a), await backend.open(job, b)]
      const rows = randomRows(job, 1)
      await first.step(0, rows)
      assert.deepEqual(await second.state(), b)
      await first.close()
      const third = await backend.open(job, a)
      await third.step(0, rows)
      assert.deepEqual(await second.state(), b)
      await Promise.all([second.close(), third.close()])
    })

    it('passes the self-test', async () => {
      assert.equal(await agreesWithReference(backend), true)
    })
  })
}

/** Runs the batches on both backends; weights and reports must agree after each. Returns saturations. */
export async function sameSteps(
  backend: Backend,
  job: Job,
  state: ModelState,
  batches: readonly Rows[],
): Promise<number> {
  const [mine, theirs] = [await backend.open(job, state), await reference.open(job, state)]
  let saturated = 0
  for (const [step, rows] of batches.entries()) {
    const expected = await theirs.step(step, rows)
    assert.deepEqual(await mine.step(step, rows), expected)
    saturated += expected.saturated
    const commitment = commitState(job, await theirs.state())
    assert.equal(commitState(job, await mine.state()), commitment)
  }
  await mine.close()
  return saturated
}

const anyJob = fc
  .record({
    layers: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 5 }),
    batch: fc.integer({ min: 1, max: 40 }),
    fractionBits: fc.integer({ min: 1, max: 20 }),
    shift: fc.integer({ min: 1, max: 10 }),
    rate: fc.integer({ min: 0, max: 10 }),
    initBound: fc.integer({ min: 1, max: 127 }),
  })
  .map(({ layers, shift, rate, ...rest }) => {
    const depth = layers.length - 1
    const times = (value: number, count: number) => Array.from({ length: count }, () => value)
    const phase = {
      fromStep: 0,
      updateShifts: times(rate, depth),
      backwardShifts: times(Math.max(1, shift - 2), depth - 1),
    }
    return jobOf(layers, { ...rest, forwardShifts: times(shift, depth), schedule: [phase] })
  })
