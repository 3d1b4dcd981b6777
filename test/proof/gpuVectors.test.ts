import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { adapterFacts, findAdapter, requestDevice } from '../../compute/gpuAdapter.ts'
import { order } from '../../proof/babyBear.ts'
import { degree, type Elements, join } from '../../proof/extension.ts'
import { openGpuColumns } from '../../proof/gpuColumns.ts'
import { createProofGpu, type ProofGpu } from '../../proof/gpuDevice.ts'
import { openGpuVectors } from '../../proof/gpuVectors.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'

let gpu: ProofGpu

beforeAll(async () => {
  if (process.env.WAGGLE_GPU !== 'card') await useSoftwareGpu()
  const adapter = await findAdapter()
  assert.ok(adapter !== null)
  gpu = createProofGpu(await requestDevice(adapter), adapterFacts(adapter).maxBinding)
})

afterAll(() => gpu.close())

/** Canonical elements, the edges often. */
function elementsOf(seed: number, length: number): Elements {
  let state = seed + 1
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
  return Uint32Array.from({ length: degree * length }, () => {
    const kind = next() >>> 29
    return kind === 0 ? order - 1 : kind === 1 ? 0 : next() % order
  })
}

/** Odd and even lengths, one line and several, more pairs than one pass of all workgroups takes. */
const shapes = [
  [1, 1],
  [3, 1],
  [1, 2],
  [2, 7],
  [5, 64],
  [1, 129],
  [3, 11_001],
] as const

describe('vectors on a GPU are the reference, bit for bit', { timeout: 120_000 }, () => {
  it('sums and folds quads', async () => {
    const onDevice = openGpuVectors(gpu, openGpuColumns(gpu))
    for (const [i, [lines, length]] of shapes.entries()) {
      const values = elementsOf(i, 4 * lines * length)
      const half = (length + 1) >>> 1
      const [inLine, ofLine] = [elementsOf(i + 50, half), elementsOf(i + 60, lines)]
      const [r, missing] = [elementsOf(i + 70, 1), elementsOf(i + 80, 4)]
      const shape = { lines, length, width: 4 }
      await onDevice({ kind: 'place', vector: 1, words: values })
      const weights = { inLine, ofLine, missing }
      const sums = await onDevice({ kind: 'sum', vector: 1, of: 'quads', shape, ...weights })
      const expected = referenceKernels.sumQuads(values, lines, length, inLine, ofLine, missing)
      assert.deepEqual(sums, join([expected.atZero, expected.leading]))
      await onDevice({ kind: 'fold', vector: 1, into: 2, shape, r, missing })
      const folded = await onDevice({ kind: 'fetch', vector: 2 })
      assert.deepEqual(folded, referenceKernels.foldQuads(values, lines, length, r, missing))
    }
  })

  it('sums and folds pairs', async () => {
    const onDevice = openGpuVectors(gpu, openGpuColumns(gpu))
    for (const [i, [lines, length]] of shapes.entries()) {
      const values = elementsOf(i + 7, 2 * lines * length)
      const [evens, odds] = [0, 1].map((k) =>
        values.slice((values.length / 2) * k).slice(0, values.length / 2),
      )
      const half = (length + 1) >>> 1
      const [inLine, ofLine] = [elementsOf(i + 50, half), elementsOf(i + 60, lines)]
      const [r, missing] = [elementsOf(i + 70, 1), elementsOf(i + 80, 1)]
      const shape = { lines, length, width: 1 }
      await onDevice({ kind: 'place', vector: 3, words: values })
      const weights = { inLine, ofLine, missing }
      const sums = await onDevice({ kind: 'sum', vector: 3, of: 'pairs', shape, ...weights })
      const expected = referenceKernels.sumPairs(
        evens!,
        odds!,
        lines,
        length,
        inLine,
        ofLine,
        missing,
      )
      assert.deepEqual(sums, join([expected.atZero, expected.leading]))
      const both = { ...shape, lines: 2 * lines }
      await onDevice({ kind: 'fold', vector: 3, into: 4, shape: both, r, missing })
      const folded = await onDevice({ kind: 'fetch', vector: 4 })
      assert.deepEqual(folded, referenceKernels.foldLines(values, 2 * lines, length, r, missing))
      await onDevice({ kind: 'forget', vector: 4 })
    }
  })
})
