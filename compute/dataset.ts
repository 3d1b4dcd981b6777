/**
 * A dataset: rows of int8 features with a class each, in one canonical blob. Its name is the Merkle
 * root over its rows; a row's leaf covers features and label together.
 *
 * Blob: `WGLDATA1`, rows, features, classes (4 bytes big-endian each), then the rows, each its features
 * (two's complement) and its label (2 bytes big-endian). Every row has the same length, so any batch is
 * read without the rest.
 */
import { maxInnerDim } from '../params/protocol.ts'
import {
  bytesToUint,
  concatBytes,
  equalBytes,
  uintBytes,
  utf8ToBytes,
} from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { checkMerklePath, merkleLeaf } from '../primitives/merkle.ts'
import { MerkleStream } from '../primitives/merkleStream.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Rows } from './backend.ts'

export type DatasetShape = {
  readonly rows: number
  readonly features: number
  readonly classes: number
}

/** What a dataset's owner publishes and its users check. */
export type Manifest = DatasetShape & {
  readonly name: string
  readonly root: Hash
  /** Length of the blob. */
  readonly bytes: number
}

/** A dataset that can be read at random. */
export type Dataset = DatasetShape & {
  /** The encoded row at `index < rows`: features, then label. */
  readonly rowBytes: (index: number) => Uint8Array
  readonly close: () => void
}

export type DatasetFault =
  | { readonly code: 'dataset/magic'; readonly got: string }
  | {
      readonly code: 'dataset/shape'
      readonly field: string
      readonly max: number
      readonly got: number
    }
  | { readonly code: 'dataset/length'; readonly expected: number; readonly got: number }
  | {
      readonly code: 'dataset/feature'
      readonly row: number
      readonly column: number
      readonly got: number
    }
  | {
      readonly code: 'dataset/label'
      readonly row: number
      readonly classes: number
      readonly got: number
    }
  | { readonly code: 'dataset/row'; readonly rows: number; readonly got: number }
  | { readonly code: 'dataset/io'; readonly path: string; readonly why: string }

const magic = utf8ToBytes('WGLDATA1')
export const headerBytes: number = magic.length + 12

/** Classes fit a 2-byte label and the widest layer. */
const maxima: DatasetShape = { rows: 2 ** 32 - 1, features: maxInnerDim, classes: maxInnerDim }

/** Length of one encoded row. */
export function rowLength({ features }: Pick<DatasetShape, 'features'>): number {
  return features + 2
}

export function encodeHeader({ rows, features, classes }: DatasetShape): Uint8Array {
  return concatBytes(magic, uintBytes(rows, 4), uintBytes(features, 4), uintBytes(classes, 4))
}

/** @param length - of the whole blob; must be exactly what the header's shape needs. */
export function decodeHeader(
  header: Uint8Array,
  length: number,
): Result<DatasetShape, DatasetFault> {
  if (header.length < headerBytes)
    return refuse({ code: 'dataset/length', expected: headerBytes, got: length })
  if (!equalBytes(header.subarray(0, magic.length), magic))
    return refuse({ code: 'dataset/magic', got: String.fromCharCode(...header.subarray(0, 8)) })
  const at = (index: number) => Number(bytesToUint(header.subarray(8 + 4 * index, 12 + 4 * index)))
  const shape = { rows: at(0), features: at(1), classes: at(2) }
  for (const field of ['rows', 'features', 'classes'] as const)
    if (shape[field] < 1 || shape[field] > maxima[field])
      return refuse({ code: 'dataset/shape', field, max: maxima[field], got: shape[field] })
  const expected = headerBytes + shape.rows * rowLength(shape)
  return length === expected ? ok(shape) : refuse({ code: 'dataset/length', expected, got: length })
}

/** One row of the canonical encoding; the caller has checked ranges. */
export function encodeRow(features: Int8Array, label: number): Uint8Array {
  const bytes = new Uint8Array(features.length + 2)
  bytes.set(new Uint8Array(features.buffer, features.byteOffset, features.length))
  bytes[features.length] = label >>> 8
  bytes[features.length + 1] = label
  return bytes
}

/** A dataset whose whole blob is in memory. */
export function datasetFromBytes(blob: Uint8Array): Result<Dataset, DatasetFault> {
  const shape = decodeHeader(blob.subarray(0, headerBytes), blob.length)
  if (!shape.ok) return shape
  const length = rowLength(shape.value)
  return ok({
    ...shape.value,
    rowBytes: (index) =>
      blob.subarray(headerBytes + index * length, headerBytes + (index + 1) * length),
    close: () => {},
  })
}

/** The rows at `indices`, checked: what a step trains on. */
export function readRows(dataset: Dataset, indices: ArrayLike<number>): Result<Rows, DatasetFault> {
  const { features, rows } = dataset
  const batch = {
    count: indices.length,
    features: new Int8Array(indices.length * features),
    labels: new Uint32Array(indices.length),
  }
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!
    if (index >= rows) return refuse({ code: 'dataset/row', rows, got: index })
    const fault = readRow(dataset, index, batch, i)
    if (fault !== null) return refuse(fault)
  }
  return ok(batch)
}

/** Check every row and name the dataset: reads the blob once. */
export function checkDataset(dataset: Dataset, name: string): Result<Manifest, DatasetFault> {
  const { rows, features, classes } = dataset
  const stream = new MerkleStream()
  const row = { count: 1, features: new Int8Array(features), labels: new Uint32Array(1) }
  for (let index = 0; index < rows; index++) {
    const fault = readRow(dataset, index, row, 0)
    if (fault !== null) return refuse(fault)
    stream.add(merkleLeaf(dataset.rowBytes(index)))
  }
  const bytes = headerBytes + rows * rowLength(dataset)
  return ok({ name, rows, features, classes, root: stream.root(), bytes })
}

/** Leaf digests in row order, for {@link merkleLevels} and row proofs. */
export function rowLeaves(dataset: Dataset): readonly Uint8Array[] {
  return Array.from({ length: dataset.rows }, (_, index) => merkleLeaf(dataset.rowBytes(index)))
}

/** Whether `rowBytes` is row `index` of the dataset with this root and number of rows. */
export function checkRow(
  { root, rows, features }: Pick<Manifest, 'root' | 'rows' | 'features'>,
  index: number,
  rowBytes: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  const fits = rowBytes.length === rowLength({ features })
  return fits && checkMerklePath(root, rows, index, merkleLeaf(rowBytes), path)
}

/** Decodes row `index` into place `at` of `batch`, or says what is wrong with it. */
function readRow(dataset: Dataset, index: number, batch: Rows, at: number): DatasetFault | null {
  const { features, classes } = dataset
  const bytes = dataset.rowBytes(index)
  const values = new Int8Array(bytes.buffer, bytes.byteOffset, features)
  const lowest = values.indexOf(-128)
  if (lowest !== -1) return { code: 'dataset/feature', row: index, column: lowest, got: -128 }
  const label = bytes[features]! * 256 + bytes[features + 1]!
  if (label >= classes) return { code: 'dataset/label', row: index, classes, got: label }
  batch.features.set(values, at * features)
  batch.labels[at] = label
  return null
}
