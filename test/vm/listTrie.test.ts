import assert from 'node:assert/strict'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { hashFromBytes } from '../../primitives/hash.ts'
import { listRoot } from '../../vm/listTrie.ts'
import { rlpList, rlpText } from '../../vm/rlp.ts'

async function reference(values: readonly Uint8Array[]) {
  const trie = new MerklePatriciaTrie()
  for (const [i, value] of values.entries()) await trie.put(RLP.encode(i), value)
  return hashFromBytes(trie.root())
}

const values = (maxLength: number) =>
  fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), { maxLength })

describe('the root of a list', () => {
  it('is the root of a trie into which the items are put one by one', async () => {
    await fc.assert(
      fc.asyncProperty(values(40), async (items) => {
        assert.equal(listRoot(items), await reference(items))
      }),
      { numRuns: 60 },
    )
  })

  it('is so around the lengths where keys grow', async () => {
    for (const length of [0, 1, 2, 16, 17, 127, 128, 129, 255, 256, 257, 300]) {
      const items = Array.from({ length }, (_, i) => Uint8Array.of(i & 255, i >> 8, 7))
      assert.equal(listRoot(items), await reference(items), `${length}`)
    }
  })
})

describe('RLP of encoded parts', () => {
  it('is the RLP of the whole', () => {
    const item = fc.uint8Array({ maxLength: 70_000, size: 'max' })
    fc.assert(
      fc.property(
        fc.array(fc.oneof(item, fc.uint8Array({ maxLength: 60 })), { maxLength: 5 }),
        (items) => {
          assert.deepEqual(rlpList(items.map(rlpText)), RLP.encode(items))
        },
      ),
      { numRuns: 50 },
    )
  })
})
