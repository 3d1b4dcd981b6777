/**
 * Rows of several datasets, one after the other, as of one dataset.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Dataset, DatasetFault } from './dataset.ts'

/** Path of a dataset's blob, or of those of its parts, in their order. */
export type RowFiles = string | readonly string[]

export type JointFault =
  | DatasetFault
  | { readonly code: 'dataset/parts'; readonly expected: number; readonly got: number }

/** Open the rows of a dataset with what opens one blob. */
export function openRows(
  files: RowFiles,
  open: (path: string) => Result<Dataset, DatasetFault>,
): Result<Dataset, JointFault> {
  if (typeof files === 'string') return open(files)
  const parts: Dataset[] = []
  for (const path of files) {
    const part = open(path)
    if (!part.ok) return part
    parts.push(part.value)
  }
  return joinRows(parts)
}

/** Datasets of the same width, at least one, as one. */
export function joinRows(parts: readonly Dataset[]): Result<Dataset, JointFault> {
  const features = parts[0]?.features ?? 0
  const other = parts.find((part) => part.features !== features)
  if (parts.length === 0 || other !== undefined)
    return refuse({ code: 'dataset/parts', expected: features, got: other?.features ?? 0 })
  const ends: number[] = []
  for (const { rows } of parts) ends.push((ends.at(-1) ?? 0) + rows)
  return ok({
    rows: ends.at(-1)!,
    features,
    classes: Math.max(...parts.map(({ classes }) => classes)),
    rowBytes: (index) => {
      const part = ends.findIndex((end) => index < end)
      return parts[part]!.rowBytes(index - (ends[part - 1] ?? 0))
    },
    close: () => {
      for (const part of parts) part.close()
    },
  })
}
