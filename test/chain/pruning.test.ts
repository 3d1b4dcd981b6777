import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createChain } from '../../chain/chain.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openMemory } from '../../storage/memory.ts'
import { type NodeName, namesIn, nodeKeyOf } from '../../vm/stateNodes.ts'
import { nodeKey } from '../../vm/stateStore.ts'
import { advance, alice, bob, openTestChain, signed, type TestChain } from './support.ts'

const go = async () => false

async function nodesIn(store: KeyValue): Promise<number> {
  let count = 0
  for await (const _ of store.scan({ from: utf8ToBytes('n'), to: utf8ToBytes('o') })) count += 1
  return count
}

/** Every node of the state after `height` is in the store. */
async function assertWhole({ chain, store }: TestChain, height: bigint): Promise<number> {
  const { stateRoot } = (await chain.stateAt(height))!
  const pending: NodeName[] = [{ kind: 'account', hash: stateRoot }]
  const seen = new Set<string>()
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name.hash)) continue
    seen.add(name.hash)
    const node = await store.get(nodeKey(nodeKeyOf(name)))
    assert.ok(node !== null, `${name.kind} node ${name.hash} of block ${height}`)
    const names = namesIn(name, node)
    assert.ok(names.ok)
    pending.push(...names.value)
  }
  return seen.size
}

/** Coin to a new account, so that the state grows, and from bob back and forth. */
async function grow(test: TestChain, blocks: number, from = 0): Promise<void> {
  for (let i = from; i < from + blocks; i++) {
    const to = `0x${(i + 1).toString(16).padStart(40, '9')}` as Address
    await advance(test.chain, [
      signed(test.engine, alice, { to, value: 1n, gasLimit: 21_000n }),
      signed(test.engine, bob, { to: addressOfKey(alice), value: 1n, gasLimit: 21_000n }),
    ])
  }
}

describe('forgetting old states', () => {
  it('keeps what is kept whole, and makes the store smaller', async () => {
    const test = await openTestChain()
    await grow(test, 12)
    const before = await nodesIn(test.store)
    const swept = await test.chain.prune(10n, go)
    assert.ok(swept !== null && swept.deleted > 0)
    assert.equal(await nodesIn(test.store), before - swept.deleted)
    for (const height of [10n, 11n, 12n]) await assertWhole(test, height)
    assert.deepEqual(
      await Promise.all([9n, 10n].map(async (at) => (await test.chain.readAt(at)) === null)),
      [true, false],
    )
    assert.equal(test.chain.stateFloor(), 10n)
    assert.equal(await test.chain.prune(10n, go), null)
    await grow(test, 3, 12)
    await assertWhole(test, 15n)
  })

  it('lets blocks go on meanwhile, even those that bring a deleted node back', async () => {
    const test = await openTestChain()
    // Code that stores its call data's first word in slot 0.
    const created = await advance(test.chain, [
      signed(test.engine, alice, { data: '0x6005600c60003960056000f3' + '5f355f5500' }),
    ])
    const to = created.outcome.receipts[0]!.contractAddress!
    const store = (value: number) =>
      advance(test.chain, [
        signed(test.engine, alice, { to, data: `0x${value.toString(16).padStart(64, '0')}` }),
      ])
    await store(7)
    await store(8)
    await grow(test, 4)
    let turns = 0
    let committed: Promise<unknown> = Promise.resolve()
    const swept = await test.chain.prune(test.chain.head().height, async () => {
      // The slot's old value, whose nodes nobody else needs, comes back while nodes are deleted.
      if (turns++ === 1) committed = store(7)
      if (turns === 3) await committed
      return false
    })
    await committed
    assert.ok(swept !== null)
    await assertWhole(test, test.chain.head().height)
    await grow(test, 2, 4)
    await assertWhole(test, test.chain.head().height)
  })

  it('can be stopped, or killed, and taken up again', async () => {
    const test = await openTestChain()
    await grow(test, 8)
    let batches = 0
    const dying: KeyValue = {
      ...test.store,
      batch: async (writes, sync) => {
        if (writes.every(({ value }) => value === null) && ++batches > 0) throw new Error('killed')
        return test.store.batch(writes, sync)
      },
    }
    const chain = await createChain(dying, test.chain.genesis, test.rules)
    await assert.rejects(chain.prune(7n, go), /killed/)
    const again = await createChain(test.store, test.chain.genesis, test.rules)
    assert.equal(again.stateFloor(), 7n)
    const reopened = { ...test, chain: again }
    await assertWhole(reopened, 7n)
    assert.equal(await again.prune(8n, async () => true), null)
    await grow({ ...test, chain: again }, 2, 8)
    assert.ok((await again.prune(9n, go))!.deleted > 0)
    for (const height of [9n, 10n]) await assertWhole(reopened, height)
  })

  it('deletes nothing of a state that is not whole', async () => {
    const test = await openTestChain()
    await grow(test, 6)
    const store = openMemory()
    for await (const [key, value] of test.store.scan({
      from: Uint8Array.of(0),
      to: Uint8Array.of(255),
    }))
      await store.batch([{ key, value }])
    const { stateRoot } = (await test.chain.stateAt(6n))!
    const victim = nodeKey(stateRoot.slice(2))
    const chain = await createChain(store, test.chain.genesis, test.rules)
    await store.batch([{ key: victim, value: Uint8Array.of(1, 2, 3) }])
    const before = await nodesIn(store)
    await assert.rejects(chain.prune(6n, go), /damaged/)
    assert.equal(await nodesIn(store), before)
  })
})
