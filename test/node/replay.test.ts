import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { encodeHeader, encodeRow } from '../../compute/dataset.ts'
import { createTrainingPool, type TrainingPool } from '../../compute/trainingPool.ts'
import { createLeaseTraining } from '../../node/leaseTraining.ts'
import { createReplay } from '../../node/replay.ts'
import { concatBytes } from '../../primitives/bytes.ts'
import { type Hash, hashOf, zeroHash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import type { StepStatement, VerifyStep } from '../../proof/stepVerifier.ts'
import { evaluationJob } from '../../registry/evaluation.ts'
import { encodeJob, jobIdOf } from '../../registry/job.ts'
import { encodeReplaySidecar } from '../../registry/sidecar.ts'
import { type BlobStore, openBlobStore } from '../../storage/blobStore.ts'
import { account, jobOf } from '../registry/world.ts'

const job = jobOf({ steps: 8, leaseSteps: 4, batch: 4 })
const seed = hashOf('seed')
const worker = account(1)
const signal = new AbortController().signal

function rows(): Uint8Array {
  const random = new SeededRandom('rows', seed)
  const features = () => Int8Array.from({ length: 8 }, () => random.below(255) - 127)
  const all = Array.from({ length: 32 }, (_, i) => encodeRow(features(), i % 3))
  return concatBytes(encodeHeader({ rows: 32, features: 8, classes: 3 }), ...all)
}

describe('replay', () => {
  let folder: string
  let blobs: BlobStore
  let pool: TrainingPool
  let verify: VerifyStep
  let honest: readonly [StepStatement, StepStatement]

  /** What a worker that trains `range` honestly would state. */
  async function state(range: number, before: Hash, dataset: Hash): Promise<StepStatement> {
    const bytes = before === zeroHash ? null : await blobs.readAll(before, 1_000_000)
    const trained = await pool.train({
      job: encodeJob(job),
      seed,
      fromStep: 4 * range,
      steps: 4,
      state: bytes === null ? null : bytes.ok ? bytes.value : assert.fail(),
      dataset: blobs.path(dataset),
    })
    assert.ok(trained.ok)
    const weights = await blobs.put(trained.value.state)
    assert.ok(weights.ok)
    return {
      jobId: jobIdOf(job),
      job,
      seed,
      range,
      worker,
      before: trained.value.before,
      after: trained.value.commitment,
      losses: trained.value.losses,
      custodians: [],
      weightsBefore: before,
      weightsAfter: weights.value,
      datasetBlob: dataset,
    }
  }

  const judge = (statement: StepStatement, from = statement) =>
    verify(statement, encodeReplaySidecar({ worker: from.worker, after: from.after }), signal)

  const codeOf = async (verdict: ReturnType<typeof judge>) => {
    const judged = await verdict
    return judged.ok ? 'valid' : judged.fault.code
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waggle-replay-'))
    blobs = await openBlobStore(folder)
    pool = createTrainingPool({}, { warn: (text) => assert.fail(text) })
    await writeFile(join(folder, 'rows'), rows())
    const dataset = await blobs.put(rows())
    assert.ok(dataset.ok)
    const ensureBlob = async (hash: Hash) =>
      (await blobs.has(hash))
        ? ({ ok: true, value: null } as const)
        : ({ ok: false, fault: { code: 'fetch/ended' } } as const)
    verify = createReplay({ train: createLeaseTraining({ pool, blobs, ensureBlob }), blobs })
    const first = await state(0, zeroHash, dataset.value)
    honest = [first, await state(1, first.weightsAfter, dataset.value)]
  })

  afterAll(async () => {
    await pool.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('accepts what was trained, from the initial weights and from published ones', async () => {
    assert.equal(await codeOf(judge(honest[0])), 'valid')
    assert.equal(await codeOf(judge(honest[1])), 'valid')
  })

  it('refuses each lie with the first thing that differs', async () => {
    const [first, second] = honest
    const lies: readonly (readonly [Partial<StepStatement>, string])[] = [
      [{ before: second.before }, 'replay/before'],
      [{ losses: first.losses.map((loss, i) => (i === 2 ? loss + 1n : loss)) }, 'replay/loss'],
      [{ after: second.after }, 'replay/state'],
      [{ weightsAfter: second.weightsAfter }, 'replay/weights'],
      [{ seed: hashOf('another seed') }, 'replay/before'],
      [{ range: 1 }, 'replay/loss'],
    ]
    for (const [lie, code] of lies) assert.equal(await codeOf(judge({ ...first, ...lie })), code)
  })

  it('does the step of an evaluation again, and looks for no weights after it', async () => {
    const [, last] = honest
    const dataset = job.dataset
    const evaluation = evaluationJob({ ...job, heldOut: { dataset, rows: 12 } })
    const bytes = await blobs.readAll(last.weightsAfter, 1_000_000)
    const later = hashOf('later')
    const trained = await pool.train({
      job: encodeJob(evaluation),
      seed: later,
      fromStep: 0,
      steps: 1,
      state: bytes.ok ? bytes.value : assert.fail(),
      dataset: blobs.path(last.datasetBlob),
    })
    assert.ok(trained.ok)
    const { before, commitment: after, losses } = trained.value
    assert.equal(before, last.after)
    const statement: StepStatement = {
      ...last,
      ...{ job: evaluation, seed: later, range: 0, before, after, losses },
      weightsBefore: last.weightsAfter,
    }
    assert.equal(await codeOf(judge(statement)), 'valid')
    assert.equal(await codeOf(judge({ ...statement, losses: [losses[0]! - 1n] })), 'replay/loss')
    const first = { weightsBefore: honest[0].weightsAfter }
    assert.equal(await codeOf(judge({ ...statement, ...first })), 'replay/before')
  })

  it("refuses another worker's sidecar, another result's and bytes that are none", async () => {
    const [first, second] = honest
    assert.equal(await codeOf(judge({ ...first, worker: account(2) }, first)), 'replay/worker')
    assert.equal(await codeOf(judge(first, second)), 'replay/after')
    for (const bytes of [new Uint8Array(), new Uint8Array(53).fill(9), new Uint8Array(60)])
      assert.match(await codeOf(verify(first, bytes, signal)), /^codec\//)
  })

  it('says that it cannot judge where data is missing, and blames nobody', async () => {
    const gone = hashOf('gone')
    assert.equal(await codeOf(judge({ ...honest[0], datasetBlob: gone })), 'unavailable/dataset')
    assert.equal(await codeOf(judge({ ...honest[1], weightsBefore: gone })), 'unavailable/weights')
  })
})
