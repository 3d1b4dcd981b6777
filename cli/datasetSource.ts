/**
 * Rows from wherever a command's argument points: a sample by name, an import of a file, or a blob that
 * is a dataset already. All end as a blob on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import type { Command } from 'commander'
import { checkDataset, type Manifest } from '../compute/dataset.ts'
import { openDataset } from '../compute/datasetFile.ts'
import { type CsvImport, importCsv } from '../compute/importCsv.ts'
import { importNpy } from '../compute/importNpy.ts'
import { importSample, isSampleName, sampleNames } from '../node/sampleData.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { fail, orFail } from './failure.ts'
import { readScaling, type Scaling } from './scaling.ts'

export type DatasetSource = {
  /** File of the blob. */
  readonly path: string
  readonly manifest: Manifest
  /** Null where nothing is scaled. */
  readonly scaling: Scaling | null
  /** Remove what was made. */
  readonly close: () => Promise<void>
}

export type SourceFlags = {
  readonly labels?: string | undefined
  /** File of the scaling to follow. */
  readonly scaling?: string | undefined
}

export function addSourceOptions(command: Command): Command {
  return command
    .option('--labels <column>', 'CSV: name or place of the column of classes; NPY: file of them')
    .option('--scaling <file>', 'scale as this file says, e.g. a test set like its training set')
}

/** @throws {Failure} if there is no such source or its rows are refused. */
export async function openSource(source: string, flags: SourceFlags): Promise<DatasetSource> {
  const follow = flags.scaling === undefined ? null : await readScaling(flags.scaling)
  const folder = await mkdtemp(join(tmpdir(), 'waggle-dataset-'))
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    const made = importFrom(source, flags, follow, join(folder, 'blob'))
    const next = `give a CSV, NPY or dataset file, or one of: ${sampleNames.join(', ')}`
    return { ...orFail(made, `cannot read rows from ${source}`, next), close }
  } catch (error) {
    await close()
    throw error
  }
}

type Imported = Omit<DatasetSource, 'close'>

function importFrom(
  source: string,
  flags: SourceFlags,
  follow: Scaling | null,
  path: string,
): Result<Imported, Fault> {
  if (isSampleName(source)) {
    const manifest = importSample(source, path)
    return manifest.ok ? ok({ path, manifest: manifest.value, scaling: null }) : manifest
  }
  const extension = extname(source).toLowerCase()
  if (extension === '.csv') return fromCsv(source, flags, follow, path)
  if (extension === '.npy') return fromNpy(source, flags, follow, path)
  return fromBlob(source)
}

function fromCsv(
  file: string,
  { labels = '-1' }: SourceFlags,
  follow: Scaling | null,
  path: string,
): Result<Imported, Fault> {
  const known = follow?.format === 'csv' ? { ranges: follow.ranges, labels: follow.labels } : {}
  const label = /^-?\d+$/.test(labels) ? Number(labels) : labels
  const options: CsvImport = { name: nameOf(file), file, label, ...known }
  let imported = importCsv(options, path)
  // By place, the first line may be a row or names: if it is no row of numbers, it is names.
  if (!imported.ok && imported.fault.code === 'csv/number' && imported.fault.line === 1)
    imported = importCsv({ ...options, header: true }, path)
  if (!imported.ok) return imported
  const { ranges, labels: texts, ...manifest } = imported.value
  const scaling: Scaling = { format: 'csv', ranges: [...ranges], labels: [...texts] }
  return ok({ path, manifest, scaling })
}

function fromNpy(
  features: string,
  { labels }: SourceFlags,
  follow: Scaling | null,
  path: string,
): Result<Imported, Fault> {
  if (labels === undefined)
    return fail({
      what: `${features} has no labels`,
      why: 'a NumPy array holds features or labels, not both',
      next: 'name the array of labels with --labels FILE',
    })
  const range = follow?.format === 'npy' ? (follow.range ?? undefined) : undefined
  const imported = importNpy({ name: nameOf(features), features, labels, range }, path)
  if (!imported.ok) return imported
  const { range: used, ...manifest } = imported.value
  return ok({ path, manifest, scaling: { format: 'npy', range: used } })
}

/** A file that is a blob of rows already: every row is checked. */
function fromBlob(path: string): Result<Imported, Fault> {
  const dataset = openDataset(path)
  if (!dataset.ok) return refuse(dataset.fault)
  try {
    const checked = checkDataset(dataset.value, nameOf(path))
    return checked.ok ? ok({ path, manifest: checked.value, scaling: null }) : checked
  } finally {
    dataset.value.close()
  }
}

function nameOf(file: string): string {
  return basename(file, extname(file)).slice(0, 64)
}
