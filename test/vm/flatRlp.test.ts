import assert from 'node:assert/strict'
import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { concatBytes, equalBytes } from '../../primitives/bytes.ts'
import { readFlatList } from '../../vm/flatRlp.ts'

/** What the library reads and writes again as it was; null for anything else. */
function readByLibrary(bytes: Uint8Array): readonly (Uint8Array | null)[] | null {
  try {
    const list = RLP.decode(bytes)
    if (!Array.isArray(list) || !equalBytes(RLP.encode(list), bytes)) return null
    const flat = list.every((item) => item instanceof Uint8Array || item.length === 0)
    return flat ? list.map((item) => (item instanceof Uint8Array ? item : null)) : null
  } catch {
    return null
  }
}

const item = fc.oneof(
  fc.uint8Array({ maxLength: 3 }),
  fc.uint8Array({ minLength: 50, maxLength: 60 }),
  fc.uint8Array({ minLength: 250, maxLength: 260 }),
  fc.constant([]),
)
const list = fc.array(item, { maxLength: 14 }).map((items) => RLP.encode(items as Uint8Array[]))

describe('flat lists in RLP', () => {
  it('are read as the library reads them, wherever they start', () => {
    fc.assert(
      fc.property(list, fc.uint8Array({ maxLength: 3 }), (bytes, before) => {
        const read = readFlatList(concatBytes(before, bytes), before.length)
        assert.deepEqual(read?.items, readByLibrary(bytes))
        const pieces = read!.starts.map((start, i) =>
          concatBytes(before, bytes).subarray(start, read!.starts[i + 1]),
        )
        assert.deepEqual(
          pieces,
          read!.items.map((one) => RLP.encode(one ?? [])),
        )
      }),
    )
  })

  it('are refused in every encoding but one', () => {
    fc.assert(
      fc.property(list, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, by) => {
        const bent = bytes.slice()
        bent[at % bent.length]! ^= by
        assert.deepEqual(readFlatList(bent, 0)?.items ?? null, readByLibrary(bent))
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        assert.deepEqual(readFlatList(bytes, 0)?.items ?? null, readByLibrary(bytes))
      }),
      { numRuns: 2_000 },
    )
    for (const wrong of [
      [],
      [0x80],
      [0xc1],
      [0xc0, 0],
      [0xc1, 0x81],
      [0xc2, 0x81, 0x7f],
      [0xc2, 0xc1, 0xc0],
      [0xc3, 0x83, 1, 2],
      [0xf8, 1, 5],
      [0xf9, 0, 1, 5],
      [0xf8],
      [0xff, 255, 255, 255, 255, 255, 255, 255, 255],
      [0xc3, 0xb8, 1, 200],
    ])
      assert.equal(readFlatList(Uint8Array.from(wrong), 0), null, wrong.join(' '))
  })
})
