import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, it, vi } from 'vitest'
import { datasetFromBytes, readRows } from '../../compute/dataset.ts'
import { score } from '../../compute/evaluate.ts'
import { encodeState, initialState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { createTrainingPool } from '../../compute/trainingPool.ts'
import { createAccuracyMeter, type RunningMeter, sampleOf } from '../../node/accuracyMeter.ts'
import { createAccuracyStore } from '../../node/accuracyStore.ts'
import { createLogger } from '../../node/logger.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { evaluationJob } from '../../registry/evaluation.ts'
import { type Job, jobIdOf } from '../../registry/job.ts'
import { type JobState, JobStatus } from '../../registry/jobRecord.ts'
import { checkpointsOf, courseOf, maxCheckpoints } from '../../rpc/course.ts'
import type { AccuracyView, CertificateView } from '../../rpc/workViews.ts'
import { type BlobStore, openBlobStore } from '../../storage/blobStore.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openMemory } from '../../storage/memory.ts'
import { blobOf, jobOf, seedOf } from '../compute/support.ts'

const rows = 60
const root = seedOf(99)
const folder = mkdtempSync(join(tmpdir(), 'waggle-meter-'))
const job = jobOf([12, 16, 4], { dataset: root, steps: 20, leaseSteps: 4 })
const id = jobIdOf(job)

const stateAt = (range: number, status: JobState['status'] = JobStatus.Active): JobState => ({
  status,
  openedAt: 1n,
  seed: seedOf(1),
  range,
  rangeSince: 2n,
  escrow: 0n,
  commitment: zeroHash,
  weights: zeroHash,
  declinedBy: zeroAddress,
  missesPaid: 0,
  cancelRequested: false,
  evaluationSeed: zeroHash,
})

describe('the checkpoints of a course', () => {
  const manyRanges = { ...job, steps: 4_000, leaseSteps: 4 }

  it('are few, and stay what they are while the job goes on', () => {
    const early = checkpointsOf({ job: manyRanges, state: stateAt(300) })
    const late = checkpointsOf({ job: manyRanges, state: stateAt(1_000, JobStatus.Finished) })
    assert.ok(late.length <= maxCheckpoints + 2, `${late.length}`)
    assert.deepEqual(late.slice(0, early.length), early)
    assert.equal(late.at(-1), 999)
  })

  it('are all of a short job, and end with the last that a cancelled one reached', () => {
    assert.deepEqual(checkpointsOf({ job, state: stateAt(0) }), [])
    assert.deepEqual(checkpointsOf({ job, state: stateAt(3) }), [0, 1, 2])
    const ended = checkpointsOf({ job: manyRanges, state: stateAt(19, JobStatus.Cancelled) })
    assert.deepEqual(ended, [0, 15, 18])
  })
})

describe('the sample', () => {
  it('is of the rows held out, else of those trained on, and small for a large model', () => {
    assert.deepEqual(sampleOf(job, rows), { first: 0, count: 60, taken: 60 })
    const apart = { ...job, heldOut: { dataset: root, rows: 20 } }
    assert.deepEqual(sampleOf(apart, rows), { first: 40, count: 20, taken: 20 })
    const large = { ...job, layers: [4_096, 4_096, 10] }
    const { count, taken } = sampleOf(large, 1_000_000)
    assert.equal(count, 1_000_000)
    assert.equal(taken, 100)
  })
})

describe('the meter', () => {
  const pool = createTrainingPool({}, { warn: assert.fail })
  /** Tasks that the pool carried out, and what became of them. */
  const verdicts: boolean[] = []
  let blobs: BlobStore
  let dataset: Hash
  const running: RunningMeter[] = []

  beforeAll(async () => {
    blobs = await openBlobStore(folder)
    const put = await blobs.put(blobOf(rows, 12, 4))
    assert.ok(put.ok)
    dataset = put.value
  })
  afterEach(async () => {
    for (const meter of running.splice(0)) await meter.stop()
  })
  afterAll(async () => {
    await pool.close()
    rmSync(folder, { recursive: true })
  })

  /** A meter of a node that knows `certified` ranges of `terms`, and the certificates that it hears. */
  async function open(terms: Job, store: KeyValue, weights: (Hash | null)[], lacksRows = false) {
    const heard = new Set<(certificate: CertificateView) => void>()
    const certificate = async (_: Hash, range: number) =>
      weights[range] === undefined ? null : ({ weights: weights[range] ?? seedOf(range) } as never)
    const measured: AccuracyView[] = []
    const meter = createAccuracyMeter({
      store: createAccuracyStore(store),
      pool: {
        evaluate: async (...task) => {
          const verdict = await pool.evaluate(...task)
          verdicts.push(verdict.ok)
          return verdict
        },
        close: async () => {},
      },
      blobs,
      index: {
        certificate,
        onCertificate: (listener) => {
          heard.add(listener)
          return () => heard.delete(listener)
        },
      },
      job: async () => ({ id, job: terms, state: stateAt(weights.length) }),
      dataset: async () => ({
        root,
        title: 'rows',
        blob: lacksRows ? seedOf(5) : dataset,
        rows,
        features: 12,
        classes: 4,
        owner: zeroAddress,
      }),
      log: createLogger('silent', null),
    })
    await meter.start()
    running.push(meter)
    const seen = (count: number) =>
      new Promise<readonly AccuracyView[]>((resolve) => {
        const stop = meter.onAccuracy((one) => {
          measured.push(one)
          if (measured.length < count) return
          stop()
          resolve(measured)
        })
      })
    return { meter, seen, certify: () => [...heard].map((tell) => tell({ job: id } as never)) }
  }

  /** Keep random weights; their name, and how often they are right on rows from `first` on. */
  async function checkpoint(seed: number, first = 0) {
    const state = initialState(job, seedOf(seed))
    const put = await blobs.put(encodeState(job, state))
    assert.ok(put.ok)
    const opened = datasetFromBytes(blobOf(rows, 12, 4))
    assert.ok(opened.ok)
    const read = readRows(
      opened.value,
      Uint32Array.from({ length: rows - first }, (_, i) => first + i),
    )
    assert.ok(read.ok)
    const session = await referenceBackend.open(job, state)
    const { correct } = score(await session.outputs(read.value), read.value, 4)
    return { weights: put.value, correct }
  }

  it('measures what is here once it is asked, newest first, and what is certified after', async () => {
    const [a, b, c] = [await checkpoint(1), await checkpoint(2), await checkpoint(3)]
    const store = openMemory()
    const weights: (Hash | null)[] = [a.weights, null, b.weights]
    const { meter, seen, certify } = await open(job, store, weights)
    const first = seen(2)
    assert.deepEqual([...(await meter.ask(id))], [])
    const expected = (range: number, correct: number) => ({
      job: id,
      range,
      stepsDone: 4 * (range + 1),
      on: 'training',
      rows,
      correct,
    })
    assert.deepEqual(await first, [expected(2, b.correct), expected(0, a.correct)])
    const next = seen(1)
    weights.push(c.weights)
    certify()
    assert.deepEqual((await next).at(-1), expected(3, c.correct))
    assert.deepEqual([...(await meter.ask(id)).keys()], [0, 2, 3])
    const again = await open(job, store, weights)
    const kept = await again.meter.ask(id)
    assert.deepEqual(kept.get(3), { on: 'training', rows, correct: c.correct })
    const certificate = async (_: Hash, range: number) =>
      ({ losses: [1n, 2n, BigInt(range)] }) as never
    const course = await courseOf({ id, job, state: stateAt(2) }, certificate, kept)
    assert.deepEqual(course, [
      { range: 0, stepsDone: 4, loss: 3n, rows: 32, accuracy: kept.get(0) },
      { range: 1, stepsDone: 8, loss: 4n, rows: 32, accuracy: null },
    ])
  })

  it('measures on the rows held out where there are some', async () => {
    const one = await checkpoint(4, 40)
    const terms = { ...job, heldOut: { dataset: root, rows: 20 } }
    assert.equal(evaluationJob(terms).batch, 20)
    const { meter, seen } = await open(terms, openMemory(), [one.weights])
    const found = seen(1)
    await meter.ask(id)
    const { on, rows: judged, correct } = (await found)[0]!
    assert.deepEqual([on, judged, correct], ['heldOut', 20, one.correct])
  })

  it('measures nothing without the rows, or of weights that are damaged', async () => {
    const damaged = await blobs.put(
      new Uint8Array(encodeState(job, initialState(job, seedOf(1))).length).fill(128),
    )
    assert.ok(damaged.ok)
    const none = await open(job, openMemory(), [damaged.value])
    verdicts.length = 0
    await none.meter.ask(id)
    await vi.waitFor(() => assert.deepEqual(verdicts, [false]), { timeout: 60_000 })
    const lacking = await open(job, openMemory(), [(await checkpoint(5)).weights], true)
    await lacking.meter.ask(id)
    await lacking.meter.stop()
    // What cannot be measured is not tried again.
    assert.equal((await none.meter.ask(id)).size, 0)
    await none.meter.stop()
    assert.deepEqual(verdicts, [false])
  })
})
