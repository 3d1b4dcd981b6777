import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { type SegmentTree, segmentTree, soundnessInputs } from '../../proof/circuit.ts'
import { maxSaturated, shapeOf } from '../../proof/parameters.ts'
import { proveLease } from '../../proof/prover.ts'
import { minSoundnessBits, soundnessBits } from '../../proof/security.ts'
import { groupsOf } from '../../proof/segmentGroups.ts'
import { type Budget, planTree, type TreePlan } from '../../proof/treePlan.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { admitJob } from '../../registry/admission.ts'
import { type Job, maxLayers, ProofKind } from '../../registry/job.ts'
import { testParams } from '../registry/world.ts'
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
        // And where what is kept finds no room beside the kernels.
        const outside = { ...kernels, left: () => 0 }
        assert.deepEqual(proveLease(claim, before, steps, batches, outside), expected)
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

  it('has a sound shape and a plan for the largest jobs that are admitted', () => {
    const wide = { batch: 16, fractionBits: 12 }
    const jobs = [
      tinyJob([61_440, 8000], wide),
      tinyJob([2, 61_440, 2], wide),
      tinyJob([22_000, 22_000], wide),
      tinyJob([784, 10], { batch: 61_440, fractionBits: 16 }),
      tinyJob([784, 128, 64, 10], { batch: 4096, fractionBits: 16, leaseSteps: 64 }),
      tinyJob(
        Array.from({ length: 9 }, () => 1120),
        { batch: 1024, fractionBits: 18, leaseSteps: 16 },
      ),
      tinyJob(
        Array.from({ length: maxLayers + 1 }, () => 1),
        { batch: 1, leaseSteps: 64 },
      ),
    ]
    for (const given of jobs) {
      const { layers, schedule } = given
      const job: Job = {
        ...given,
        proofKind: ProofKind.StepProof,
        steps: given.leaseSteps,
        pricePerMac: testParams.basePrice,
        forwardShifts: layers.slice(1).map(() => 8),
        schedule: schedule.map((phase) => ({
          ...phase,
          backwardShifts: layers.slice(2).map(() => 8),
        })),
      }
      const admitted = admitJob(job, {
        ...testParams,
        macsPerBlock: 1n << 80n,
        elementsPerBlock: 1n << 80n,
      })
      assert.deepEqual(admitted.ok ? [] : [layers, admitted.fault], [])
      for (const dense of [false, true]) {
        const shape = shapeOf(job, 0, dense)
        assert.ok(soundnessBits(soundnessInputs(shape, maxSaturated)) >= minSoundnessBits)
        for (const { layout } of shape.classes) assert.ok(layout.code.length <= 2 ** 20)
        assertPlanned(planTree(segmentTree(shape), budget), leavesOf(segmentTree(shape)))
      }
    }
  })

  it('keeps no more than its budget, however large the lease', () => {
    const box = { rows: 2 ** 15, cols: 2 ** 15 }
    const segments = [{ ...segmentTree(shapeOf(tinyJob([2, 2]), 0, false)).segments[0]!, ...box }]
    const plan = planTree({ segments, depth: 30, end: 2 ** 30 }, budget)
    assert.ok(!plan.near)
    assertPlanned(plan, 2 ** 30)
  })
})

/** What the compiled kernels have. */
const { budget } = openWasmKernels()

function leavesOf({ segments }: SegmentTree): number {
  return segments.reduce((sum, { rows, cols }) => sum + rows * cols, 0)
}

/** That what a plan keeps, and what it works on at a time, is within the budget. */
function assertPlanned(plan: TreePlan, leaves: number): void {
  const words = (level: number) => (10 * leaves) / 2 ** level
  if (plan.near) {
    assert.ok(2 * words(1) <= budget.near)
    return
  }
  // All levels from the first that is kept, and each layer from the first round whose values are.
  assert.ok(2 * words(plan.firstKept) <= budget.kept)
  for (let base = 0; base < plan.firstKept; base++)
    assert.ok(words(Math.max(base, 1) + plan.streamed(base)) <= budget.kept)
  // What a group takes at a time: leaves, their nodes, and what is folded.
  assert.ok(40 * 2 ** plan.groupBits <= budget.near)
}
