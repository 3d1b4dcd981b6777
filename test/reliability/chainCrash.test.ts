import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { createChain } from '../../chain/chain.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openLevel } from '../../storage/level.ts'
import { openMemory } from '../../storage/memory.ts'
import { advance, openTestChain, testGenesis } from '../chain/support.ts'

const blocks = 4

/** Fails at batch number `at`, before or after it is written, and at all later ones. */
function failing(store: KeyValue, at: number, when: 'before' | 'after'): KeyValue {
  let count = 0
  return {
    ...store,
    batch: async (writes, sync) => {
      const number = count++
      if (number < at || (number === at && when === 'after')) await store.batch(writes, sync)
      if (number >= at) throw new Error('ENOSPC: the disk has failed')
    },
  }
}

async function crashAt(store: KeyValue, at: number, when: 'before' | 'after'): Promise<void> {
  const before = await openTestChain({}, failing(store, at, when)).catch(() => null)
  let height = 0n
  let envelopes = 0
  for (; before !== null && envelopes < blocks; envelopes++) {
    const made = await advance(before.chain).catch(() => null)
    if (made === null) break
    height = before.chain.head().height
  }
  const { chain } = await openTestChain({}, store)
  const head = chain.head().height
  assert.ok(head >= height, `batch ${at}: head ${head} after ${height} was told`)
  assert.ok(head <= height + 1n)
  for (let each = 1n; each <= head; each++) {
    const block = await chain.blockAt(each)
    assert.ok(block !== null && (await chain.commitAt(each)) !== null)
    assert.equal(await chain.heightOf(block.hash), each)
  }
  await advance(chain)
  assert.equal(chain.head().height, head + 1n)
}

describe('a chain whose store fails', () => {
  it('is at the end of some block afterwards, and forgets none that it told of', async () => {
    for (let at = 0; at <= blocks; at++)
      for (const when of ['before', 'after'] as const) await crashAt(openMemory(), at, when)
  })

  it('is so on disk, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waggle-chain-'))
    for (const when of ['before', 'after'] as const) {
      const store = await openLevel(join(folder, when))
      await crashAt(store, 2, when)
      await store.close()
    }
    await rm(folder, { recursive: true })
  })

  it('belongs to its genesis only, and says so', async () => {
    const { store, rules } = await openTestChain()
    const other = testGenesis({ epochLength: 8 })
    await assert.rejects(createChain(store, other, rules), /belongs to genesis/)
  })
})
