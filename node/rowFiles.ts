/**
 * The rows that a lease reads, on this machine: one blob, or one for each dataset that a joint one has.
 */
import type { RowFiles } from '../compute/jointRows.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import type { RowBlobs } from '../registry/datasets.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { EnsureBlob } from './leaseTraining.ts'
import type { DatasetFile } from './proofTask.ts'

/** Names of the blobs that hold the rows. */
export function blobsOf({ datasetBlob, joint }: RowBlobs): readonly Hash[] {
  return joint?.parts.map(({ blob }) => blob) ?? [datasetBlob]
}

/** Bring all of them here. */
export async function ensureRows(
  rows: RowBlobs,
  ensureBlob: EnsureBlob,
  signal: AbortSignal,
): Promise<Result<null, Fault>> {
  for (const blob of blobsOf(rows)) {
    const there = await ensureBlob(blob, signal)
    if (!there.ok) return there
  }
  return ok(null)
}

export function rowFilesOf(rows: RowBlobs, blobs: Pick<BlobStore, 'path'>): RowFiles {
  const { datasetBlob, joint } = rows
  return joint === undefined
    ? blobs.path(datasetBlob)
    : joint.parts.map(({ blob }) => blobs.path(blob))
}

/** @param root - the dataset's name, which the rows must have. */
export function datasetFileOf(
  root: Hash,
  rows: RowBlobs,
  blobs: Pick<BlobStore, 'path'>,
): DatasetFile {
  const file = { path: rowFilesOf(rows, blobs), root }
  const { joint } = rows
  if (joint === undefined) return file
  return { ...file, joint: { salt: joint.salt, roots: joint.parts.map((part) => part.root) } }
}
