/**
 * Import of NumPy arrays: features `[rows, …]` and labels `[rows]`.
 *
 * int8 is taken as it is (−128 is refused), uint8 as `byte >> 1`. int16, int32 and float32 are scaled
 * from the range of the whole array (or a given one: a test set's) to [−127, 127] by
 * `floor(254·(v − low) / (high − low) + 0.5) − 127`, clamped. In IEEE doubles, in this order of
 * operations, so that the same file gives the same dataset everywhere.
 */
import { maxInnerDim } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { DatasetFault, Manifest } from './dataset.ts'
import { type RowSink, writeDataset } from './datasetFile.ts'
import { type Npy, type NpyFault, npyTypes, openNpy } from './npyFile.ts'

export type NpyRange = { readonly low: number; readonly high: number }

export type NpyImport = {
  readonly name: string
  readonly features: string
  readonly labels: string
  /** Range to scale by. @default the least and largest value of the array */
  readonly range?: NpyRange | undefined
}

export type NpyImported = Manifest & {
  /** `null` for types that are not scaled. */
  readonly range: NpyRange | null
}

const featureTypes = ['|i1', '|u1', '<i2', '<i4', '<f4'] as const
const labelTypes = ['|i1', '|u1', '<i2', '<u2', '<i4', '<u4', '<i8'] as const

export function importNpy(
  options: NpyImport,
  path: string,
): Result<NpyImported, NpyFault | DatasetFault> {
  const features = openNpy(options.features, featureTypes)
  if (!features.ok) return features
  try {
    const labels = openNpy(options.labels, labelTypes)
    if (!labels.ok) return labels
    try {
      return importOpened(options, features.value, labels.value, path)
    } finally {
      labels.value.close()
    }
  } finally {
    features.value.close()
  }
}

function importOpened(
  { name, range: given }: NpyImport,
  features: Npy,
  labels: Npy,
  path: string,
): Result<NpyImported, NpyFault | DatasetFault> {
  const width = features.shape.slice(1).reduce((a, b) => a * b, 1)
  if (width > maxInnerDim) return wrongShape(features, `a row of ${width} values`)
  if (labels.shape.length !== 1) return wrongShape(labels, 'labels must have one dimension')
  if (labels.shape[0] !== features.shape[0])
    return refuse({ code: 'npy/count', features: features.shape[0]!, labels: labels.shape[0]! })
  const isByte = npyTypes[features.type].bytes === 1
  const range = isByte ? ok(null) : given === undefined ? rangeOf(features, width) : ok(given)
  if (!range.ok) return range
  const fill = (sink: RowSink) => copyRows(features, labels, width, range.value, sink)
  const manifest = writeDataset<NpyFault>(path, { name, features: width }, fill)
  return manifest.ok ? ok({ ...manifest.value, range: range.value }) : manifest
}

function copyRows(
  features: Npy,
  labels: Npy,
  width: number,
  range: NpyRange | null,
  sink: RowSink,
): Result<{ readonly classes: number }, NpyFault> {
  const values = new Float64Array(width)
  const row = new Int8Array(width)
  const label = new Float64Array(1)
  let highest = 1
  for (let i = 0; i < features.shape[0]!; i++) {
    features.read(i * width, values)
    const bad = values.findIndex((value) => !readable(features, value))
    if (bad !== -1) return wrongValue(features, i * width + bad, values[bad]!)
    for (let k = 0; k < width; k++) row[k] = quantize(features, values[k]!, range)
    labels.read(i, label)
    const got = label[0]!
    if (got < 0 || got >= maxInnerDim) return wrongValue(labels, i, got)
    highest = Math.max(highest, got)
    sink.add(row, got)
  }
  return ok({ classes: highest + 1 })
}

/** Finite, and not int8's −128. */
function readable({ type }: Npy, value: number): boolean {
  return Number.isFinite(value) && !(type === '|i1' && value === -128)
}

function quantize({ type }: Npy, value: number, range: NpyRange | null): number {
  if (type === '|u1') return value >> 1
  if (range === null) return value
  const { low, high } = range
  if (high <= low) return 0
  const scaled = Math.floor((254 * (value - low)) / (high - low) + 0.5) - 127
  return Math.min(127, Math.max(-127, scaled))
}

/** Least and largest value. */
function rangeOf(features: Npy, width: number): Result<NpyRange, NpyFault> {
  const values = new Float64Array(width)
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < features.shape[0]!; i++) {
    features.read(i * width, values)
    for (const [k, value] of values.entries()) {
      if (!Number.isFinite(value)) return wrongValue(features, i * width + k, value)
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  return ok({ low, high })
}

function wrongShape({ path }: Npy, what: string): Result<never, NpyFault> {
  return refuse({ code: 'npy/header', path, offset: 0, what })
}

function wrongValue(file: Npy, index: number, got: number): Result<never, NpyFault> {
  const offset = file.start + index * npyTypes[file.type].bytes
  return refuse({ code: 'npy/value', path: file.path, offset, what: 'out of range', got })
}
