import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { initialState } from '../../compute/modelState.ts'
import { commitWeights } from '../../proof/prover.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { checkWeightsOpening, openWeights } from '../../proof/weightsTree.ts'
import { digest } from '../registry/world.ts'
import { tinyJob } from './support.ts'

const kernels = openWasmKernels()

describe('a position of the commitment to weights', () => {
  it('is shown by who has the weights, from any kernels and of any shape', () => {
    for (const layers of [
      [3, 2],
      [8, 6, 3],
      [5, 40, 7, 2],
    ]) {
      const job = tinyJob(layers)
      const state = initialState(job, digest('seed'))
      const commitment = commitWeights(job, state)
      for (const index of [0, 1, 77, 4_294_967_295]) {
        const opening = openWeights(job, state, index, kernels)
        assert.deepEqual(openWeights(job, state, index, referenceKernels), opening)
        assert.ok(checkWeightsOpening(job, commitment, index, opening))
      }
    }
  })

  it('is refused with one wrong byte, for another position, commitment or shape', () => {
    const job = tinyJob([8, 6, 3])
    const state = initialState(job, digest('seed'))
    const commitment = commitWeights(job, state)
    const { data, path } = openWeights(job, state, 5, kernels)
    const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    const wrong = [
      { data: flipped(data), path },
      { data: data.subarray(4), path },
      { data: new Uint8Array(), path: [] },
      { data, path: path.slice(1) },
      { data, path: [...path, path[0]!] },
      { data, path: path.with(0, flipped(path[0]!)) },
      { data, path: path.toReversed() },
    ]
    for (const opening of wrong) assert.ok(!checkWeightsOpening(job, commitment, 5, opening))
    assert.ok(!checkWeightsOpening(job, commitment, 4, { data, path }))
    assert.ok(!checkWeightsOpening(job, digest('other'), 5, { data, path }))
    assert.ok(!checkWeightsOpening(tinyJob([6, 8, 3]), commitment, 5, { data, path }))
  })
})
