import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { Proven } from '../../node/proofTask.ts'
import { createProofWork, type ProofWorkModules } from '../../node/proofWork.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../../primitives/result.ts'
import { account, digest, jobOf } from '../registry/world.ts'

const job = jobOf()
const order = {
  lease: {
    job: digest('job'),
    range: 0,
    attempt: 0,
    start: 3n,
    end: 30n,
    holder: account(1),
    able: [account(1)],
  },
  record: { id: digest('job'), job, state: { weights: zeroHash, seed: digest('seed') } },
  work: { job, range: 0, seed: digest('seed') },
  dataset: { blob: digest('rows') },
} as never

const trained = {
  before: digest('before'),
  state: Uint8Array.of(1),
  commitment: digest('after'),
  losses: [1n],
  saturated: 0,
  trainMs: 1,
}

/** Work whose proof ends when told. */
function workWith(custodyOf: ProofWorkModules['custodyOf']) {
  const { promise, resolve } = Promise.withResolvers<Result<Proven, Fault>>()
  const work = createProofWork({
    self: account(1),
    pool: {
      prove: (_task, control) => {
        control?.onProgress?.(trained)
        return promise
      },
    },
    gather: async () => refuse({ code: 'custody/missing' }),
    custodyOf,
    blobs: {
      put: async () => ok(digest('weights')),
      readAll: async () => ok(Uint8Array.of(1)),
      path: () => '/dev/null',
    },
    ensureBlob: async () => ok(null),
  })
  return { work, finish: resolve }
}

describe('the work of a proven lease', () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  beforeEach(() => process.on('unhandledRejection', note))
  afterEach(() => process.off('unhandledRejection', note))

  it('lets trouble with publishing wait for the end of the proof, without ending the process', async () => {
    const { work, finish } = workWith(async () => {
      throw new Error('the disk is gone')
    })
    const result = work(order, new AbortController().signal)
    const failed = assert.rejects(result, /the disk is gone/)
    await new Promise((resolve) => setTimeout(resolve, 20))
    finish(ok({ proof: Uint8Array.of(1), proveMs: 1 }))
    await failed
    assert.deepEqual(unhandled, [])
  })

  it('says why nobody vouched', async () => {
    const { work, finish } = workWith(async () => ({
      epoch: 0,
      members: [],
      committee: [],
      openFrom: 0n,
    }))
    finish(ok({ proof: Uint8Array.of(1), proveMs: 1 }))
    const result = await work(order, new AbortController().signal)
    assert.deepEqual(result, { ok: false, fault: { code: 'custody/missing' } })
  })
})
