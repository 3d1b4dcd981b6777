import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { toHex, utf8ToBytes } from '../../primitives/bytes.ts'
import type { KeyValue, Range, Write } from '../../storage/keyValue.ts'

/** The behaviour every {@link KeyValue} owes its callers; run it once per implementation. */
export function keyValueConformance(name: string, open: () => Promise<KeyValue>): void {
  const withStore = (use: (store: KeyValue) => Promise<void>) => async () => {
    const store = await open()
    try {
      await use(store)
    } finally {
      await store.close()
    }
  }

  describe(`KeyValue: ${name}`, () => {
    it(
      'returns what the last batch wrote, and null for what no batch wrote',
      withStore(async (store) => {
        await store.batch([put('k', 1)])
        await store.batch([put('k', 2)], true)
        assert.deepEqual(await store.get(bytes('k')), Uint8Array.of(2))
        assert.equal(await store.get(bytes('other')), null)
      }),
    )

    it(
      'applies the writes of one batch in order and deletes what is null',
      withStore(async (store) => {
        await store.batch([put('a', 1), put('b', 1), put('a', 2), { key: bytes('b'), value: null }])
        assert.deepEqual(await dump(store), [['a', 2]])
        await store.batch([{ key: bytes('a'), value: null }, put('a', 3)])
        assert.deepEqual(await dump(store), [['a', 3]])
        await store.batch([{ key: bytes('never'), value: null }])
        assert.deepEqual(await dump(store), [['a', 3]])
      }),
    )

    it(
      'takes copies in and hands copies out',
      withStore(async (store) => {
        const key = bytes('k')
        const value = Uint8Array.of(1)
        await store.batch([{ key, value }])
        key.fill(9)
        value.fill(9)
        const got = await store.get(bytes('k'))
        got?.fill(8)
        for await (const [scannedKey, scannedValue] of store.scan(everything)) {
          scannedKey.fill(7)
          scannedValue.fill(7)
        }
        assert.deepEqual(await dump(store), [['k', 1]])
        assert.deepEqual(await store.get(bytes('k')), Uint8Array.of(1))
      }),
    )

    it(
      'hands out plain arrays, never views of a larger buffer',
      withStore(async (store) => {
        await store.batch([put('k', 1)])
        const got = await store.get(bytes('k'))
        assert.equal(Object.getPrototypeOf(got), Uint8Array.prototype)
        for await (const [key, value] of store.scan(everything))
          for (const view of [key, value]) {
            assert.equal(Object.getPrototypeOf(view), Uint8Array.prototype)
            assert.equal(view.byteLength, view.buffer.byteLength)
          }
      }),
    )

    it(
      'keeps an empty value apart from no value',
      withStore(async (store) => {
        await store.batch([{ key: bytes('k'), value: new Uint8Array() }])
        assert.deepEqual(await store.get(bytes('k')), new Uint8Array())
      }),
    )

    it(
      'scans from (inclusive) to (exclusive), both ways, up to a limit',
      withStore(async (store) => {
        await store.batch(['a', 'b', 'c', 'd'].map((key, i) => put(key, i)))
        const keys = async (range: Partial<Range>) =>
          (await dump(store, { ...everything, ...range })).map(([key]) => key).join('')
        assert.equal(await keys({ from: bytes('b'), to: bytes('d') }), 'bc')
        assert.equal(await keys({ from: bytes('b'), to: bytes('d'), reverse: true }), 'cb')
        assert.equal(await keys({ limit: 2 }), 'ab')
        assert.equal(await keys({ limit: 2, reverse: true }), 'dc')
        assert.equal(await keys({ limit: 0 }), '')
        assert.equal(await keys({ from: bytes('c'), to: bytes('b') }), '')
      }),
    )

    it(
      'orders keys as unsigned bytes, shorter first',
      withStore(async (store) => {
        const ordered = ['00', '0000', '007f', '0080', '00ff', '7f', '80', 'ff']
        const writes = [...ordered].reverse().map((hex) => ({
          key: Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16)),
          value: Uint8Array.of(1),
        }))
        await store.batch(writes)
        const got: string[] = []
        for await (const [key] of store.scan(everything)) got.push(toHex(key).slice(2))
        assert.deepEqual(got, ordered)
      }),
    )

    it(
      'lets a scan be abandoned, and does not show it later writes',
      withStore(async (store) => {
        await store.batch(['a', 'b', 'c'].map((key, i) => put(key, i)))
        for await (const [key] of store.scan(everything)) {
          assert.deepEqual(key, bytes('a'))
          break
        }
        const seen: Uint8Array[] = []
        for await (const [key] of store.scan(everything)) {
          if (seen.length === 0) await store.batch([{ key: bytes('c'), value: null }, put('bb', 9)])
          seen.push(key)
        }
        assert.deepEqual(seen, ['a', 'b', 'c'].map(bytes))
      }),
    )

    it('agrees with a plain sorted list under any writes', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 })
      const value = fc.option(fc.uint8Array({ maxLength: 2 }), { nil: null })
      const batches = fc.array(fc.array(fc.record({ key, value }), { maxLength: 8 }), {
        maxLength: 5,
      })
      const range = fc.record({
        from: key,
        to: key,
        reverse: fc.boolean(),
        limit: fc.option(fc.nat(6), { nil: undefined }),
      })
      await fc.assert(
        fc.asyncProperty(batches, range, async (all, within) => {
          const store = await open()
          for (const writes of all) await store.batch(writes)
          const got: string[] = []
          for await (const pair of store.scan(within)) got.push(pair.map(toHex).join())
          await store.close()
          assert.deepEqual(got, expectedScan(all.flat(), within))
        }),
        { numRuns: 30 },
      )
    })
  })
}

/** What the scan of a plain list gives: hexadecimal order is byte order. */
function expectedScan(writes: readonly Write[], { from, to, reverse, limit }: Range): string[] {
  const model = new Map<string, string>()
  for (const { key, value } of writes)
    if (value === null) model.delete(toHex(key))
    else model.set(toHex(key), toHex(value))
  const found = [...model]
    .filter(([key]) => key >= toHex(from) && key < toHex(to))
    .map((pair) => pair.join())
    .toSorted((a, b) => (a < b ? -1 : 1))
  return (reverse ? found.reverse() : found).slice(0, limit)
}

const everything: Range = { from: new Uint8Array(), to: new Uint8Array(64).fill(255) }

async function dump(store: KeyValue, range: Range = everything): Promise<[string, number][]> {
  const found: [string, number][] = []
  for await (const [key, value] of store.scan(range))
    found.push([new TextDecoder().decode(key), value[0]!])
  return found
}

function bytes(text: string): Uint8Array {
  return utf8ToBytes(text)
}

function put(key: string, value: number): Write {
  return { key: bytes(key), value: Uint8Array.of(value) }
}
