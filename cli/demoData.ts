/**
 * The demo's rows: MNIST's training and test images, or a file of the user's split into both.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { checkDataset, type Dataset, encodeHeader, type Manifest } from '../compute/dataset.ts'
import { openDataset } from '../compute/datasetFile.ts'
import { importSample } from '../node/sampleData.ts'
import { openSource } from './datasetSource.ts'
import { fail, orFail } from './failure.ts'

export type Rows = { readonly path: string; readonly manifest: Manifest }

export type DemoRows = {
  readonly title: string
  readonly training: Rows
  /** Held out: never trained on. */
  readonly test: Rows
}

/** Every sixth row of a user's file is held out, as in MNIST. */
const heldOut = 6

const next = 'check the file, or run the demo without --dataset'

export async function demoRows(
  flags: { readonly dataset?: string | undefined; readonly labels?: string | undefined },
  folder: string,
): Promise<DemoRows> {
  if (flags.dataset === undefined) return mnist(folder)
  const source = await openSource(flags.dataset, { labels: flags.labels })
  try {
    return split(source.path, source.manifest.name, folder)
  } finally {
    await source.close()
  }
}

function mnist(folder: string): DemoRows {
  const take = (name: 'mnist' | 'mnist-test'): Rows => {
    const path = join(folder, name)
    return { path, manifest: orFail(importSample(name, path), `cannot import ${name}`, 'npm ci') }
  }
  return { title: 'MNIST', training: take('mnist'), test: take('mnist-test') }
}

function split(source: string, title: string, folder: string): DemoRows {
  const dataset = orFail(openDataset(source), 'the rows cannot be read', next)
  try {
    const indices = Array.from({ length: dataset.rows }, (_, index) => index)
    const training = indices.filter((index) => index % heldOut !== 0)
    const test = indices.filter((index) => index % heldOut === 0)
    if (training.length < 16)
      return fail({
        what: 'too few rows for a demo',
        why: `${dataset.rows} rows, at least 20 are needed`,
        next,
      })
    return {
      title,
      training: writeRows(dataset, training, title, join(folder, 'training')),
      test: writeRows(dataset, test, `${title} held out`, join(folder, 'test')),
    }
  } finally {
    dataset.close()
  }
}

/** A blob of the rows at `indices`. */
function writeRows(dataset: Dataset, indices: readonly number[], name: string, path: string): Rows {
  const { features, classes } = dataset
  const file = openSync(path, 'w')
  try {
    writeSync(file, encodeHeader({ rows: indices.length, features, classes }))
    for (const index of indices) writeSync(file, dataset.rowBytes(index))
  } finally {
    closeSync(file)
  }
  const written = orFail(openDataset(path), 'the rows cannot be read back', next)
  try {
    return { path, manifest: orFail(checkDataset(written, name), 'the rows are damaged', next) }
  } finally {
    written.close()
  }
}
