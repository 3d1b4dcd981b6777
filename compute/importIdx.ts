/**
 * Import of IDX files (the format of MNIST and its kin): unsigned bytes become features `byte >> 1`.
 *
 * @see http://yann.lecun.com/exdb/mnist/ ("The IDX file format")
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { maxInnerDim } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { DatasetFault, Manifest } from './dataset.ts'
import { type RowSink, writeDataset } from './datasetFile.ts'

export type IdxFault =
  | { readonly code: 'idx/io'; readonly path: string; readonly why: string }
  | {
      readonly code: 'idx/header'
      readonly path: string
      readonly offset: number
      readonly what: string
      readonly got: number
    }
  | {
      readonly code: 'idx/length'
      readonly path: string
      readonly expected: number
      readonly got: number
    }
  | { readonly code: 'idx/count'; readonly images: number; readonly labels: number }
  | {
      readonly code: 'idx/label'
      readonly path: string
      readonly offset: number
      readonly classes: number
      readonly got: number
    }

export type IdxImport = {
  readonly name: string
  /** IDX file of unsigned bytes, two or more dimensions: `[rows, …]`. */
  readonly images: string
  /** IDX file of unsigned bytes, one dimension: `[rows]`. */
  readonly labels: string
  /** Labels at or above it are refused. @default 10 */
  readonly classes?: number | undefined
  /** Take only the first rows. @default all */
  readonly limit?: number | undefined
}

/** Read both files in step and write a dataset to `path`. Memory: one row of each. */
export function importIdx(
  { name, images, labels, classes = 10, limit }: IdxImport,
  path: string,
): Result<Manifest, IdxFault | DatasetFault> {
  const pixels = openIdx(images)
  if (!pixels.ok) return pixels
  try {
    const tags = openIdx(labels)
    if (!tags.ok) return tags
    try {
      const fault = pairFault(pixels.value, tags.value)
      if (fault !== null) return refuse(fault)
      const features = pixels.value.dimensions.slice(1).reduce((a, b) => a * b, 1)
      const copy = (sink: RowSink) => copyRows(pixels.value, tags.value, sink, classes, limit)
      return writeDataset<IdxFault>(path, { name, features }, copy)
    } finally {
      closeSync(tags.value.file)
    }
  } finally {
    closeSync(pixels.value.file)
  }
}

type Idx = {
  readonly path: string
  readonly file: number
  readonly dimensions: readonly number[]
  /** Offset of the first element. */
  readonly start: number
}

function openIdx(path: string): Result<Idx, IdxFault> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    return refuse({ code: 'idx/io', path, why: (error as Error).message })
  }
  const idx = readIdxHeader(path, file)
  if (!idx.ok) closeSync(file)
  return idx
}

function readIdxHeader(path: string, file: number): Result<Idx, IdxFault> {
  const size = fstatSync(file).size
  const view = new DataView(new ArrayBuffer(4 + 4 * 255))
  const got = readSync(file, view, 0, view.byteLength, 0)
  if (got < 8) return refuse({ code: 'idx/length', path, expected: 8, got: size })
  const wrong = (offset: number, what: string, value: number) =>
    refuse({ code: 'idx/header', path, offset, what, got: value } as const)
  if (view.getUint16(0) !== 0) return wrong(0, 'must start with two zero bytes', view.getUint16(0))
  if (view.getUint8(2) !== 8) return wrong(2, 'must hold unsigned bytes (8)', view.getUint8(2))
  const rank = view.getUint8(3)
  if (rank === 0) return wrong(3, 'must have a dimension', rank)
  const start = 4 + 4 * rank
  if (got < start) return refuse({ code: 'idx/length', path, expected: start, got: size })
  const dimensions = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  const expected = start + dimensions.reduce((a, b) => a * b, 1)
  if (size !== expected) return refuse({ code: 'idx/length', path, expected, got: size })
  return ok({ path, file, dimensions, start })
}

/** Rules that tie images and labels together. */
function pairFault(pixels: Idx, tags: Idx): IdxFault | null {
  if (tags.dimensions.length !== 1) {
    const what = 'labels must have one dimension'
    return { code: 'idx/header', path: tags.path, offset: 3, what, got: tags.dimensions.length }
  }
  const features = pixels.dimensions.slice(1).reduce((a, b) => a * b, 1)
  if (features < 1 || features > maxInnerDim || pixels.dimensions.length < 2) {
    const what = `a row must have 1 to ${maxInnerDim} values`
    return { code: 'idx/header', path: pixels.path, offset: 3, what, got: features }
  }
  const [images, labels] = [pixels.dimensions[0]!, tags.dimensions[0]!]
  return images === labels ? null : { code: 'idx/count', images, labels }
}

function copyRows(
  pixels: Idx,
  tags: Idx,
  sink: RowSink,
  classes: number,
  limit = Number.POSITIVE_INFINITY,
): Result<{ readonly classes: number }, IdxFault> {
  const features = pixels.dimensions.slice(1).reduce((a, b) => a * b, 1)
  const pixel = new Uint8Array(features)
  const row = new Int8Array(features)
  const label = new Uint8Array(1)
  for (let i = 0; i < Math.min(limit, tags.dimensions[0]!); i++) {
    readSync(pixels.file, pixel, 0, features, pixels.start + i * features)
    readSync(tags.file, label, 0, 1, tags.start + i)
    const got = label[0]!
    if (got >= classes)
      return refuse({ code: 'idx/label', path: tags.path, offset: tags.start + i, classes, got })
    for (let k = 0; k < features; k++) row[k] = pixel[k]! >> 1
    sink.add(row, got)
  }
  return ok({ classes })
}
