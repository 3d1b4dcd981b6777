/**
 * Measures how often a job's checkpoints are right, for whoever looks at this node's pages. Nothing in
 * consensus depends on it and nobody is paid for it, so it waits for its turn: only jobs that somebody
 * asked about lately, only weights and rows that are here, one checkpoint at a time, in one child at the
 * lowest priority.
 */
import { stateBytes } from '../compute/modelState.ts'
import type { TrainingPool } from '../compute/trainingPool.ts'
import type { RowSample } from '../compute/trainingTask.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Dataset, rowBlobsOf } from '../registry/datasets.ts'
import { evaluationJob } from '../registry/evaluation.ts'
import { encodeJob, type Job, rangeSteps, rowSpan, weightCount } from '../registry/job.ts'
import type { JobRecord } from '../registry/jobRecord.ts'
import { type AccuracyMeter, checkpointsOf } from '../rpc/course.ts'
import type { WorkIndex } from '../rpc/workIndex.ts'
import type { Accuracy, AccuracyView } from '../rpc/workViews.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { AccuracyStore } from './accuracyStore.ts'
import { type Logger, logFields } from './logger.ts'
import { blobsOf, rowFilesOf } from './rowFiles.ts'

export type AccuracyMeterModules = {
  readonly store: AccuracyStore
  readonly pool: Pick<TrainingPool, 'evaluate' | 'close'>
  readonly blobs: Pick<BlobStore, 'size' | 'path'>
  readonly index: Pick<WorkIndex, 'certificate' | 'onCertificate'>
  readonly job: (id: Hash) => Promise<JobRecord | null>
  readonly dataset: (root: Hash) => Promise<Dataset | null>
  readonly log: Logger
}

export type RunningMeter = AccuracyMeter & {
  readonly onAccuracy: (listener: (measured: AccuracyView) => void) => () => void
  /** Follow the certificates of jobs that were asked about. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Jobs followed; who asks about one more has the one asked about longest ago forgotten. */
const maxFollowed = 16

/** Larger models are not measured: the child holds two copies. */
const maxStateBytes = 2 ** 26

/** A sample: enough to tell 2 % apart, and within a second or so for the largest models. */
const maxRows = 2_000
const minRows = 100
const maxMacs = 2 ** 30

export function createAccuracyMeter(modules: AccuracyMeterModules): RunningMeter {
  const { store, pool, blobs, index, log } = modules
  const listeners = new Set<(measured: AccuracyView) => void>()
  /** Each with the checkpoints that cannot be measured. */
  const followed = new Map<Hash, Set<number>>()
  const stopping = new AbortController()
  let release = () => {}
  let running: Promise<void> | null = null
  let isDue = false

  /** One pass at a time; what comes meanwhile is seen by one more. */
  function measureSoon(): void {
    isDue = true
    running ??= measureAll()
      .catch((error) => log.error({ err: error }, 'measuring accuracy'))
      .finally(() => {
        running = null
        if (isDue && !stopping.signal.aborted) measureSoon()
      })
  }

  /** A checkpoint of each job in turn, until nothing is left that can be measured. */
  async function measureAll(): Promise<void> {
    while (isDue) {
      isDue = false
      for (const [id, hopeless] of [...followed]) {
        if (stopping.signal.aborted) return
        if (await measureNext(id, hopeless)) isDue = true
      }
    }
  }

  /** Measure one checkpoint; false: there is none whose weights and rows are here. */
  async function measureNext(id: Hash, hopeless: Set<number>): Promise<boolean> {
    const record = await modules.job(id)
    const dataset = record && (await rowsOf(record.job))
    const next = record && dataset && (await newestOf(record, hopeless))
    if (record === null || dataset === null || next === null) return false
    const found = await measure(record.job, dataset, next.weights)
    if (found === null) hopeless.add(next.range)
    else await tell(id, next.range, record.job, found)
    return true
  }

  /** The newest checkpoint that was not measured and whose weights are here. */
  async function newestOf(
    record: JobRecord,
    hopeless: ReadonlySet<number>,
  ): Promise<{ readonly range: number; readonly weights: Hash } | null> {
    const known = await store.of(record.id)
    for (const range of checkpointsOf(record).toReversed()) {
      if (known.has(range) || hopeless.has(range)) continue
      const certificate = await index.certificate(record.id, range)
      if (certificate === null) continue
      const { weights } = certificate
      if ((await blobs.size(weights)) === stateBytes(record.job)) return { range, weights }
    }
    return null
  }

  async function measure(job: Job, dataset: Dataset, weights: Hash): Promise<Accuracy | null> {
    if (stateBytes(job) > maxStateBytes) return null
    const score = await pool.evaluate(
      {
        job: encodeJob(job),
        state: blobs.path(weights),
        dataset: rowFilesOf(rowBlobsOf(dataset), blobs),
        sample: sampleOf(job, dataset.rows),
      },
      { signal: stopping.signal },
    )
    if (score.ok) {
      const { rows, correct } = score.value
      return { on: job.heldOut === undefined ? 'training' : 'heldOut', rows, correct }
    }
    if (!stopping.signal.aborted) log.debug({ weights, ...logFields(score.fault) }, 'not measured')
    return null
  }

  async function tell(job: Hash, range: number, terms: Job, found: Accuracy): Promise<void> {
    await store.put(job, range, found)
    const { from, count } = rangeSteps(terms, range)
    for (const listener of listeners) listener({ job, range, stepsDone: from + count, ...found })
  }

  /** The dataset to measure on, if its rows are here. */
  async function rowsOf(job: Job): Promise<Dataset | null> {
    const dataset = await modules.dataset(job.heldOut?.dataset ?? job.dataset)
    if (dataset === null) return null
    for (const blob of blobsOf(rowBlobsOf(dataset)))
      if ((await blobs.size(blob)) === null) return null
    return dataset
  }

  return {
    ask: async (job) => {
      const hopeless = followed.get(job) ?? new Set()
      followed.delete(job)
      followed.set(job, hopeless)
      const [oldest] = followed.keys()
      if (followed.size > maxFollowed) followed.delete(oldest!)
      if (!stopping.signal.aborted) measureSoon()
      return store.of(job)
    },
    onAccuracy: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    start: async () => {
      release = index.onCertificate(({ job }) => {
        if (followed.has(job)) measureSoon()
      })
    },
    stop: async () => {
      release()
      stopping.abort()
      await running
      await pool.close()
    },
  }
}

/** Of the rows held out, else of those that the job trains on. */
export function sampleOf(job: Job, rows: number): RowSample {
  const { first, count } = rowSpan(job.heldOut === undefined ? job : evaluationJob(job), rows)
  const affordable = Math.max(minRows, Math.floor(maxMacs / weightCount(job)))
  return { first, count, taken: Math.min(count, maxRows, affordable) }
}
