/**
 * Datasets that a worker keeps open between tasks.
 */
import { statSync } from 'node:fs'
import type { Result } from '../primitives/result.ts'
import type { Dataset, DatasetFault } from './dataset.ts'
import { openDataset } from './datasetFile.ts'

/** Datasets kept open; the least recently opened is closed first. */
const maxOpen = 8

export type DatasetShelf = {
  /** An open dataset, or a new opening if the file was replaced. */
  readonly open: (path: string) => Result<Dataset, DatasetFault>
}

export function createDatasetShelf(): DatasetShelf {
  const opened = new Map<string, Dataset>()

  function open(path: string): Result<Dataset, DatasetFault> {
    const key = `${path} ${stampOf(path)}`
    const known = opened.get(key)
    if (known !== undefined) return { ok: true, value: known }
    const dataset = openDataset(path)
    if (!dataset.ok) return dataset
    opened.set(key, dataset.value)
    const [oldest] = opened.keys()
    if (opened.size > maxOpen) {
      opened.get(oldest!)!.close()
      opened.delete(oldest!)
    }
    return dataset
  }

  return { open }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}
