import assert from 'node:assert/strict'
import { it } from 'vitest'
import { createSlowList } from '../../node/slowList.ts'
import { addressOfKey } from '../../primitives/address.ts'
import { alice, bob, openTestChain, signed } from '../chain/support.ts'

it("a slow transaction waits behind all others, with its sender's next, and goes at the third time", async () => {
  const { engine } = await openTestChain()
  const to = addressOfKey(bob)
  const [first, second, other] = [
    signed(engine, alice, { to, nonce: 0n }),
    signed(engine, alice, { to, nonce: 1n }),
    signed(engine, bob, { to, nonce: 0n }),
  ] as const
  const slow = createSlowList()
  const all = [first, second, other]
  assert.deepEqual(slow.last(all), all)
  assert.equal(slow.strike(first.hash), false)
  assert.deepEqual(slow.last(all), [other, first, second])
  assert.equal(slow.strike(first.hash), false)
  assert.equal(slow.strike(first.hash), true)
  // Sent again, it starts anew.
  assert.deepEqual(slow.last(all), all)
  for (let i = 0; i < 5_000; i++) slow.strike(`0x${i.toString(16).padStart(64, '0')}` as never)
  assert.equal(slow.strike(other.hash), false)
})
