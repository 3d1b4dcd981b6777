import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createLogger } from '../../node/logger.ts'
import { createPruner } from '../../node/pruner.ts'
import { openSealedChain, sealedGenesis } from './sealedChain.ts'

const log = createLogger('silent', null)
const genesis = sealedGenesis(1)

/** A chain of ten blocks, made while a pruner that keeps so many states runs. */
async function grown(keep: number | null) {
  const { chain, advance } = await openSealedChain(genesis)
  const pruner = createPruner(keep, { chain, log })
  await pruner.start()
  for (let height = 1; height <= 10; height++) await advance()
  // A sweep that has begun is ended where it is: let it end by itself.
  while (keep !== null && chain.stateFloor() === 0n) await new Promise(setImmediate)
  await pruner.stop()
  return { chain, advance }
}

describe('forgetting old states', () => {
  it('keeps those of the newest blocks, and all blocks', async () => {
    const { chain, advance } = await grown(4)
    const floor = chain.stateFloor()
    assert.ok(floor > 0n && floor <= 7n)
    assert.equal(await chain.readAt(floor - 1n), null)
    for (let height = floor; height <= 10n; height++) assert.ok(await chain.readAt(height))
    assert.ok(await chain.blockAt(1n))
    await advance()
    assert.equal(chain.stateFloor(), floor, 'who has stopped forgets no more')
  })

  it('of an archive forgets none', async () => {
    const { chain } = await grown(null)
    assert.equal(chain.stateFloor(), 0n)
    assert.ok(await chain.readAt(1n))
  })
})
