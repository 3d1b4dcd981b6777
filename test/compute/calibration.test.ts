import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Backend, Rows } from '../../compute/backend.ts'
import { calibrate, slowDown } from '../../compute/calibration.ts'
import { initialState } from '../../compute/modelState.ts'
import { openWasmBackend } from '../../compute/wasmBackend.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { jobOf, seedOf } from './support.ts'

/** Images whose class shows: pixels of a class are brighter where its pattern is. */
function patternRows(features: number, count: number, seed: number): Rows {
  const pattern = new SeededRandom('pattern', seedOf(0))
  const bright = Array.from({ length: 10 * features }, () => pattern.below(4) === 0)
  const random = new SeededRandom('rows', seedOf(seed))
  const labels = Uint32Array.from({ length: count }, () => random.below(10))
  const pixels = Int8Array.from({ length: count * features }, (_, i) => {
    const row = Math.floor(i / features)
    const lit = bright[labels[row]! * features + (i % features)]
    return random.below(lit ? 128 : 24)
  })
  return { count, features: pixels, labels }
}

describe('calibration', () => {
  let backend: Backend
  beforeAll(async () => {
    backend = await openWasmBackend()
  })
  afterAll(() => backend.close())

  it('keeps errors alive through ten layers, and they learn', async () => {
    const layers = [196, ...Array.from({ length: 9 }, () => 64), 10]
    const batch = 32
    const rows = patternRows(196, 512, 1)
    const recipe = await calibrate({ layers, batch, seed: seedOf(1), rows, backend })
    const job = jobOf(layers, { ...recipe, batch })
    const session = await backend.open(job, initialState(job, seedOf(2)))
    const losses: bigint[] = []
    for (let step = 0; step < 120; step++) {
      const { loss, zeroErrors } = await session.step(step, patternRows(196, batch, step))
      losses.push(loss)
      for (const [i, zeros] of zeroErrors.entries()) {
        const share = zeros / (batch * layers[i + 1]!)
        if (step < 40) assert.ok(share < 0.95, `step ${step}, layer ${i + 1}: ${share} zero`)
      }
    }
    await session.close()
    const mean = (from: number) => losses.slice(from, from + 10).reduce((a, b) => a + b, 0n)
    assert.ok(mean(110) * 2n < mean(0), `loss ${mean(0)} -> ${mean(110)}`)
  })

  it('stays within what a job may say', async () => {
    for (const batch of [1, 64, 1024]) {
      const layers = [784, 128, 64, 10]
      const rows = patternRows(784, 64, 1)
      const recipe = await calibrate({ layers, batch, seed: seedOf(1), rows, backend })
      assert.ok(recipe.fractionBits >= 16 && recipe.fractionBits <= 20)
      assert.ok(recipe.forwardShifts.every((s) => s >= 1 && s <= 10))
      const [phase] = recipe.schedule
      assert.ok(phase!.backwardShifts.every((t) => t >= 1 && t <= 10))
      assert.ok(phase!.updateShifts.every((u) => u >= 0 && u <= 20))
      assert.deepEqual([phase!.updateShifts.length, phase!.backwardShifts.length], [3, 2])
    }
  })

  it('slows down by a phase, raising F when there is no room below', () => {
    const recipe = {
      fractionBits: 17,
      forwardShifts: [9, 6],
      initBound: 16,
      schedule: [{ fromStep: 0, updateShifts: [0, 2], backwardShifts: [5] }],
    }
    assert.deepEqual(slowDown(recipe, 100, 1), {
      ...recipe,
      fractionBits: 18,
      schedule: [
        { fromStep: 0, updateShifts: [1, 3], backwardShifts: [5] },
        { fromStep: 100, updateShifts: [0, 2], backwardShifts: [5] },
      ],
    })
  })
})
