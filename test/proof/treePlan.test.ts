import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { segmentTree } from '../../proof/circuit.ts'
import { shapeOf } from '../../proof/parameters.ts'
import { proveLease } from '../../proof/prover.ts'
import { groupsOf } from '../../proof/segmentGroups.ts'
import { type Budget, planTree } from '../../proof/treePlan.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { extremeState, tinyJob, trainLease } from './support.ts'

/** From nearly all kept to nearly nothing, in pieces from large to smaller than a row. */
const budgets: readonly Budget[] = [
  { near: 2 ** 12, kept: 2 ** 14 },
  { near: 2 ** 12, kept: 2 ** 10 },
  { near: 2 ** 9, kept: 2 ** 6 },
]

describe('a tree larger than memory', () => {
  it('is proved to the byte as one that is kept', async () => {
    const cases = [
      { job: tinyJob([6, 5, 3], { batch: 4 }), extreme: false, tried: [0, 1, 2] },
      { job: tinyJob([18, 24, 7, 10], { batch: 9, leaseSteps: 3 }), extreme: false, tried: [1] },
      { job: tinyJob([17, 20, 9], { batch: 5, leaseSteps: 2 }), extreme: true, tried: [0] },
    ]
    const wasm = openWasmKernels()
    for (const { job, extreme, tried } of cases) {
      const state = extreme ? extremeState(job, 7) : undefined
      const { claim, before, steps, batches } = await trainLease(job, 7, state)
      const expected = proveLease(claim, before, steps, batches, wasm)
      for (const number of tried) {
        const kernels = { ...wasm, budget: budgets[number]! }
        assert.deepEqual(proveLease(claim, before, steps, batches, kernels), expected)
      }
    }
  }, 120_000)

  it('is cut into aligned pieces that hold every live leaf once', () => {
    const job = tinyJob([18, 24, 7, 10], { batch: 9, leaseSteps: 3 })
    const tree = segmentTree(shapeOf(job, 0, false))
    const live = tree.segments.reduce((sum, { rows, cols }) => sum + rows * cols, 0)
    for (const most of [3, 5, 8, 30]) {
      const { groups } = groupsOf(tree, most)
      const pieces = groups.flatMap(({ members }) => members)
      assert.equal(
        pieces.reduce((sum, { rows, cols }) => sum + rows * cols, 0),
        live,
      )
      for (const { offset, bits } of pieces) assert.equal(offset % 2 ** bits, 0)
      for (const { members, rows, cols } of groups)
        assert.ok(members.length * rows * cols <= 2 ** most || members.length === 1)
    }
  })

  it('keeps no more than its budget, however large the lease', () => {
    const box = { rows: 2 ** 15, cols: 2 ** 15 }
    const budget = { near: 2 ** 28, kept: 2 ** 29 }
    const segments = [{ ...segmentTree(shapeOf(tinyJob([2, 2]), 0, false)).segments[0]!, ...box }]
    const plan = planTree({ segments, depth: 30, end: 2 ** 30 }, budget)
    const leaves = 2 ** 30
    const word = (level: number) => (10 * leaves) / 2 ** level
    assert.ok(!plan.near)
    // All levels from the first that is kept, and each layer from the first round whose values are.
    assert.ok(2 * word(plan.firstKept) <= budget.kept)
    for (let base = 1; base < plan.firstKept; base++)
      assert.ok(word(base + plan.streamed(base)) <= budget.kept)
    assert.ok(word(1 + plan.streamed(0)) <= budget.kept)
    // What a group takes at a time: leaves, their nodes, and what is folded.
    assert.ok(40 * 2 ** plan.groupBits <= budget.near)
  })
})
