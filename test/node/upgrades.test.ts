import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Genesis } from '../../params/genesis.ts'
import { openMemory } from '../../storage/memory.ts'
import { openSealedChain, sealedGenesis } from './sealedChain.ts'

const before = sealedGenesis(4, { epochLength: 4 })
const { blockGasLimit } = before.params
const upgraded: Genesis = {
  ...before,
  upgrades: [...before.upgrades, { name: 'v2', height: 3, params: { blockGasLimit: 40_000_000 } }],
}

describe('an upgrade of a running chain', () => {
  it('changes a rule at its height, and not the name of the chain', async () => {
    const old = await openSealedChain(before)
    const { chain, advance } = await openSealedChain(upgraded)
    assert.equal(chain.genesisHash, old.chain.genesisHash)
    for (let height = 1; height <= 5; height++) await advance()
    const limits = await Promise.all(
      [1n, 2n, 3n, 4n, 5n].map(
        async (height) => (await chain.blockAt(height))!.block.header.gasLimit,
      ),
    )
    const [less, more] = [BigInt(blockGasLimit), 40_000_000n]
    assert.deepEqual(limits, [less, less, more, more, more])
  })

  it('is followed by whoever knows it; who learns of it later goes on from its own folder', async () => {
    const store = openMemory()
    const source = await openSealedChain(upgraded)
    const late = await openSealedChain(before, store)
    for (let height = 1; height <= 2; height++)
      await source.follow(late.chain, await source.advance())
    const third = await source.advance()
    await assert.rejects(source.follow(late.chain, third), /block\/gasLimit/)
    assert.equal(late.chain.head().height, 2n)
    const { chain } = await openSealedChain(upgraded, store)
    await source.follow(chain, third)
    await source.follow(chain, await source.advance())
    assert.equal(chain.head().hash, source.chain.head().hash)
  })

  it('is refused by those who know it if a block ignores it', async () => {
    const source = await openSealedChain(before)
    const { chain } = await openSealedChain(upgraded)
    for (let height = 1; height <= 2; height++) await source.follow(chain, await source.advance())
    await assert.rejects(source.follow(chain, await source.advance()), /block\/gasLimit/)
  })
})
