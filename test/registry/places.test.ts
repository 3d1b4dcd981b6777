import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { toHex, uintBytes } from '../../primitives/bytes.ts'
import { bond, readStakes, register, unbond, withdraw } from '../../registry/stakes.ts'
import { account, startBlock, startedWorld, type TestWorld, testParams } from './world.ts'

const least = testParams.minStake

async function join(world: TestWorld, n: number) {
  const publicKey = toHex(uintBytes((1n << 301n) + BigInt(n), 48))
  const registration = { validator: account(n), publicKey, ask: 0n, maxParams: 1n }
  world.mint(moduleAddresses.staking, least * weiPerGwei)
  return register(world, testParams, registration, least * weiPerGwei)
}

describe('places on the list of validators', () => {
  it('are lost by those without a stake where they are scarce, and can be had again', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n])
    for (let n = 10; n < 1_008; n++) assert.ok((await join(world, n)).ok)
    const late = await join(world, 2_000)
    assert.equal(!late.ok && late.fault.code, 'staking/full')
    for (let n = 10; n < 1_008; n++)
      assert.ok((await unbond(world, testParams, account(n), least, 0n)).ok)
    for (let height = 1n; height <= 16n; height++) await startBlock(world, height, 2)

    const listed = (await readStakes(world)).map(({ address }) => address)
    assert.deepEqual(listed, [account(1), account(2)])
    assert.ok((await join(world, 2_000)).ok)
    assert.ok((await withdraw(world, account(10), 2n)).ok)
    world.mint(moduleAddresses.staking, least * weiPerGwei)
    assert.ok((await bond(world, account(10), least * weiPerGwei)).ok)
    const again = (await readStakes(world)).map(({ address }) => address)
    assert.deepEqual(again, [account(1), account(2), account(2_000), account(10)])
  })
})
