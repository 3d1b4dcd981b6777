import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { moduleAddresses, one } from '../../params/protocol.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { validatorSetAt } from '../../registry/epochSets.ts'
import { readPenalties } from '../../registry/penaltyHistory.ts'
import { ableFor } from '../../registry/schedule.ts'
import { readService, writeService } from '../../registry/service.ts'
import { checkAge, slash } from '../../registry/slashing.ts'
import { readStake } from '../../registry/stakes.ts'
import { account, digest, jobOf, startBlock, startedWorld, testParams } from './world.ts'

const guilty = account(2)
const offence = { name: digest('offence'), validator: guilty, height: 5n }

describe('a double vote', () => {
  it('costs 5 % of the stake, all reputation and the place, once', async () => {
    const world = await startedWorld([1_000_000n, 2_000_000n])
    await writeService(world, guilty, { reputation: one })
    const supply = world.supply()
    const slashed = await slash(world, offence, 6n)
    assert.deepEqual(slashed, { ok: true, value: 100_000n * weiPerGwei })
    assert.equal(world.supply(), supply - 100_000n * weiPerGwei)
    assert.equal((await readStake(world, guilty))!.stake, 1_900_000n)
    assert.equal((await readService(world, guilty)).reputation, 0n)
    assert.equal(await world.purse.balance(moduleAddresses.staking), 2_900_000n * weiPerGwei)
    const wei = 100_000n * weiPerGwei
    const told = [{ height: 6n, wei, own: wei }]
    assert.deepEqual(await readPenalties(world, 'slashHistory', guilty), told)
    const again = await slash(world, offence, 7n)
    assert.equal(!again.ok && again.fault.code, 'evidence/known')
    assert.deepEqual(await readPenalties(world, 'slashHistory', guilty), told)
    const stranger = await slash(
      world,
      { ...offence, name: digest('x'), validator: account(9) },
      7n,
    )
    assert.equal(!stranger.ok && stranger.fault.code, 'evidence/stranger')
  })

  it('is told with those before it, the newest 64', async () => {
    const world = await startedWorld([1_000_000n, 2_000_000n])
    for (let at = 1; at <= 66; at++)
      await slash(world, { ...offence, name: digest(`offence ${at}`) }, BigInt(at))
    const told = await readPenalties(world, 'slashHistory', guilty)
    assert.deepEqual([told.length, told[0]?.height, told[63]?.height], [64, 3n, 66n])
    assert.deepEqual(await readPenalties(world, 'slashHistory', account(1)), [])
  })

  it('ends leases and slots at once, and membership with the next set', async () => {
    const world = await startedWorld([1_000_000n, 2_000_000n])
    for (let height = 1n; height < 6n; height++) await startBlock(world, height, 2)
    const before = await validatorSetAt(world, 0)
    await slash(world, offence, 5n)
    const now = await validatorSetAt(world, 0)
    assert.deepEqual(await validatorSetAt(world, 0, before), now, 'of a known set, who is jailed')
    assert.equal(now.validators.find(({ address }) => address === guilty)?.jailed, true)
    assert.deepEqual(
      ableFor(jobOf(), now).map(({ address }) => address),
      [account(1)],
    )
    for (let height = 6n; height <= 16n; height++) await startBlock(world, height, 2)
    const next = await validatorSetAt(world, 2)
    assert.deepEqual(
      next.validators.map(({ address }) => address),
      [account(1)],
    )
  })

  it('is punished only within the unbonding time', () => {
    // Two epochs of 16 blocks.
    const age = (height: bigint, got: bigint) => {
      const verdict = checkAge(testParams, height, got)
      return verdict.ok ? 'young' : verdict.fault.code
    }
    assert.equal(age(10n, 11n), 'evidence/future')
    assert.equal(age(10n, 0n), 'evidence/future')
    assert.equal(age(10n, 1n), 'young')
    assert.equal(age(48n, 16n), 'young')
    assert.equal(age(48n, 15n), 'evidence/old')
  })
})
