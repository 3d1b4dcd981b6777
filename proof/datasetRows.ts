/**
 * The public batch against the dataset's name: each row with a Merkle path to the root. Rule P-19 of
 * docs/spec/proof.md. Which rows a step trains on is the caller's knowledge: a function of the job's
 * seed and the step.
 */
import type { Hash } from '../primitives/hash.ts'
import { checkMerklePath, merkleLeaf } from '../primitives/merkle.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { BatchRows } from './statement.ts'

/** What the registry holds of a dataset. */
export type DatasetName = {
  readonly root: Hash
  readonly rows: number
  readonly features: number
}

export type RowsFault =
  | {
      readonly code: 'proof/rows'
      readonly field: string
      readonly expected: number
      readonly got: number
    }
  | { readonly code: 'proof/row'; readonly index: number }

/**
 * Whether `batch` holds exactly the rows at `indices`, in that order.
 *
 * @param paths - of each row, sibling digests from the leaf up.
 */
export function checkDatasetRows(
  { root, rows, features }: DatasetName,
  indices: ArrayLike<number>,
  batch: BatchRows,
  paths: readonly (readonly Uint8Array[])[],
): Result<'rows', RowsFault> {
  const lengths = [
    ['count', indices.length, batch.count],
    ['features', indices.length * features, batch.features.length],
    ['labels', indices.length, batch.labels.length],
    ['paths', indices.length, paths.length],
  ] as const
  for (const [field, expected, got] of lengths)
    if (expected !== got) return refuse({ code: 'proof/rows', field, expected, got })
  for (let i = 0; i < batch.count; i++) {
    const index = indices[i]!
    const leaf = merkleLeaf(rowBytes(batch, features, i))
    const holds = batch.labels[i]! < 2 ** 16 && checkMerklePath(root, rows, index, leaf, paths[i]!)
    if (!holds) return refuse({ code: 'proof/row', index })
  }
  return ok('rows')
}

/** A row as datasets encode it: features two's complement, label 2 bytes big-endian. */
function rowBytes({ features, labels }: BatchRows, width: number, i: number): Uint8Array {
  const bytes = new Uint8Array(width + 2)
  bytes.set(features.subarray(i * width, (i + 1) * width))
  bytes[width] = labels[i]! >>> 8
  bytes[width + 1] = labels[i]!
  return bytes
}
