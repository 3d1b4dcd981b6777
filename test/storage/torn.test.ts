import assert from 'node:assert/strict'
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { checkStore } from '../../chain/storeCheck.ts'
import { repairStore } from '../../chain/storeRepair.ts'
import type { Address } from '../../primitives/address.ts'
import { concatBytes, uintBytes, utf8ToBytes } from '../../primitives/bytes.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openLevel } from '../../storage/level.ts'
import { compactLevel, levelBytes } from '../../storage/levelTools.ts'
import { openMemory } from '../../storage/memory.ts'
import { nodeKey } from '../../vm/stateStore.ts'
import { advance, alice, bob, openTestChain, signed, type TestChain } from '../chain/support.ts'

const blocks = 6
const everything = { from: Uint8Array.of(0), to: Uint8Array.of(255) }
const quietly = async () => {}
let folder = ''
let test: TestChain

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-torn-'))
  test = await fill(await openLevel(join(folder, 'whole')))
}, 60_000)
afterAll(async () => {
  await test.store.close()
  await rm(folder, { recursive: true, force: true })
})

async function fill(store: KeyValue): Promise<TestChain> {
  const made = await openTestChain({}, store)
  for (let i = 0; i < blocks; i++)
    await advance(made.chain, [
      signed(made.engine, alice, {
        to: `0x${String(i + 1).padStart(40, '7')}` as Address,
        value: 1n,
      }),
      signed(made.engine, bob, { data: `0x${'60005f55'.repeat(i + 1)}00` }),
    ])
  return made
}

/** A copy in memory, with one value changed. */
async function copyWith(key: Uint8Array, value: Uint8Array | null): Promise<KeyValue> {
  const store = openMemory()
  for await (const [at, bytes] of test.store.scan(everything))
    await store.batch([{ key: at, value: bytes }])
  await store.batch([{ key, value }])
  return store
}

const check = (store: KeyValue) => checkStore(store, test.rules, test.chain.genesisHash, quietly)
const at = (tag: string, height: number) => concatBytes(utf8ToBytes(tag), uintBytes(height, 8))

/** The first entry of the index of addresses. */
async function indexKey(store: KeyValue): Promise<Uint8Array> {
  const [from, to] = [utf8ToBytes('u'), utf8ToBytes('v')]
  for await (const [key] of store.scan({ from, to, limit: 1 })) return key
  throw new Error('the index is empty')
}

describe('a database that was torn', () => {
  it('is right as the chain wrote it', async () => {
    const { faults, sound, head, nodes } = await check(test.store)
    assert.deepEqual([faults, sound, head], [[], BigInt(blocks), BigInt(blocks)])
    assert.ok(nodes > 20)
  })

  it('shows what is missing, damaged or false, and where', async () => {
    const { stateRoot, hash } = (await test.chain.stateAt(4n))!
    const envelope = (await test.chain.envelopeAt(4n))!
    const bent = Uint8Array.from(envelope, (byte, i) => (i === 300 ? byte ^ 1 : byte))
    const cases: readonly (readonly [Uint8Array, Uint8Array | null, string])[] = [
      [at('e', 4), null, 'db/missing envelope'],
      [at('e', 4), envelope.subarray(0, 200), 'db/damaged envelope'],
      [at('e', 4), bent, 'db/'],
      [at('k', 4), null, 'db/missing names'],
      [at('c', 4), null, 'db/missing commit'],
      [at('r', 4), Uint8Array.of(9), 'db/damaged receipts'],
      [at('r', 4), (await test.store.get(at('r', 3)))!, 'db/mismatch receipts'],
      [concatBytes(utf8ToBytes('b'), uintBytes(BigInt(hash), 32)), at('', 3), 'db/mismatch index'],
      [nodeKey(stateRoot.slice(2)), null, 'db/missing state node'],
      [nodeKey(stateRoot.slice(2)), Uint8Array.of(1, 2), 'db/damaged state node'],
    ]
    for (const [key, value, said] of cases) {
      const { faults, sound } = await check(await copyWith(key, value))
      const { code, what, height } = faults[0]!
      assert.ok(`${code} ${what}`.startsWith(said), `${said}: ${code} ${what}`)
      assert.equal(height, 4n)
      assert.equal(sound, 3n)
    }
  })

  it('gets its indexes back, and else goes back to the last whole block', async () => {
    for (const [key, value, head] of [
      [at('k', 4), null, 6n],
      [await indexKey(test.store), null, 6n],
      [at('e', 5), Uint8Array.of(1), 4n],
      [nodeKey((await test.chain.stateAt(6n))!.stateRoot.slice(2)), null, 5n],
    ] as const) {
      const store = await copyWith(key, value)
      const { rules, chain } = test
      const mended = await repairStore(store, rules, chain.genesisHash, await check(store), quietly)
      assert.deepEqual([mended.faults, mended.head], [[], head])
      const reopened = await openTestChain({}, store)
      assert.equal(reopened.chain.head().height, head)
      // What was lost comes again.
      for (let height = head + 1n; height <= BigInt(blocks); height++) {
        const commit = (await chain.commitAt(height))!
        assert.ok((await reopened.chain.commit((await chain.envelopeAt(height))!, commit)).ok)
      }
      assert.deepEqual((await check(store)).faults, [])
    }
  })

  it('is at the end of some block wherever its newest file is cut off', async () => {
    for (const share of [0.98, 0.6, 0.2]) {
      const path = join(folder, `cut-${share}`)
      const store = await openLevel(path)
      await fill(store)
      await store.close()
      const logs = (await readdir(path)).filter((name) => name.endsWith('.log'))
      const log = join(path, logs.sort().at(-1)!)
      const { size } = await stat(log)
      const file = await open(log, 'r+')
      await file.truncate(Math.floor(size * share))
      await file.close()
      const torn = await openLevel(path)
      const { faults, head, sound } = await check(torn)
      assert.deepEqual([faults, sound ?? 0n], [[], head])
      assert.ok(head < BigInt(blocks))
      await advance((await openTestChain({}, torn)).chain)
      await torn.close()
    }
  }, 60_000)

  it('gets smaller by compaction', async () => {
    const path = join(folder, 'grown')
    const store = await openLevel(path)
    const value = new Uint8Array(100_000).map((_, i) => (i * 7919) & 255)
    for (let i = 0; i < 40; i++) await store.batch([{ key: uintBytes(i % 4, 4), value }])
    await store.close()
    const before = await levelBytes(path)
    await compactLevel(path)
    assert.ok((await levelBytes(path)) < before)
  })
})
