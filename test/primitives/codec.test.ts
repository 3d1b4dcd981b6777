import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { decode, type Reader, Writer } from '../../primitives/codec.ts'
import { sha256Hash } from '../../primitives/hash.ts'
import {
  checkMerklePath,
  merkleLeaf,
  merkleLevels,
  merklePath,
  merkleRoot,
} from '../../primitives/merkle.ts'

const read = (reader: Reader) => ({
  small: reader.number(2, 1_000),
  large: reader.uint(16),
  hash: reader.hash(),
  blob: reader.blob(64),
  list: reader.list(4, (from) => from.number(1)),
})
const write = (value: ReturnType<typeof read>) =>
  new Writer()
    .uint(value.small, 2)
    .uint(value.large, 16)
    .hash(value.hash)
    .blob(value.blob)
    .list(value.list, (item, writer) => writer.uint(item, 1))
    .bytes()

const values = fc.record(
  {
    small: fc.integer({ min: 0, max: 1_000 }),
    large: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    hash: fc.uint8Array().map(sha256Hash),
    blob: fc.uint8Array({ maxLength: 64 }),
    list: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 4 }),
  },
  { noNullPrototype: true },
)

describe('the codec', () => {
  it('reads what it wrote, and nothing shorter or longer', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = write(value)
        assert.deepEqual(decode(bytes, read), { ok: true, value })
        assert.equal(decode(bytes.subarray(0, -1), read).ok, false)
        assert.equal(decode(Uint8Array.of(...bytes, 0), read).ok, false)
      }),
    )
  })

  it('has one encoding for each value: any bytes it takes, it writes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const decoded = decode(bytes, read)
        if (decoded.ok) assert.deepEqual(write(decoded.value), bytes)
        else assert.match(decoded.fault.code, /^codec\//)
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses lengths above their bound before it allocates', () => {
    const huge = new Writer().uint(2 ** 32 - 1, 4).bytes()
    const blob = decode(huge, (reader) => reader.blob(1_000))
    assert.deepEqual(!blob.ok && blob.fault, {
      code: 'codec/bound',
      offset: 0,
      max: 1_000,
      got: 2 ** 32 - 1,
    })
    assert.equal(decode(huge, (reader) => reader.list(10, () => 0)).ok, false)
  })

  it('carries a refusal of the caller, and passes its bugs on', () => {
    const refused = decode(Uint8Array.of(1), (reader) => {
      if (reader.number(1) === 1) reader.fail('one')
    })
    assert.deepEqual(!refused.ok && refused.fault, { code: 'codec/value', offset: 1, what: 'one' })
    assert.throws(() =>
      decode(Uint8Array.of(1), () => {
        throw new TypeError('mine')
      }),
    )
  })
})

describe('Merkle trees', () => {
  const leaves = (count: number) =>
    Array.from({ length: count }, (_, i) => merkleLeaf(Uint8Array.of(i, i >> 8)))

  it('prove every leaf of every size, and no other leaf or place', () => {
    for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 31, 33]) {
      const digests = leaves(count)
      const root = merkleRoot(digests)
      const levels = merkleLevels(digests)
      for (let index = 0; index < count; index++) {
        const path = merklePath(levels, index)
        assert.ok(checkMerklePath(root, count, index, digests[index]!, path), `${index}/${count}`)
        const other = merkleLeaf(Uint8Array.of(255, 255))
        assert.equal(checkMerklePath(root, count, index, other, path), false)
        assert.equal(
          checkMerklePath(root, count, (index + 1) % (count + 1), digests[index]!, path),
          false,
        )
        if (path.length > 0)
          assert.equal(checkMerklePath(root, count, index, digests[index]!, path.slice(1)), false)
        assert.equal(
          checkMerklePath(root, count, index, digests[index]!, [...path, digests[0]!]),
          false,
        )
      }
    }
  })

  it('have a root of their own for each number of leaves', () => {
    const roots = Array.from({ length: 20 }, (_, count) => merkleRoot(leaves(count)))
    assert.equal(new Set(roots).size, 20)
  })
})
