import assert from 'node:assert/strict'
import { it } from 'vitest'
import { batchRows } from '../../compute/batch.ts'
import { checkDataset, datasetFromBytes, readRows, rowLeaves } from '../../compute/dataset.ts'
import { merkleLevels, merklePath } from '../../primitives/merkle.ts'
import { checkDatasetRows } from '../../proof/datasetRows.ts'
import { blobOf, seedOf } from '../compute/support.ts'

it('rows of a batch are checked against the name of the dataset', () => {
  const dataset = datasetFromBytes(blobOf(23, 4, 3))
  assert.ok(dataset.ok)
  const manifest = checkDataset(dataset.value, 'rows')
  assert.ok(manifest.ok)
  const indices = batchRows({ seed: seedOf(1), rows: 23, batch: 5 }, 6)
  const read = readRows(dataset.value, indices)
  assert.ok(read.ok)
  const rows = read.value
  const levels = merkleLevels(rowLeaves(dataset.value))
  const paths = [...indices].map((index) => merklePath(levels, index))
  assert.equal(checkDatasetRows(manifest.value, indices, rows, paths).ok, true)

  const features = rows.features.slice()
  features[7] = features[7]! ^ 1
  const labels = rows.labels.slice()
  labels[2] = labels[2]! ^ 1
  const far = Uint32Array.from(rows.labels, (label, i) => (i === 2 ? label + 2 ** 16 : label))
  const refused = [
    checkDatasetRows(manifest.value, indices, { ...rows, features }, paths),
    checkDatasetRows(manifest.value, indices, { ...rows, labels }, paths),
    checkDatasetRows(manifest.value, indices, { ...rows, labels: far }, paths),
    checkDatasetRows(manifest.value, indices.toReversed(), rows, paths),
    checkDatasetRows(manifest.value, indices, rows, paths.toReversed()),
    checkDatasetRows(manifest.value, indices, rows, paths.slice(1)),
    checkDatasetRows(manifest.value, indices.subarray(1), rows, paths),
  ]
  assert.deepEqual(
    refused.map((verdict) => verdict.ok),
    refused.map(() => false),
  )
})
