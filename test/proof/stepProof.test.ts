import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Rows } from '../../compute/backend.ts'
import { commitWeights, proveLease } from '../../proof/prover.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import type { Job } from '../../registry/job.ts'
import { randomRows } from '../compute/support.ts'
import { extremeState, type TrainedLease, tinyJob, trainLease } from './support.ts'

/** The quick ones; `golden.test.ts` and `judges.test.ts` prove with the reference. */
const kernels = openWasmKernels()

function assertValid({ claim, before, steps, batches }: TrainedLease): void {
  const { statement, proof } = proveLease(claim, before, steps, batches, kernels)
  assert.deepEqual(verifyStepProof(statement, batches, proof), { ok: true, value: 'valid' })
  assert.equal(statement.before, commitWeights(claim.job, before))
  assert.equal(statement.after, commitWeights(claim.job, steps.at(-1)!.state))
  assert.deepEqual(
    statement.losses,
    steps.map(({ report }) => report.loss),
  )
}

const zeroRows = ({ batch, layers }: Job): Rows => ({
  count: batch,
  features: new Int8Array(batch * layers[0]!),
  labels: new Uint32Array(batch),
})

describe('honest leases are accepted', () => {
  it('of random shapes, batches, shifts and lengths', async () => {
    const width = fc.integer({ min: 1, max: 8 })
    const cases = fc.record({
      layers: fc.array(width, { minLength: 2, maxLength: 5 }),
      batch: fc.integer({ min: 1, max: 6 }),
      leaseSteps: fc.integer({ min: 1, max: 4 }),
      forward: fc.integer({ min: 1, max: 6 }),
      backward: fc.integer({ min: 1, max: 5 }),
      update: fc.integer({ min: 0, max: 3 }),
      extreme: fc.boolean(),
      seed: fc.integer({ min: 0, max: 10_000 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ layers, batch, leaseSteps, seed, extreme, ...shifts }) => {
        const depth = layers.length - 1
        const of = (value: number, length: number) =>
          Array.from({ length }, (_, i) => value + ((seed + i) % 2))
        const job = tinyJob(layers, {
          batch,
          leaseSteps,
          forwardShifts: of(shifts.forward, depth),
          schedule: [0, 2].map((fromStep) => ({
            fromStep,
            updateShifts: of(shifts.update, depth),
            backwardShifts: of(shifts.backward + fromStep / 2, depth - 1),
          })),
        })
        const state = extreme ? extremeState(job, seed) : undefined
        assertValid(await trainLease(job, seed, state))
      }),
      { numRuns: 6 },
    )
  }, 120_000)

  it('of data that is all zero, and of a model that is', async () => {
    const job = tinyJob([4, 3, 2])
    assertValid(await trainLease(job, 1, undefined, () => zeroRows(job)))
    const lease = await trainLease(job, 1)
    const zero = {
      layers: lease.before.layers.map((layer) => ({
        ...layer,
        w: new Int8Array(layer.w.length),
        rho: new Uint32Array(layer.rho.length),
      })),
    }
    assertValid(await trainLease(job, 1, zero))
  })

  it('with more saturated weights than a proof lists', async () => {
    const job = tinyJob([17, 20, 9], { batch: 5, leaseSteps: 2 })
    const lease = await trainLease(job, 3, extremeState(job, 3))
    assert.ok(lease.steps.reduce((sum, { report }) => sum + report.saturated, 0) > 256)
    assertValid(lease)
  })

  it('with losses in several chunks', async () => {
    // 40 outputs · 2^10 > 2^15 indices
    const job = tinyJob([3, 40], { batch: 1000, fractionBits: 12 })
    assertValid(await trainLease(job, 5))
  }, 30_000)

  it('with labels that the model has no output for', async () => {
    const job = tinyJob([4, 3])
    const rows = { ...randomRows(job, 3), labels: Uint32Array.of(0, 3, 77) }
    assertValid(await trainLease(job, 1, undefined, () => rows))
  })

  it('where a table has as many rows as a layer of one unit has cells', async () => {
    const job = tinyJob([4, 3, 1], { batch: 2, fractionBits: 1 })
    assertValid(await trainLease(job, 1))
  })

  it('where weights and activations share one code', async () => {
    assertValid(await trainLease(tinyJob([8, 8, 4], { batch: 4, leaseSteps: 2 }), 9))
  })
})

describe('commitments', () => {
  it('are functions of the weights and the length of leases', async () => {
    const layers = [5, 4, 3]
    const lease = await trainLease(tinyJob(layers), 1)
    const commitments = [{ batch: 1 }, { batch: 64 }, { fractionBits: 8 }].map((change) => {
      const job = tinyJob(layers, change)
      return commitWeights(job, lease.before)
    })
    assert.equal(new Set(commitments).size, 1)
    const { steps } = lease
    assert.notEqual(commitWeights(lease.claim.job, steps[0]!.state), commitments[0])
  })

  it('depend on the layout', async () => {
    const a = await trainLease(tinyJob([2, 3]), 1)
    const [layer] = a.before.layers
    const other = { layers: [{ ...layer!, width: 2, inner: 3 }] }
    assert.notEqual(
      commitWeights({ layers: [2, 3], leaseSteps: 1 }, a.before),
      commitWeights({ layers: [3, 2], leaseSteps: 1 }, other),
    )
  })
})
