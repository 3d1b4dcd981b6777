/**
 * Keeps the data that leases need: when a job runs, its dataset and newest weights are brought here
 * before anybody is drawn to train or judge it.
 */
import type { Hash } from '../primitives/hash.ts'
import { zeroHash } from '../primitives/hash.ts'
import { partsOf, readDataset } from '../registry/datasets.ts'
import { type JobRecord, readJob } from '../registry/jobRecord.ts'
import { hashOfWord, listItems } from '../registry/layout.ts'
import type { World } from '../registry/records.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { EnsureBlob } from './leaseTraining.ts'
import type { Logger } from './logger.ts'

export type DataKeeperModules = {
  readonly blobs: Pick<BlobStore, 'has'>
  readonly ensureBlob: EnsureBlob
  /** Told of every job that runs, at each head. */
  readonly prepare: (record: JobRecord) => void
  readonly log: Logger
}

export type DataKeeper = {
  /** Look at the jobs of a new head and begin to fetch what is missing. */
  readonly onHead: (world: World) => Promise<void>
  readonly stop: () => void
}

export function createDataKeeper({
  blobs,
  ensureBlob,
  prepare,
  log,
}: DataKeeperModules): DataKeeper {
  const stopping = new AbortController()
  const fetching = new Set<Hash>()

  async function onHead(world: World): Promise<void> {
    for (const word of await listItems(world.jobs, 'active')) {
      const record = await readJob(world, hashOfWord(word))
      if (record === null) continue
      prepare(record)
      const dataset = await readDataset(world, record.job.dataset)
      const rows = dataset === null ? [] : partsOf(dataset).map(({ blob }) => blob)
      for (const blob of [...rows, record.state.weights]) await want(blob)
    }
  }

  async function want(blob: Hash): Promise<void> {
    if (blob === zeroHash || fetching.has(blob) || (await blobs.has(blob))) return
    fetching.add(blob)
    ensureBlob(blob, stopping.signal)
      .then((there) => {
        if (!there.ok) log.debug({ blob, code: there.fault.code }, 'blob not found yet')
      })
      .catch((error) => log.error({ err: error }, 'fetching a blob'))
      .finally(() => fetching.delete(blob))
  }

  return { onHead, stop: () => stopping.abort() }
}
