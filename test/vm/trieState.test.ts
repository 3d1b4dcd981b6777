import assert from 'node:assert/strict'
import { MerkleStateManager } from '@ethereumjs/statemanager'
import { Account } from '@ethereumjs/util'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { uintBytes } from '../../primitives/bytes.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { openMemory } from '../../storage/memory.ts'
import { chainCommon } from '../../vm/common.ts'
import { emptyStateRoot, openState, stateStore } from '../../vm/stateStore.ts'
import { ethAddress } from '../../vm/worldView.ts'

const common = chainCommon(1)
const addressOf = (n: number) =>
  ethAddress(`0x${zeroHash.slice(4, 40)}${n.toString(16).padStart(4, '0')}` as never)

type State = MerkleStateManager

/** What the EVM does with a state; a block is one checkpoint around them. */
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('store'), fc.nat(3), fc.nat(5), fc.nat(3)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('load'), fc.nat(3), fc.nat(5), fc.nat(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('pay'), fc.nat(3), fc.nat(5), fc.nat(0)) },
  { weight: 3, arbitrary: fc.constant(['checkpoint', 0, 0, 0] as const) },
  { weight: 2, arbitrary: fc.constant(['revert', 0, 0, 0] as const) },
  { weight: 2, arbitrary: fc.constant(['commit', 0, 0, 0] as const) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear'), fc.nat(3), fc.nat(0), fc.nat(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('delete'), fc.nat(3), fc.nat(0), fc.nat(0)) },
)

async function act(
  state: State,
  [kind, who, at, value]: readonly [string, number, number, number],
) {
  const address = addressOf(who)
  const account = await state.getAccount(address)
  if (kind === 'store' && account !== undefined)
    await state.putStorage(address, uintBytes(at, 32), uintBytes(value, 32))
  if (kind === 'load') return state.getStorage(address, uintBytes(at, 32))
  if (kind === 'pay') {
    const paid = account ?? new Account()
    paid.balance += BigInt(at + 1)
    await state.putAccount(address, paid)
  }
  if (kind === 'clear' && account !== undefined) await state.clearStorage(address)
  if (kind === 'delete' && account !== undefined) {
    await state.clearStorage(address)
    await state.deleteAccount(address)
  }
  return null
}

type Step = readonly [string, number, number, number]

/** Run blocks, each one checkpoint; @returns what was read, and the root after each. */
async function run(state: State, blocks: readonly (readonly Step[])[]) {
  const seen: unknown[] = []
  for (const block of blocks) {
    await state.checkpoint()
    for (let depth = await runSteps(state, block, seen); depth > 0; depth--) await state.commit()
    await state.commit()
    seen.push(await state.getStateRoot())
  }
  return seen
}

/** @returns how many checkpoints are left open. */
async function runSteps(state: State, steps: readonly Step[], seen: unknown[]): Promise<number> {
  let depth = 0
  for (const step of steps) {
    const [kind] = step
    if (kind === 'checkpoint') {
      await state.checkpoint()
      depth += 1
    } else if (kind !== 'commit' && kind !== 'revert') seen.push(await act(state, step))
    else if (depth > 0) {
      await state[kind]()
      depth -= 1
    }
  }
  return depth
}

describe('BatchedState', () => {
  it('reads and ends with what the library alone, which caches nothing, does', async () => {
    const block = fc.array(operation, { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 3 }), async (blocks) => {
        const { state } = await openState(common, stateStore(openMemory()), emptyStateRoot)
        const reference = new MerkleStateManager({ common })
        assert.deepEqual(await run(state, blocks), await run(reference, blocks))
      }),
    )
  })
})
