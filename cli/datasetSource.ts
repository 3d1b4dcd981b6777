/**
 * Rows from wherever a command's argument points: a sample by name, an import of a file, or a blob that
 * is a dataset already. All end as a blob on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { checkDataset, type Manifest } from '../compute/dataset.ts'
import { openDataset } from '../compute/datasetFile.ts'
import { importSample, isSampleName, sampleNames } from '../node/sampleData.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import { orFail } from './failure.ts'

export type DatasetSource = {
  /** File of the blob. */
  readonly path: string
  readonly manifest: Manifest
  /** Remove what was made. */
  readonly close: () => Promise<void>
}

export type SourceFlags = {
  /** CSV: name or number of the column of classes. NPY: file of the labels. */
  readonly labels?: string | undefined
}

/** @throws {Failure} if there is no such source or its rows are refused. */
export async function openSource(source: string, flags: SourceFlags): Promise<DatasetSource> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-dataset-'))
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'blob')
    const imported = await importFrom(source, flags, path)
    const next = `give a CSV, NPY or dataset file, or one of: ${sampleNames.join(', ')}`
    const { manifest, inPlace } = orFail(imported, `cannot read rows from ${source}`, next)
    return { path: inPlace ? source : path, manifest, close }
  } catch (error) {
    await close()
    throw error
  }
}

type Imported = { readonly manifest: Manifest; readonly inPlace: boolean }

async function importFrom(
  source: string,
  _flags: SourceFlags,
  path: string,
): Promise<Result<Imported, Fault>> {
  if (isSampleName(source)) return made(importSample(source, path))
  return checkBlob(source)
}

function made(imported: Result<Manifest, Fault>): Result<Imported, Fault> {
  return imported.ok ? ok({ manifest: imported.value, inPlace: false }) : imported
}

/** A file that is a blob of rows already: every row is checked. */
function checkBlob(source: string): Result<Imported, Fault> {
  const dataset = openDataset(source)
  if (!dataset.ok) return dataset
  try {
    const checked = checkDataset(dataset.value, basename(source, extname(source)))
    return checked.ok ? ok({ manifest: checked.value, inPlace: true }) : checked
  } finally {
    dataset.value.close()
  }
}
