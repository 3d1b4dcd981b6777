import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type KernelTeam, openKernelTeam } from '../../proof/kernelTeam.ts'
import { proveLease } from '../../proof/prover.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { extremeState, tinyJob, trainLease } from './support.ts'

describe('a team of kernels', () => {
  let team: KernelTeam

  // Far below what is worth it, so that most calls are cut.
  beforeAll(async () => {
    team = await openKernelTeam(3, 64)
  })
  afterAll(() => team.close())

  it('proves and verifies to the byte as one thread does', async () => {
    const jobs = [
      { job: tinyJob([6, 5, 3], { batch: 4 }), extreme: false },
      { job: tinyJob([18, 24, 7, 10], { batch: 9, leaseSteps: 3 }), extreme: false },
      { job: tinyJob([17, 20, 9], { batch: 5, leaseSteps: 2 }), extreme: true },
    ]
    const alone = openWasmKernels()
    for (const { job, extreme } of jobs) {
      const state = extreme ? extremeState(job, 7) : undefined
      const { claim, before, steps, batches } = await trainLease(job, 7, state)
      const expected = proveLease(claim, before, steps, batches, alone)
      const { statement, proof } = proveLease(claim, before, steps, batches, team.kernels)
      assert.deepEqual(statement, expected.statement)
      assert.deepEqual(proof, expected.proof)
      for (const kernels of [alone, team.kernels])
        assert.deepEqual(verifyStepProof(statement, batches, proof, kernels), {
          ok: true,
          value: 'valid',
        })
    }
  }, 120_000)
})
