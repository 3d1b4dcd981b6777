import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createProofJudge } from '../../node/proofJudge.ts'
import { ok } from '../../primitives/result.ts'
import type { StepStatement } from '../../proof/stepVerifier.ts'
import { evaluationJob } from '../../registry/evaluation.ts'
import { ProofKind } from '../../registry/job.ts'
import { encodeProofSidecar } from '../../registry/sidecar.ts'
import { account, dataset, digest, jobOf } from '../registry/world.ts'

const job = jobOf({
  proofKind: ProofKind.StepProof,
  heldOut: { dataset: dataset.root, rows: 100 },
})

const evaluation: StepStatement = {
  jobId: digest('job'),
  job: evaluationJob(job),
  seed: digest('later'),
  range: 0,
  worker: account(1),
  before: digest('trained'),
  after: digest('thrown away'),
  losses: [5n],
  weightsBefore: digest('weights'),
  weightsAfter: digest('weights'),
  datasetBlob: dataset.blob,
  custodians: [],
}

async function codeOf(statement: StepStatement, custody: Uint8Array): Promise<string> {
  let asked = 0
  const judge = createProofJudge({
    pool: {
      verify: async () => {
        asked += 1
        return ok({ fault: null, verifyMs: 1 })
      },
    },
    initial: async () => assert.fail('an evaluation starts from no initial weights'),
    blobs: { path: () => '/dev/null' },
    ensureBlob: async () => ok(null),
    verified: () => {},
  })
  const sidecar = encodeProofSidecar({ custody, proof: Uint8Array.of(1) })
  const verdict = await judge(statement, sidecar, new AbortController().signal)
  assert.equal(asked, verdict.ok ? 1 : 0)
  return verdict.ok ? 'valid' : verdict.fault.code
}

describe('the judge of a proven evaluation', () => {
  const zeros = new Uint8Array(96)

  it('asks for no custodians, but for zeros in the place of their signature', async () => {
    assert.equal(await codeOf(evaluation, zeros), 'valid')
    for (const at of [0, 95])
      assert.equal(await codeOf(evaluation, zeros.with(at, 1)), 'custody/signature')
  })

  it('lets no training pass without custodians', async () => {
    const training = { ...evaluation, job, range: 1 }
    assert.equal(await codeOf(training, zeros), 'custody/signature')
  })
})
