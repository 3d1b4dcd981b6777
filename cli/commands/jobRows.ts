/**
 * The rows that a job is to train on, found here or fetched from the node, for calibration.
 */

import type { DatasetWire } from '../../client/wire.ts'
import type { Dataset } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { joinRows } from '../../compute/jointRows.ts'
import { isSampleName } from '../../node/sampleData.ts'
import { type Hash, parseHash } from '../../primitives/hash.ts'
import { downloadBlob } from '../blob.ts'
import { openSource, type SourceFlags } from '../datasetSource.ts'
import { ExitCode, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import type { Node } from '../rpc.ts'

export type RowsFlags = SourceFlags & {
  /** Root, or name of a sample. */
  readonly dataset: string
  /** The rows here. @default the sample, or what the node holds */
  readonly rows?: string
}

/** Rows of a job's dataset, wherever they were found. */
export type JobRows = {
  readonly root: Hash
  readonly dataset: Dataset
  readonly close: () => Promise<void>
}

/**
 * The dataset's rows: from here if they are here, from the node otherwise.
 *
 * @param path - where to put what has to be fetched.
 */
export async function openRows(
  flags: RowsFlags,
  node: Node,
  io: Io,
  path: string,
): Promise<JobRows> {
  const local = flags.rows ?? (isSampleName(flags.dataset) ? flags.dataset : null)
  if (local !== null) return localRows(local, flags)
  const root = rootOf(flags.dataset)
  const known = await node.call<DatasetWire | null>('data_getDataset', root)
  if (known === null)
    return fail({
      what: `no dataset ${root}`,
      why: 'none of that root is registered',
      next: 'register it with `waggle dataset add`, or see `waggle dataset list`',
    })
  const dataset = await fetchRows(known, node, io, path)
  return { root, dataset, close: async () => dataset.close() }
}

/** The rows of a dataset, or of all its parts, from the node. @param path - where to put them. */
export async function fetchRows(
  { blob, joint }: DatasetWire,
  node: Node,
  io: Io,
  path: string,
): Promise<Dataset> {
  const parts: Dataset[] = []
  for (const [i, part] of (joint?.parts ?? [{ blob }]).entries()) {
    const file = `${path}.${i}`
    await downloadBlob(io, node.url, part.blob, file)
    parts.push(orFail(openDataset(file), 'the rows are damaged', 'ask another node with --rpc URL'))
  }
  return orFail(joinRows(parts), 'the rows do not go together', 'ask another node with --rpc URL')
}

async function localRows(source: string, flags: RowsFlags): Promise<JobRows> {
  const opened = await openSource(source, flags)
  const dataset = orFail(openDataset(opened.path), `cannot read ${opened.path}`, 'check --rows')
  const { root } = opened.manifest
  const close = async () => {
    dataset.close()
    await opened.close()
  }
  if (isSampleName(flags.dataset) || rootOf(flags.dataset) === root) return { root, dataset, close }
  await close()
  return fail({
    what: '--rows is another dataset',
    why: `its root is ${root}, not ${flags.dataset}`,
    next: 'name the rows of --dataset',
  })
}

function rootOf(text: string): Hash {
  const parsed = parseHash(text.toLowerCase())
  if (parsed.ok) return parsed.value
  return fail({
    what: `no dataset ${text}`,
    why: 'a root is 0x and 64 hex digits',
    next: 'see `waggle dataset list`, or say --dataset mnist',
    exitCode: ExitCode.Usage,
  })
}

/** @throws {Failure} if a model of these layers cannot train on the rows. */
export function checkFit(
  { layers, batch }: { readonly layers: readonly number[]; readonly batch: number },
  { features, classes, rows }: Dataset,
): void {
  const wrong =
    layers[0] !== features
      ? `its rows have ${features} features, the first layer ${layers[0]}`
      : layers.at(-1)! < classes
        ? `it has ${classes} classes, the last layer ${layers.at(-1)} outputs`
        : batch > rows
          ? `it has ${rows} rows, a batch ${batch}`
          : null
  if (wrong === null) return
  const next = `say --layers ${features},…,${classes} and --batch up to ${rows}`
  fail({ what: 'the model does not fit the dataset', why: wrong, next, exitCode: ExitCode.Usage })
}
