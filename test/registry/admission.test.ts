import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { admitJob, splitOf } from '../../registry/admission.ts'
import { decodeJob, encodeJob, type Job, jobIdOf, stepMacs } from '../../registry/job.ts'
import { jobOf, testParams } from './world.ts'

const params = { ...testParams, replayMacsCap: 1n << 60n, macsPerBlock: 1n << 60n }

function faultOf(changes: Partial<Job>) {
  const verdict = admitJob(jobOf(changes), params)
  return verdict.ok ? null : verdict.fault
}

describe('admission', () => {
  it('splits as the protocol works out', () => {
    const split = (inner: bigint, shifts: readonly number[]) =>
      splitOf({ name: 'hidden', inner, shifts }).kappa
    assert.equal(split(784n, [6, 6]), 12)
    assert.equal(split(64n, [6]), 10)
    assert.equal(split(61_440n, [8]), 15)
  })

  it('accepts the longest contraction at shift 8 and refuses one more', () => {
    const wide = { batch: 1, forwardShifts: [8, 8] }
    assert.equal(faultOf({ ...wide, layers: [61_440, 6, 3] }), null)
    assert.deepEqual(faultOf({ ...wide, layers: [61_441, 6, 3] }), {
      code: 'jobs/outOfRange',
      field: 'layers.0',
      got: 61_441n,
      min: 1n,
      max: 61_440n,
    })
  })

  it('refuses an update that wraps in the proof field', () => {
    const update = (batch: number, u: number) =>
      faultOf({
        batch,
        fractionBits: 20,
        schedule: [{ fromStep: 0, updateShifts: [u, 0], backwardShifts: [5] }],
      })
    assert.equal(update(1_024, 4), null)
    const fault = update(4_096, 4)
    assert.equal(fault?.code, 'jobs/wraps')
    assert.equal(fault.code === 'jobs/wraps' && fault.family, 'update')
  })

  it('names the first field out of its bounds', () => {
    const phase = { fromStep: 0, updateShifts: [0, 0], backwardShifts: [5] }
    const cases: readonly (readonly [Partial<Job>, string])[] = [
      [{ layers: [8] }, 'layers'],
      [{ layers: [8, 0, 3] }, 'layers.1'],
      [{ batch: 0 }, 'batch'],
      [{ steps: 0 }, 'steps'],
      [{ leaseSteps: 65 }, 'leaseSteps'],
      [{ fractionBits: 21 }, 'fractionBits'],
      [{ initBound: 128 }, 'initBound'],
      [{ forwardShifts: [6] }, 'forwardShifts'],
      [{ forwardShifts: [6, 11] }, 'forwardShifts.1'],
      [{ schedule: [] }, 'schedule'],
      [{ schedule: [{ ...phase, fromStep: 1 }] }, 'schedule.0.fromStep'],
      [{ schedule: [phase, phase] }, 'schedule.1.fromStep'],
      [{ schedule: [{ ...phase, updateShifts: [0] }] }, 'schedule.0.updateShifts'],
      [{ schedule: [{ ...phase, updateShifts: [0, 21] }] }, 'schedule.0.updateShifts.1'],
      [{ schedule: [{ ...phase, backwardShifts: [0] }] }, 'schedule.0.backwardShifts.0'],
      [{ pricePerMac: 99n }, 'pricePerMac'],
    ]
    for (const [changes, field] of cases) {
      const fault = faultOf(changes)
      assert.equal(fault?.code === 'jobs/outOfRange' && fault.field, field)
    }
  })

  it('bounds replay by the chain', () => {
    const job = jobOf()
    const cap = BigInt(job.leaseSteps) * stepMacs(job)
    assert.equal(admitJob(job, { ...params, replayMacsCap: cap }).ok, true)
    assert.equal(admitJob(job, { ...params, replayMacsCap: cap - 1n }).ok, false)
  })
})

describe('the canonical job', () => {
  it('reads back what was written, and every field is in the name', () => {
    const job = jobOf()
    assert.deepEqual(decodeJob(encodeJob(job)), { ok: true, value: job })
    const changes: readonly Partial<Job>[] = [
      { chainId: 2 },
      { nonce: 1n },
      { layers: [8, 3, 6] },
      { batch: 5 },
      { steps: 41 },
      { leaseSteps: 17 },
      { fractionBits: 17 },
      { forwardShifts: [6, 7] },
      { schedule: [{ fromStep: 0, updateShifts: [0, 1], backwardShifts: [5] }] },
      { initBound: 17 },
      { pricePerMac: 1n },
    ]
    const names = new Set([job, ...changes.map(jobOf)].map(jobIdOf))
    assert.equal(names.size, changes.length + 1)
  })

  it('refuses every cut and every added byte', () => {
    const bytes = encodeJob(jobOf())
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeJob(bytes.subarray(0, length)).ok, false, `cut at ${length}`)
    assert.equal(decodeJob(Uint8Array.of(...bytes, 0)).ok, false)
  })
})
