import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { commitState, initialState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { traceStep } from '../../compute/step.ts'
import { jobOf, randomRows, seedOf } from './support.ts'

// Commitments are on chains: a change of any number here is a change of protocol.
describe('golden vectors', () => {
  const job = jobOf([10, 8, 6, 4], { batch: 6, fractionBits: 12 })

  it('initial states', () => {
    assert.equal(
      commitState(job, initialState(job, seedOf(1))),
      '0x869da99dd3b969ba4e7a00f966dbfc02c2bfacdc24bfb19251c3c984332c668d',
    )
  })

  it('a few steps', async () => {
    const session = await referenceBackend.open(job, initialState(job, seedOf(1)))
    const losses: bigint[] = []
    for (let step = 0; step < 5; step++)
      losses.push((await session.step(step, randomRows(job, step))).loss)
    assert.deepEqual(losses, [23369n, 24007n, 24137n, 22425n, 23888n])
    assert.equal(
      commitState(job, await session.state()),
      '0x73c7a35ae3f238a4bf2d5056e06522010c294eab1504fe0f71fdf6a63d8027b8',
    )
  })

  it('a step by hand', async () => {
    // One row, two inputs, two hidden units, one output that is the label's.
    const tiny = jobOf([2, 2, 1], {
      batch: 1,
      fractionBits: 4,
      forwardShifts: [3, 2],
      schedule: [{ fromStep: 0, updateShifts: [0, 1], backwardShifts: [2] }],
    })
    const state = {
      layers: [
        { width: 2, inner: 2, w: Int8Array.of(3, -2, -5, 1), rho: Uint32Array.of(8, 0, 15, 8) },
        { width: 1, inner: 2, w: Int8Array.of(20, 7), rho: Uint32Array.of(8, 8) },
      ],
    }
    const rows = { count: 1, features: Int8Array.of(100, 10), labels: Uint32Array.of(0) }
    const trace = await traceStep(referenceBackend.products, tiny, state, 0, rows)
    const [hidden, output] = trace.layers
    // 3·100 − 2·10 and −5·100 + 10; (280 + 4) >> 3 = 35, and ReLU.
    assert.deepEqual([...hidden!.sums], [280, -490])
    assert.deepEqual([...hidden!.output], [35, 0])
    // 20·35; (700 + 2) >> 2 = 175, saturated; 127 − 64 = 63.
    assert.deepEqual([...output!.sums], [700])
    assert.deepEqual([...output!.output], [127])
    assert.deepEqual([...output!.error], [63])
    assert.equal(trace.report.loss, 3969n)
    // 20·63 = 1260, (1260 + 2) >> 2 = 315, saturated; the second unit was off.
    assert.deepEqual([...hidden!.errorSums!], [1260, 441])
    assert.deepEqual([...hidden!.error], [127, 0])
    assert.deepEqual(trace.report.zeroErrors, [1, 0])
    // G = d·a: 127·100, 127·10; 63·35.
    assert.deepEqual([...hidden!.gradient], [12_700, 1_270, 0, 0])
    assert.deepEqual([...output!.gradient], [2_205, 0])
    // U = 16·3 + 8 − 12700 = −12644: quotient −791 saturates at −127, fraction 12 is kept.
    // U = 16·(−2) + 0 − 1270 = −1302: quotient −82, fraction 10.
    assert.deepEqual([...trace.state.layers[0]!.w], [-127, -82, -5, 1])
    assert.deepEqual([...trace.state.layers[0]!.rho], [12, 10, 15, 8])
    // U = 16·20 + 8 − 2·2205 = −4082: quotient −256 saturates, fraction 14.
    assert.deepEqual([...trace.state.layers[1]!.w], [-127, 7])
    assert.deepEqual([...trace.state.layers[1]!.rho], [14, 8])
    assert.equal(trace.report.saturated, 2)
  })
})
