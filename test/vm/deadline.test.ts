/** No transaction runs on unseen: every costly loop asks again and again whether its time is over. */
import assert from 'node:assert/strict'
import { Account } from '@ethereumjs/util'
import { describe, it } from 'vitest'
import { worstLoops } from '../../bench/loops.ts'
import { fromHex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { openMemory } from '../../storage/memory.ts'
import { createChainVm, Expired } from '../../vm/chainVm.ts'
import { emptyStateRoot, openState, stateStore } from '../../vm/stateStore.ts'
import { ethAddress } from '../../vm/worldView.ts'
import { openTestChain } from '../chain/support.ts'

const { engine } = await openTestChain()
const home = ethAddress(`0x${'c0'.repeat(20)}` as never)
const context = {
  height: 1n,
  timestamp: 1n,
  mixHash: `0x${'00'.repeat(32)}` as Hash,
  coinbase: `0x${'cb'.repeat(20)}` as never,
}

/** Run the loop until it was asked `looks` times; how much gas that took. */
async function gasUntil(code: string, data: Uint8Array, looks: number): Promise<bigint> {
  const { state } = await openState(engine.common, stateStore(openMemory()), emptyStateRoot)
  let seen = 0
  const { evm } = await createChainVm(engine, state, context, () => ++seen > looks)
  await state.putAccount(home, new Account(0n, 10n ** 18n))
  await state.putCode(home, fromHex(`0x${code}`))
  await state.checkpoint()
  const run = evm.runCall({ to: home, data, gasLimit: 3_000_000n, skipBalance: true })
  return run.then(
    ({ execResult }) => execResult.executionGasUsed,
    (error: unknown) => {
      assert.ok(error instanceof Expired, String(error))
      return -1n
    },
  )
}

describe('a transaction whose time is over', () => {
  const loops = worstLoops()
  it.each(loops)('is stopped in a loop of $name', async ({ code, data }) => {
    // The first look is at the message itself.
    assert.equal(await gasUntil(code, data, 1), -1n)
  })
})
