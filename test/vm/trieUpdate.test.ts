import assert from 'node:assert/strict'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { toHex } from '../../primitives/bytes.ts'
import { readTrie, type TrieChange, updateTrie } from '../../vm/trieUpdate.ts'

/** Keys that share long beginnings, so that branches come and go at every depth. */
const key = fc
  .tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 63 }),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(([head, at, half]) => {
    const bytes = new Uint8Array(32).fill(17 * head)
    bytes[at >> 1]! ^= half << (at & 1 ? 0 : 4)
    return bytes
  })
/** Short ones make nodes that are written into their parents. */
const value = fc.uint8Array({ minLength: 1, maxLength: 40 })
const step = fc.uniqueArray(fc.tuple(key, fc.option(value, { nil: null, freq: 3 })), {
  maxLength: 24,
  selector: ([at]) => toHex(at),
})

function open() {
  const nodes = new Map<string, Uint8Array>()
  const store = {
    get: async (hash: Uint8Array) => {
      const bytes = nodes.get(toHex(hash))
      if (bytes === undefined) throw new Error('Missing node in DB')
      return bytes
    },
    put: (hash: Uint8Array, bytes: Uint8Array) => {
      nodes.set(toHex(hash), bytes)
    },
  }
  return { nodes, store }
}

/** To the library nothing is an empty value. */
function putOne(trie: MerklePatriciaTrie, { key: at, value: to }: TrieChange): Promise<void> {
  return trie.put(at, to ?? new Uint8Array())
}

describe('updateTrie', () => {
  it('reaches the roots of putting one entry after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        const { store } = open()
        const reference = new MerklePatriciaTrie()
        const entries = new Map<string, TrieChange>()
        let root: Uint8Array | null = null
        for (const list of steps) {
          const changes = list.map(([at, to]) => ({ key: at, value: to }))
          root = await updateTrie(store, root, changes)
          for (const change of changes) {
            entries.set(toHex(change.key), change)
            await putOne(reference, change)
          }
          assert.deepEqual(root ?? reference.EMPTY_TRIE_ROOT, reference.root())
        }
        for (const entry of entries.values())
          assert.deepEqual(await readTrie(store, root, entry.key), entry.value)
      }),
    )
  })

  it('writes nothing for entries that stay what they are, or are not there', async () => {
    const { nodes, store } = open()
    const keys = Array.from({ length: 40 }, (_, i) => new Uint8Array(32).fill(6 * i))
    const entries = keys.map((at, i) => ({ key: at, value: new Uint8Array(40).fill(i) }))
    const root = await updateTrie(store, null, entries)
    const before = nodes.size
    const absent = keys.map((at) => ({ key: Uint8Array.from(at, (byte) => byte ^ 1), value: null }))
    assert.deepEqual(await updateTrie(store, root, [...entries, ...absent]), root)
    assert.equal(nodes.size, before)
  })

  it('writes each node of the new trie once, and none that only was on the way', async () => {
    const { nodes, store } = open()
    let puts = 0
    const counting = {
      ...store,
      put: (hash: Uint8Array, bytes: Uint8Array) => {
        puts += 1
        store.put(hash, bytes)
      },
    }
    // Sixteen leaves under one branch.
    const keys = Array.from({ length: 16 }, (_, i) => new Uint8Array(32).fill(17 * i))
    await updateTrie(
      counting,
      null,
      keys.map((at) => ({ key: at, value: new Uint8Array(40) })),
    )
    assert.equal(puts, 17)
    assert.equal(nodes.size, 17)
  })

  it('says so when a node is missing', async () => {
    const { nodes, store } = open()
    const at = new Uint8Array(32)
    const root = await updateTrie(store, null, [{ key: at, value: at }])
    nodes.clear()
    await assert.rejects(updateTrie(store, root, [{ key: at, value: null }]), /Missing node/)
    await assert.rejects(readTrie(store, root, at), /Missing node/)
  })
})
