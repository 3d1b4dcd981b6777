import assert from 'node:assert/strict'
import { beforeAll, describe, it } from 'vitest'
import { historyIndex, historyWrites } from '../../chain/historyIndex.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import type { Hash } from '../../primitives/hash.ts'
import { openMemory } from '../../storage/memory.ts'
import { advance, alice, bob, openTestChain, signed, type TestChain } from './support.ts'

const sender = addressOfKey(alice)
const other = addressOfKey(bob)
/** Passes what it gets on to the address in its call data. */
const forward = '5f5f5f5f345f355af1'
const word = (address: Address) => `0x${address.slice(2).padStart(64, '0')}`

let test: TestChain
let contract: Address

beforeAll(async () => {
  test = await openTestChain()
  const { chain, engine } = test
  const deployed = await advance(chain, [
    signed(engine, alice, { data: `0x68${forward}5f5260096017f3` }),
    signed(engine, bob, { to: sender, value: 1n, gasLimit: 21_000n }),
  ])
  contract = deployed.outcome.receipts[0]!.contractAddress!
  await advance(chain, [
    signed(engine, alice, { to: contract, data: word(other), value: 7n }),
    signed(engine, alice, { to: contract, data: word(other), value: 7n }),
  ])
})

describe('the index of addresses', () => {
  it('finds who sent, who got, and whom a contract called', async () => {
    const { history } = test.chain
    const places = async (address: Address) =>
      (await history.placesOf(address, 2n, 'older', 10)).places.map(
        ({ height, index }) => `${height}/${index}`,
      )
    assert.deepEqual(await places(sender), ['2/1', '2/0', '1/1', '1/0'])
    assert.deepEqual(await places(other), ['2/1', '2/0', '1/1'])
    assert.deepEqual(await places(contract), ['2/1', '2/0', '1/0'])
    assert.deepEqual(await places(`0x${'77'.repeat(20)}` as Address), [])
  })

  it('ends a page with a whole block, and says whether there is more', async () => {
    const { history } = test.chain
    const older = await history.placesOf(sender, 2n, 'older', 1)
    assert.deepEqual([older.places.length, older.more], [2, true])
    const newer = await history.placesOf(sender, 2n, 'newer', 1)
    assert.deepEqual([newer.places.map(({ index }) => index), newer.more], [[0, 1], false])
    const rest = await history.placesOf(sender, 1n, 'older', 1)
    assert.deepEqual([rest.places.length, rest.more], [2, false])
  })

  it('finds by nonce and by creation', async () => {
    const { history } = test.chain
    assert.deepEqual(await history.sentBy(sender, 2n), { height: 2n, index: 1 })
    assert.equal(await history.sentBy(sender, 3n), null)
    assert.equal(await history.sentBy(sender, 2n ** 64n), null)
    const created = { place: { height: 1n, index: 0 }, creator: sender }
    assert.deepEqual(await history.creationOf(contract), created)
    assert.equal(await history.creationOf(sender), null)
  })

  it('names the contract that created another, and forgets what was undone', async () => {
    const { chain, engine, rules } = await openTestChain()
    // mem[0] = code that returns one zero byte; create(0, 28, 4); revert if there is call data.
    const code = '6360015ff35f526004601c5ff05036601357005b5f5ffd'
    const size = (code.length / 2).toString(16).padStart(2, '0')
    const { outcome } = await advance(chain, [
      signed(engine, alice, { data: `0x60${size}8060095f395ff3${code}` }),
    ])
    const factory = outcome.receipts[0]!.contractAddress!
    const made = await advance(chain, [
      signed(engine, alice, { to: factory, data: '0x01' }),
      signed(engine, alice, { to: factory }),
    ])
    assert.deepEqual(
      made.outcome.receipts.map(({ succeeded }) => succeeded),
      [false, true],
    )
    const created = made.outcome.touched.map((touched) => touched.created)
    assert.equal(created[0]!.length, 0)
    assert.equal(created[1]!.length, 1)
    const { address, creator } = created[1]![0]!
    assert.equal(creator, factory)
    assert.deepEqual(await chain.history.creationOf(address), {
      place: { height: 2n, index: 1 },
      creator: factory,
    })
    assert.equal(rules.engine, engine)
  })
})

describe('the index of logs', () => {
  const [a, b] = ['aa', 'bb'].map((byte) => `0x${byte.repeat(20)}`) as [Address, Address]
  const [s, t] = ['01', '02'].map((byte) => `0x${byte.repeat(32)}`) as [Hash, Hash]
  const store = openMemory()
  const index = historyIndex(store)
  const blocks: readonly (readonly [Address, readonly Hash[]])[] = [
    [a, [s]],
    [b, [s, t]],
    [a, [t]],
    [a, []],
  ]

  beforeAll(async () => {
    for (const [height, [address, topics]] of blocks.entries()) {
      const receipts = [{ logs: [{ address, topics, data: new Uint8Array() }] }]
      await store.batch(
        historyWrites({ height: BigInt(height), transactions: [], touched: [], receipts }),
      )
    }
  })

  it('names the blocks that have all that is asked for', async () => {
    const find = (addresses: readonly Address[], ...topics: readonly (readonly Hash[] | null)[]) =>
      index.logBlocks({ addresses, topics }, 0n, 3n, 10)
    assert.deepEqual(await find([a]), [0n, 2n, 3n])
    assert.deepEqual(await find([a, b], null, [t]), [1n, 2n])
    assert.deepEqual(await find([], [s]), [0n, 1n])
    assert.deepEqual(await find([b], [s], [t]), [1n])
    assert.equal(await find([]), null)
    assert.deepEqual(await index.logBlocks({ addresses: [a], topics: [] }, 1n, 2n, 10), [2n])
  })

  it('passes over what too many blocks have', async () => {
    const common = { addresses: [a], topics: [] }
    assert.equal(await index.logBlocks(common, 0n, 3n, 2), null)
    const rare = { addresses: [a], topics: [[s]] }
    assert.deepEqual(await index.logBlocks(rare, 0n, 3n, 2), [0n, 1n])
  })
})
