/**
 * Whole leases pinned: an honest prover has no choice left once the quotients are the nearest ones, so
 * every implementation makes these bytes.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { initialState } from '../../compute/modelState.ts'
import { fromHex, toHex } from '../../primitives/bytes.ts'
import { sha256Hash } from '../../primitives/hash.ts'
import { type ProvenLease, proveLease } from '../../proof/prover.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { decodeJob, encodeJob, type Job } from '../../registry/job.ts'
import { randomRows, seedOf } from '../compute/support.ts'
import { extremeState, type TrainedLease, tinyJob, trainLease } from './support.ts'

type Vector = {
  name: string
  /** The canonical job. Seed, range and worker as in the statement. */
  job: string
  seed: string
  range: number
  worker: string
  /** Weights before: `w` and `rho` of each layer. */
  weights: { w: number[]; rho: number[] }[]
  batches: { features: number[]; labels: number[] }[]
  before: string
  after: string
  losses: string[]
  bytes: number
  /** SHA-256 of the proof. */
  proof: string
}

const file = join(import.meta.dirname, '../../docs/spec/vectors/proofs.json')

const leases: readonly (readonly [string, Job, number | null])[] = [
  ['one step, sparse', tinyJob([5, 4, 3]), null],
  ['two steps, saturated', tinyJob([4, 3, 3], { leaseSteps: 2, batch: 2 }), 2],
  ['one layer, one class of rows', tinyJob([4, 4], { batch: 1 }), null],
  ['dense', tinyJob([20, 17], { batch: 5 }), 3],
]

function vectorOf(name: string, lease: TrainedLease, { statement, proof }: ProvenLease): Vector {
  return {
    name,
    job: toHex(encodeJob(statement.job)),
    seed: statement.seed,
    range: statement.range,
    worker: statement.worker,
    weights: lease.before.layers.map(({ w, rho }) => ({ w: [...w], rho: [...rho] })),
    batches: lease.batches.map(({ features, labels }) => ({
      features: [...features],
      labels: [...labels],
    })),
    before: statement.before,
    after: statement.after,
    losses: statement.losses.map(String),
    bytes: proof.length,
    proof: sha256Hash(proof),
  }
}

async function prove(job: Job, extreme: number | null) {
  const state = extreme === null ? initialState(job, seedOf(1)) : extremeState(job, extreme)
  const lease = await trainLease(job, 1, state, (step) => randomRows(job, step))
  return { lease, proven: proveLease(lease.claim, lease.before, lease.steps, lease.batches) }
}

describe('golden proofs', () => {
  it('are made to the byte, and accepted', async () => {
    const made: Vector[] = []
    for (const [name, job, extreme] of leases) {
      const { lease, proven } = await prove(job, extreme)
      made.push(vectorOf(name, lease, proven))
      assert.equal(proven.proof[0], name === 'dense' ? 1 : 0)
      assert.equal(verifyStepProof(proven.statement, lease.batches, proven.proof).ok, true)
    }
    if (process.env.WAGGLE_WRITE_VECTORS === '1') writeFileSync(file, `${JSON.stringify(made)}\n`)
    const pinned: Vector[] = JSON.parse(readFileSync(file, 'utf8'))
    assert.deepEqual(made, pinned)
    for (const { job } of pinned) assert.equal(decodeJob(fromHex(job)).ok, true)
  }, 120_000)
})
