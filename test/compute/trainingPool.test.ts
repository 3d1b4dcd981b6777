import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { batchRows } from '../../compute/batch.ts'
import { datasetFromBytes, readRows } from '../../compute/dataset.ts'
import { commitState, decodeState, encodeState, initialState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { createTrainingPool, type TrainingPool } from '../../compute/trainingPool.ts'
import { encodeJob } from '../../registry/job.ts'
import { blobOf, jobOf, seedOf } from './support.ts'

const job = jobOf([12, 16, 4], { steps: 5_000 })
const seed = seedOf(7)
const blob = blobOf(100, 12, 4)
const folder = mkdtempSync(join(tmpdir(), 'waggle-pool-'))
const dataset = join(folder, 'small.wgl')
const state = encodeState(job, initialState(job, seed))
const task = { job: encodeJob(job), seed, fromStep: 0, steps: 6, state, dataset }

describe('training pool', () => {
  const warnings: string[] = []
  let pool: TrainingPool

  beforeAll(() => {
    writeFileSync(dataset, blob)
    pool = createTrainingPool({ maxQueue: 2 }, { warn: (text) => warnings.push(text) })
  })

  afterAll(async () => {
    await pool.close()
    rmSync(folder, { recursive: true })
  })

  it('trains the steps that the reference trains', async () => {
    const session = await referenceBackend.open(job, initialState(job, seed))
    const opened = datasetFromBytes(blob)
    assert.ok(opened.ok)
    const losses: bigint[] = []
    for (let step = 0; step < 6; step++) {
      const rows = readRows(opened.value, batchRows({ seed, rows: 100, batch: 8 }, step))
      assert.ok(rows.ok)
      losses.push((await session.step(step, rows.value)).loss)
    }
    const seen: number[] = []
    const trained = await pool.train(task, { onProgress: ({ done }) => seen.push(done) })
    assert.ok(trained.ok)
    assert.deepEqual(trained.value.losses, losses)
    assert.equal(trained.value.commitment, commitState(job, await session.state()))
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6])
    assert.ok(trained.value.ms >= 0)
    const decoded = decodeState(job, trained.value.state)
    assert.ok(decoded.ok)
    assert.deepEqual(warnings, [])
  })

  it('continues from a state as if it had not stopped', async () => {
    const whole = await pool.train(task)
    const first = await pool.train({ ...task, steps: 2 })
    assert.ok(whole.ok && first.ok)
    const rest = await pool.train({ ...task, state: first.value.state, fromStep: 2, steps: 4 })
    assert.ok(rest.ok)
    assert.equal(rest.value.commitment, whole.value.commitment)
  })

  it('learns, and says so when asked to evaluate and predict', async () => {
    const before = await pool.evaluate({ job: task.job, state, dataset })
    const trained = await pool.train({ ...task, steps: 1_000 })
    assert.ok(before.ok && trained.ok)
    const after = await pool.evaluate({ job: task.job, state: trained.value.state, dataset })
    assert.ok(after.ok)
    assert.equal(after.value.rows, 100)
    assert.ok(after.value.correct > 80, `${before.value.correct} -> ${after.value.correct}`)
    const path = join(folder, 'trained.state')
    writeFileSync(path, trained.value.state)
    const fromFile = { job: task.job, state: path, dataset }
    const half = await Promise.all([
      pool.evaluate({ ...fromFile, sample: { first: 0, count: 50, taken: 50 } }),
      pool.evaluate({ ...fromFile, sample: { first: 50, count: 50, taken: 50 } }),
    ])
    const correct = half.map((score) => (score.ok ? score.value.correct : Number.NaN))
    assert.equal(correct[0]! + correct[1]!, after.value.correct)
    const sparse = await pool.evaluate({ ...fromFile, sample: { first: 1, count: 99, taken: 10 } })
    assert.ok(sparse.ok)
    assert.equal(sparse.value.rows, 10)
    const opened = datasetFromBytes(blob)
    assert.ok(opened.ok)
    const rows = readRows(opened.value, [0, 1, 2])
    assert.ok(rows.ok)
    const { features } = rows.value
    const told = await pool.predict({ job: task.job, state: trained.value.state, features })
    assert.ok(told.ok)
    assert.equal(told.value.classes.length, 3)
    assert.equal(told.value.outputs.length, 12)
  })

  it('refuses what does not fit, with the numbers', async () => {
    const cases = [
      [{ ...task, state: state.subarray(1) }, 'state/length'],
      [{ ...task, fromStep: 4_999 }, 'task/steps'],
      [{ ...task, dataset: join(folder, 'absent') }, 'dataset/io'],
      [{ ...task, job: task.job.subarray(0, -1) }, 'codec/short'],
      [
        {
          ...task,
          job: encodeJob(jobOf([13, 16, 4])),
          state: new Uint8Array((13 * 16 + 16 * 4) * 3),
        },
        'task/features',
      ],
      [{ ...task, job: encodeJob({ ...job, batch: 101 }) }, 'task/rows'],
    ] as const
    for (const [wrong, code] of cases) {
      const verdict = await pool.train(wrong)
      assert.ok(!verdict.ok)
      assert.equal(verdict.fault.code, code)
    }
    const features = Int8Array.from({ length: 12 }, () => -128)
    const verdict = await pool.predict({ job: task.job, state, features })
    assert.ok(!verdict.ok)
    assert.equal(verdict.fault.code, 'dataset/feature')
    const beyond = { first: 90, count: 11, taken: 11 }
    const outside = await pool.evaluate({ job: task.job, state, dataset, sample: beyond })
    assert.ok(!outside.ok)
    assert.equal(outside.fault.code, 'dataset/row')
    const absent = join(folder, 'absent')
    const gone = await pool.evaluate({ job: task.job, state: absent, dataset })
    assert.ok(!gone.ok)
    assert.equal(gone.fault.code, 'pool/failed')
  })

  it('cancels a running task and goes on with the next', async () => {
    const controller = new AbortController()
    const control = { signal: controller.signal, onProgress: () => controller.abort() }
    const cancelled = await pool.train({ ...task, steps: 5_000 }, control)
    assert.deepEqual(cancelled, { ok: false, fault: { code: 'pool/cancelled' } })
    const next = await pool.train(task)
    assert.ok(next.ok)
  })

  it('cancels a waiting task at once and refuses more than the queue holds', async () => {
    const first = pool.train({ ...task, steps: 500 })
    const controller = new AbortController()
    const second = pool.train(task, { signal: controller.signal })
    const third = pool.train(task)
    assert.deepEqual(await pool.train(task), { ok: false, fault: { code: 'pool/full', limit: 2 } })
    controller.abort()
    assert.deepEqual(await second, { ok: false, fault: { code: 'pool/cancelled' } })
    assert.ok((await first).ok && (await third).ok)
  })
})

it('a closed pool refuses what it had not finished', async () => {
  const pool = createTrainingPool({}, { warn: () => {} })
  const running = pool.train({ ...task, steps: 5_000 })
  await pool.close()
  const verdict = await running
  assert.ok(!verdict.ok)
  assert.equal(verdict.fault.code, 'pool/closed')
  assert.equal((await pool.train(task)).ok, false)
})
