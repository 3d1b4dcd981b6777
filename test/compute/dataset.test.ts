import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import {
  checkDataset,
  checkRow,
  datasetFromBytes,
  encodeHeader,
  headerBytes,
  readRows,
  rowLeaves,
  rowLength,
} from '../../compute/dataset.ts'
import { openDataset, writeDataset } from '../../compute/datasetFile.ts'
import { concatBytes } from '../../primitives/bytes.ts'
import { merkleLevels, merklePath, merkleRoot } from '../../primitives/merkle.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { blobOf, randomValues } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'waggle-dataset-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('dataset', () => {
  const blob = blobOf(21, 6, 3)
  const opened = datasetFromBytes(blob)
  assert.ok(opened.ok)
  const dataset = opened.value

  it('is named by the root over its rows, features and label', () => {
    const manifest = checkDataset(dataset, 'small')
    assert.ok(manifest.ok)
    const leaves = rowLeaves(dataset)
    assert.deepEqual(manifest.value, {
      name: 'small',
      rows: 21,
      features: 6,
      classes: 3,
      root: merkleRoot(leaves),
      bytes: blob.length,
    })
    const relabelled = blob.slice()
    const label = headerBytes + rowLength(dataset) - 1
    relabelled[label] = (relabelled[label]! + 1) % 3
    const other = datasetFromBytes(relabelled)
    assert.ok(other.ok)
    const changed = checkDataset(other.value, 'small')
    assert.ok(changed.ok)
    assert.notEqual(changed.value.root, manifest.value.root)
  })

  it('proves single rows', () => {
    const manifest = checkDataset(dataset, 'small')
    assert.ok(manifest.ok)
    const levels = merkleLevels(rowLeaves(dataset))
    for (let row = 0; row < 21; row++) {
      const path = merklePath(levels, row)
      assert.ok(checkRow(manifest.value, row, dataset.rowBytes(row), path), `row ${row}`)
      const other = dataset.rowBytes((row + 1) % 21)
      assert.ok(!checkRow(manifest.value, row, other, path))
      assert.ok(!checkRow(manifest.value, row, dataset.rowBytes(row).subarray(1), path))
    }
  })

  it('reads any rows in any order, from memory and from disk alike', () => {
    const path = join(folder, 'small.wgl')
    writeFileSync(path, blob)
    const onDisk = openDataset(path)
    assert.ok(onDisk.ok)
    const indices = Uint32Array.of(20, 0, 7, 7)
    const rows = readRows(dataset, indices)
    assert.deepEqual(readRows(onDisk.value, indices), rows)
    assert.ok(rows.ok)
    assert.equal(rows.value.count, 4)
    assert.deepEqual(rows.value.features.subarray(6, 12), randomValues(21 * 6, 1).subarray(0, 6))
    onDisk.value.close()
  })

  it('refuses blobs that are not one, with the numbers', () => {
    const shape = { rows: 21, features: 6, classes: 3 }
    const header = (changed: Partial<typeof shape>) =>
      concatBytes(encodeHeader({ ...shape, ...changed }), blob.subarray(headerBytes))
    const cases = [
      [new Uint8Array(3), 'dataset/length'],
      [blob.map((byte, i) => (i === 0 ? byte + 1 : byte)), 'dataset/magic'],
      [header({ rows: 0 }), 'dataset/shape'],
      [header({ features: 61_441 }), 'dataset/shape'],
      [header({ classes: 61_441 }), 'dataset/shape'],
      [header({ rows: 22 }), 'dataset/length'],
      [concatBytes(blob, Uint8Array.of(0)), 'dataset/length'],
    ] as const
    for (const [bytes, code] of cases) {
      const verdict = datasetFromBytes(bytes)
      assert.ok(!verdict.ok)
      assert.equal(verdict.fault.code, code)
    }
  })

  it('refuses rows with -128, with a class too many, and rows it does not have', () => {
    const at = headerBytes + 2 * rowLength(dataset)
    const low = blob.slice()
    low[at + 4] = 0x80
    const labelled = blob.slice()
    labelled[at + 7] = 3
    for (const [bytes, fault] of [
      [low, { code: 'dataset/feature', row: 2, column: 4, got: -128 }],
      [labelled, { code: 'dataset/label', row: 2, classes: 3, got: 3 }],
    ] as const) {
      const wrong = datasetFromBytes(bytes)
      assert.ok(wrong.ok)
      assert.deepEqual(readRows(wrong.value, [2]), { ok: false, fault })
      assert.deepEqual(checkDataset(wrong.value, ''), { ok: false, fault })
      assert.ok(readRows(wrong.value, [1]).ok)
    }
    const fault = { code: 'dataset/row', rows: 21, got: 21 }
    assert.deepEqual(readRows(dataset, [21]), { ok: false, fault })
  })

  it('a refused import leaves no file behind', () => {
    const path = join(folder, 'none.wgl')
    const refused = writeDataset(path, { name: 'none', features: 2 }, (sink) => {
      sink.add(Int8Array.of(1, 2), 0)
      return refuse({ code: 'test/stop' })
    })
    assert.deepEqual(refused, { ok: false, fault: { code: 'test/stop' } })
    const empty = writeDataset(path, { name: 'none', features: 2 }, () => ok({ classes: 2 }))
    assert.ok(!empty.ok && empty.fault.code === 'dataset/shape')
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('none')),
      [],
    )
  })

  it('writes what it reads, across pieces', () => {
    const path = join(folder, 'large.wgl')
    const features = 50_000
    const rows = [1, 2, 3, 4, 5].map((seed) => randomValues(features, seed))
    const manifest = writeDataset(path, { name: 'large', features }, (sink) => {
      for (let i = 0; i < 30; i++) sink.add(rows[i % 5]!, i % 4)
      return ok({ classes: 4 })
    })
    assert.ok(manifest.ok)
    assert.equal(readFileSync(path).length, manifest.value.bytes)
    const dataset = openDataset(path)
    assert.ok(dataset.ok)
    assert.deepEqual(checkDataset(dataset.value, 'large'), manifest)
    dataset.value.close()
  })
})
