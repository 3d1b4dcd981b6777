import assert from 'node:assert/strict'
import { Bloom } from '@ethereumjs/vm'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Address } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { mayContain } from '../../rpc/bloom.ts'
import { createCache } from '../../rpc/cache.ts'

describe('a cache', () => {
  it('forgets what was not used for longest, by weight', () => {
    const cache = createCache<string, number>(10, (weight) => weight)
    cache.set('a', 4)
    cache.set('b', 4)
    assert.equal(cache.get('a'), 4)
    cache.set('c', 5)
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [4, undefined, 5])
    cache.set('a', 1)
    cache.set('d', 4)
    assert.deepEqual([cache.get('a'), cache.get('c'), cache.get('d')], [1, 5, 4])
  })

  it('keeps nothing that is heavier than all of it, and drops what it is told', () => {
    const cache = createCache<string, number>(10, (weight) => weight)
    cache.set('a', 1)
    cache.set('heavy', 11)
    assert.deepEqual([cache.get('heavy'), cache.get('a')], [undefined, 1])
    cache.drop('a')
    cache.drop('never there')
    assert.equal(cache.get('a'), undefined)
  })
})

describe('a bloom', () => {
  const item = fc.uint8Array({ minLength: 32, maxLength: 32 })

  it('is read as the library reads it', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), item, (held, asked) => {
        const bloom = new Bloom()
        for (const bytes of held) bloom.add(bytes)
        const filter = { addresses: null, topics: [[toHex(asked) as Hash]] }
        assert.equal(mayContain(toHex(bloom.bitvector), filter), bloom.check(asked))
        for (const bytes of held) {
          const known = { addresses: null, topics: [null, [toHex(bytes) as Hash]] }
          assert.ok(mayContain(toHex(bloom.bitvector), known))
        }
      }),
    )
  })

  it('passes where nothing is asked, and where one of several is there', () => {
    const bloom = new Bloom()
    const address = `0x${'ab'.repeat(20)}` as Address
    const other = `0x${'cd'.repeat(20)}` as Address
    bloom.add(new Uint8Array(20).fill(0xab))
    const bits = toHex(bloom.bitvector)
    assert.ok(mayContain(bits, { addresses: [], topics: [null] }))
    assert.ok(mayContain(bits, { addresses: [other, address], topics: [] }))
    assert.ok(!mayContain(bits, { addresses: [other], topics: [] }))
  })
})
