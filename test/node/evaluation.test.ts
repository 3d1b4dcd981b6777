import assert from 'node:assert/strict'
import { beforeAll, describe, it } from 'vitest'
import { datasetFromBytes, rowLeaves } from '../../compute/dataset.ts'
import { initialState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import {
  type DatasetFile,
  type ProofTaskModules,
  prove,
  type Trained,
  verify,
} from '../../node/proofTask.ts'
import { zeroAddress } from '../../primitives/address.ts'
import type { Hash } from '../../primitives/hash.ts'
import { merkleRoot } from '../../primitives/merkle.ts'
import { commitWeights } from '../../proof/prover.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { evaluationJob } from '../../registry/evaluation.ts'
import { encodeJob, type Job, ProofKind } from '../../registry/job.ts'
import { jointName } from '../../registry/jointName.ts'
import { blobOf, jobOf, seedOf } from '../compute/support.ts'

const kernels = openWasmKernels()
const rows = blobOf(64, 6, 3)
const others = blobOf(40, 6, 3, 9)
const rootOf = (blob: Uint8Array): Hash => {
  const dataset = datasetFromBytes(blob)
  assert.ok(dataset.ok)
  return merkleRoot(rowLeaves(dataset.value))
}

const job: Job = jobOf([6, 5, 3], {
  proofKind: ProofKind.StepProof,
  dataset: rootOf(rows),
  steps: 2,
  leaseSteps: 2,
  heldOut: { dataset: rootOf(rows), rows: 20 },
})
const [seed, later] = [seedOf(1), seedOf(2)]

const modules = (trained: (result: Trained) => void = () => {}): ProofTaskModules => ({
  withBackend: (work) => work(referenceBackend),
  kernels,
  openDataset: (path) => datasetFromBytes(path === 'others' ? others : rows),
  now: () => 0,
  trained,
  cancelled: async () => false,
})

/** Do the work as a worker would; what it claims, and the proof. */
async function work(
  of: Job,
  at: Hash,
  state: Uint8Array | null,
  from: string | DatasetFile = 'rows',
) {
  const task = { job: encodeJob(of), seed: at, range: 0, worker: zeroAddress, state }
  const dataset = typeof from === 'string' ? { path: from, root: of.dataset } : from
  let trained: Trained | null = null
  const done = await prove(
    { ...task, kind: 'prove', dataset },
    modules((result) => {
      trained = result
    }),
  )
  assert.ok(done.ok, JSON.stringify(done))
  const { before, commitment: after, losses, state: bytes } = trained! as Trained
  const statement = { seed: at, range: 0, worker: zeroAddress, before, after, losses }
  return { statement, proof: done.value.proof, bytes, dataset }
}

type Work = Awaited<ReturnType<typeof work>>

function judge(of: Job, { statement, proof, dataset }: Work, changes: object = {}): string {
  const claim = { ...statement, ...changes }
  const task = { kind: 'verify', job: encodeJob(of), statement: claim, proof, dataset } as const
  const judged = verify(task, modules())
  assert.ok(judged.ok)
  return judged.value.fault === null ? 'valid' : judged.value.fault.code
}

describe('the evaluation of a proven job', () => {
  const evaluation = evaluationJob(job)
  let trained: Work
  let evaluated: Work
  beforeAll(async () => {
    trained = await work(job, seed, null)
    evaluated = await work(evaluation, later, trained.bytes)
  })

  it('starts from the commitment that training ended with, and its loss is the weights’ own', async () => {
    assert.equal(judge(job, trained), 'valid')
    assert.equal(judge(evaluation, evaluated), 'valid')
    assert.equal(evaluated.statement.before, trained.statement.after)
    assert.equal(evaluated.statement.losses.length, 1)
    // All held-out rows are drawn, so their order has no bearing on the sum.
    const again = await work(evaluation, seedOf(3), trained.bytes)
    assert.deepEqual(again.statement.losses, evaluated.statement.losses)
  })

  it('is refused with another loss, other weights, or another job’s name', () => {
    const [loss] = evaluated.statement.losses
    assert.equal(judge(evaluation, evaluated, { losses: [loss! - 1n] }), 'proof/loss')
    const untrained = commitWeights(job, initialState(job, seed), kernels)
    assert.notEqual(judge(evaluation, evaluated, { before: untrained }), 'valid')
    const renamed = evaluationJob({ ...job, nonce: 1n })
    assert.notEqual(judge(renamed, evaluated), 'valid')
  })

  it('is refused on rows that the beacon did not draw', async () => {
    const fewer = { ...evaluation, batch: 8 }
    const foreseen = await work(fewer, seed, trained.bytes)
    assert.equal(judge(fewer, foreseen), 'valid')
    assert.notEqual(judge(fewer, foreseen, { seed: later }), 'valid')
    // Rows that training has seen: the same job without its bound to the last rows.
    const { lastRows, ...easy } = fewer
    assert.ok(lastRows === 20)
    const injected = await work(easy, later, trained.bytes)
    assert.notEqual(judge(fewer, injected), 'valid')
  })

  it('may be on another dataset, whose rows name it', async () => {
    const abroad = evaluationJob({ ...job, heldOut: { dataset: rootOf(others), rows: 40 } })
    const done = await work(abroad, later, trained.bytes, 'others')
    assert.equal(judge(abroad, done), 'valid')
    const swapped = { ...done, dataset: { path: 'rows', root: abroad.dataset } }
    const task = { kind: 'verify', job: encodeJob(abroad), ...swapped } as const
    const judged = verify(task, modules())
    assert.equal(!judged.ok && judged.fault.code, 'dataset/root')
    const empty = evaluationJob({ ...job, heldOut: { dataset: rootOf(others), rows: 41 } })
    const refused = verify({ ...task, job: encodeJob(empty), dataset: done.dataset }, modules())
    assert.equal(!refused.ok && refused.fault.code, 'task/rows')
  })
})

describe('the proof of a job over several datasets', () => {
  const salt = seedOf(9)
  const parts = [rows, others].map((blob) => ({
    root: rootOf(blob),
    rows: blob === rows ? 64 : 40,
  }))
  const root = jointName(salt, parts)
  const { heldOut: _, ...plain } = job
  const joint: Job = { ...plain, dataset: root }
  const files = {
    path: ['rows', 'others'],
    root,
    joint: { salt, roots: parts.map((part) => part.root) },
  }
  const verified = (work: Work, dataset: DatasetFile) =>
    verify({ kind: 'verify', job: encodeJob(joint), ...work, dataset }, modules())

  it('holds for the rows that its name stands for, and no others', async () => {
    const done = await work(joint, seed, null, files)
    const judged = verified(done, files)
    assert.ok(judged.ok && judged.value.fault === null, JSON.stringify(judged))
    const code = (dataset: DatasetFile) => {
      const verdict = verified(done, dataset)
      return verdict.ok ? 'judged' : verdict.fault.code
    }
    const turned = {
      path: ['others', 'rows'],
      joint: { salt, roots: files.joint.roots.toReversed() },
    }
    assert.equal(code({ ...files, ...turned }), 'dataset/root')
    assert.equal(code({ ...files, path: ['others', 'rows'] }), 'dataset/root')
    assert.equal(code({ ...files, joint: { ...files.joint, salt: seed } }), 'dataset/root')
    assert.equal(code({ ...files, path: ['rows'] }), 'dataset/root')
    assert.equal(code({ ...files, path: ['rows', 'others', 'rows'] }), 'dataset/root')
    assert.equal(code({ path: 'rows', root }), 'dataset/root')
    // Trained on one of them alone: other rows than the job's.
    const alone = await work({ ...joint, dataset: rootOf(rows) }, seed, null)
    const cheap = verified(alone, files)
    assert.ok(cheap.ok && cheap.value.fault !== null)
  })
})
