import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import type { Fault, Result } from '../../primitives/result.ts'
import {
  claimReward,
  delegate,
  readDelegation,
  readDelegations,
  redelegate,
  undelegate,
  withdrawDelegation,
} from '../../registry/delegations.ts'
import { validatorSetAt } from '../../registry/epochSets.ts'
import { powerCap } from '../../registry/formulas.ts'
import { readPool, setCommission } from '../../registry/pools.ts'
import { recordCertificate } from '../../registry/service.ts'
import { slash } from '../../registry/slashing.ts'
import { jail, penalise, readStake, unbond, unjail, withdraw } from '../../registry/stakes.ts'
import { expectedWithdrawals } from '../../registry/withdrawals.ts'
import { account, digest, startBlock, startedWorld, type TestWorld, testParams } from './world.ts'

const [v1, v2] = [account(1), account(2)]
const [ann, ben] = [account(50), account(51)]
const million = 1_000_000n
const coin = million * weiPerGwei

const codeOf = (verdict: Result<unknown, Fault>) => (verdict.ok ? 'accepted' : verdict.fault.code)

/** At most two wei below: a wei is left behind for each reward and each claim. */
function assertNearly(got: bigint, expected: bigint) {
  assert.ok(got <= expected && got >= expected - 2n, `${got}, expected ${expected}`)
}

/** Pay in and delegate, as the module's payable function does. */
async function entrust(world: TestWorld, to: Address, from: Address, wei: bigint, epoch = 0n) {
  world.mint(moduleAddresses.staking, wei)
  return delegate(world, to, from, wei, epoch)
}

const offence = (n: number, validator: Address) => ({
  name: digest(`offence ${n}`),
  validator,
  height: 1n,
})

describe('a delegation', () => {
  it('adds to power and draws, up to nine times what the validator has itself', async () => {
    const world = await startedWorld([million, million])
    assert.equal(codeOf(await entrust(world, v1, ann, 3n * coin)), 'accepted')
    assert.equal(codeOf(await entrust(world, v2, ben, 20n * coin)), 'accepted')
    for (let height = 1n; height <= 16n; height++) await startBlock(world, height, 2)
    const { validators } = await validatorSetAt(world, 2)
    assert.deepEqual(
      validators.map(({ stake }) => stake),
      [4n * million, 10n * million],
    )
  })

  it('comes back after the delay, to the wei, and only its own', async () => {
    const world = await startedWorld([million])
    await entrust(world, v1, ann, 5n * coin)
    await entrust(world, v1, ben, coin + 1n)
    assert.equal(codeOf(await undelegate(world, testParams, v1, ann, 0n, 3n)), 'staking/tooLittle')
    assert.equal(
      codeOf(await undelegate(world, testParams, v1, ann, 5n * coin + 1n, 3n)),
      'staking/tooMuch',
    )
    assert.equal(codeOf(await undelegate(world, testParams, v1, ann, 2n * coin, 3n)), 'accepted')
    assert.equal(codeOf(await undelegate(world, testParams, v1, ann, 1n, 3n)), 'staking/unbonding')
    assert.equal(codeOf(await withdrawDelegation(world, v1, ann, 4n)), 'staking/unbonding')
    assert.equal(codeOf(await withdrawDelegation(world, v1, ben, 5n)), 'staking/tooLittle')
    assert.equal(codeOf(await withdrawDelegation(world, v1, ann, 5n)), 'accepted')
    assert.equal(await world.purse.balance(ann), 2n * coin)
    assert.equal((await readDelegation(world, v1, ann)).wei, 3n * coin)
    assert.equal((await readDelegation(world, v1, ben)).wei, coin + 1n)
  })

  it('is forgotten when nothing is left of it', async () => {
    const world = await startedWorld([million])
    await entrust(world, v1, ann, coin)
    assert.equal((await readDelegations(world, ann)).length, 1)
    await undelegate(world, testParams, v1, ann, coin, 0n)
    await withdrawDelegation(world, v1, ann, 9n)
    assert.deepEqual(await readDelegations(world, ann), [])
    const pool = await readPool(world, v1)
    assert.deepEqual(
      [pool.delegated, pool.shares, pool.leaving, pool.leavingShares],
      [0n, 0n, 0n, 0n],
    )
  })

  it('is refused by strangers and the jailed, for nothing, and beyond sixteen validators', async () => {
    const world = await startedWorld(Array.from({ length: 17 }, () => million))
    assert.equal(codeOf(await entrust(world, account(99), ann, coin)), 'staking/unknown')
    assert.equal(codeOf(await entrust(world, v1, ann, 0n)), 'staking/tooLittle')
    await jail(world, v2, 1n)
    assert.equal(codeOf(await entrust(world, v2, ann, coin)), 'staking/jailed')
    for (let n = 1; n <= 17; n++)
      if (n !== 2) assert.equal(codeOf(await entrust(world, account(n), ann, coin)), 'accepted')
    await jail(world, v2, 0n)
    assert.equal(codeOf(await entrust(world, v2, ann, coin)), 'staking/tooMany')
    assert.equal(codeOf(await entrust(world, v1, ann, coin)), 'accepted')
  })
})

describe('slashing', () => {
  it('takes a twentieth of own, delegated and leaving coin alike', async () => {
    const world = await startedWorld([2n * million])
    await entrust(world, v1, ann, 4n * coin)
    await entrust(world, v1, ben, 4n * coin)
    await undelegate(world, testParams, v1, ben, 2n * coin, 0n)
    await unbond(world, testParams, v1, million, 0n)
    const supply = world.supply()
    const slashed = await slash(world, offence(1, v1), 2n)
    assert.deepEqual(slashed, { ok: true, value: coin / 2n })
    assert.equal(world.supply(), supply - coin / 2n)
    assert.equal((await readDelegation(world, v1, ann)).wei, (4n * coin * 19n) / 20n)
    assert.equal((await readDelegation(world, v1, ben)).leavingWei, (2n * coin * 19n) / 20n)
    assert.equal(codeOf(await withdraw(world, v1, 2n)), 'accepted')
    assert.equal(await world.purse.balance(v1), (coin * 19n) / 20n)
  })

  it('leaves delegators alone when only a lease was missed', async () => {
    const world = await startedWorld([million])
    await entrust(world, v1, ann, coin)
    assert.equal(await penalise(world, v1, 5n * coin), coin)
    assert.equal((await readDelegation(world, v1, ann)).wei, coin)
  })

  it('does not let later delegators pay for earlier slashes', async () => {
    const world = await startedWorld([million])
    await entrust(world, v1, ann, coin)
    await slash(world, offence(1, v1), 2n)
    await jail(world, v1, 0n)
    await entrust(world, v1, ben, coin)
    const [a, b] = [await readDelegation(world, v1, ann), await readDelegation(world, v1, ben)]
    assert.ok(a.wei <= (coin * 19n) / 20n && a.wei >= (coin * 19n) / 20n - 1n)
    assert.ok(b.wei <= coin && b.wei >= coin - 1n)
  })

  it('follows coin that was moved away, until the unbonding time is over', async () => {
    const world = await startedWorld([million, million])
    await entrust(world, v1, ann, 2n * coin)
    await entrust(world, v2, ben, coin)
    const move = (from: Address, to: Address, wei: bigint, epoch: bigint) =>
      redelegate(world, testParams, from, to, ann, wei, epoch)
    assert.equal(codeOf(await move(v1, v1, coin, 1n)), 'staking/unknown')
    assert.equal(codeOf(await move(v1, v2, coin, 1n)), 'accepted')
    assert.equal(codeOf(await move(v1, v2, coin, 1n)), 'staking/liable')
    assert.equal(codeOf(await move(v2, v1, coin, 1n)), 'staking/liable')
    assert.equal(codeOf(await undelegate(world, testParams, v2, ann, 1n, 1n)), 'staking/liable')
    await slash(world, offence(1, v1), 20n)
    const supply = world.supply()
    assert.equal(codeOf(await undelegate(world, testParams, v2, ann, coin, 3n)), 'staking/tooMuch')
    assert.equal(world.supply(), supply - coin / 20n)
    assert.equal((await readDelegation(world, v2, ann)).wei, (coin * 19n) / 20n)
    assert.equal((await readDelegation(world, v2, ben)).wei, coin)
    await slash(world, offence(2, v1), 60n)
    assert.equal(
      codeOf(await undelegate(world, testParams, v2, ann, (coin * 19n) / 20n, 3n)),
      'accepted',
    )
  })

  it('takes what was lost within the unbonding time of moved coin, however late it is settled', async () => {
    for (const [height, left] of [
      [20n, (coin * 19n) / 20n],
      [47n, (coin * 19n) / 20n],
      [48n, coin],
      [480n, coin],
    ] as const) {
      const world = await startedWorld([million, million])
      await entrust(world, v1, ann, coin)
      const moved = await redelegate(world, testParams, v1, v2, ann, coin, 1n)
      assert.equal(codeOf(moved), 'accepted')
      await slash(world, offence(1, v1), height)
      await slash(world, offence(2, v1), 900n)
      assert.equal(
        codeOf(await undelegate(world, testParams, v2, ann, left + 1n, 60n)),
        'staking/tooMuch',
      )
      assert.equal(codeOf(await undelegate(world, testParams, v2, ann, left, 60n)), 'accepted')
    }
  })
})

describe('rewards', () => {
  /** Two epochs in which validator 1 earns an emission of `gwei`. */
  async function earn(world: TestWorld, from: bigint, gwei: bigint) {
    await recordCertificate(world, v1, 10n ** 12n, 2n * gwei * weiPerGwei)
    for (let height = from; height <= from + 16n; height++) await startBlock(world, height, 1)
  }

  it('share the emission by coin, less the commission, and each claims its own', async () => {
    const world = await startedWorld([million])
    await setCommission(world, testParams, v1, 1_000n, 0n)
    for (let height = 1n; height < 5n; height++) await startBlock(world, height, 1)
    assert.equal(
      codeOf(await setCommission(world, testParams, v1, 10_001n, 0n)),
      'staking/badCommission',
    )
    assert.equal(codeOf(await setCommission(world, testParams, ann, 1n, 0n)), 'staking/unknown')
    await entrust(world, v1, ann, 2n * coin)
    await entrust(world, v1, ben, coin)
    const before = world.supply()
    await recordCertificate(world, v1, 10n ** 12n, 2n * 4_000n * weiPerGwei)
    for (let height = 5n; height < 16n; height++) await startBlock(world, height, 1)
    // The raised commission of epoch 2 does not hold yet: delegators get 3,000 whole.
    const minted = await expectedWithdrawals(world, testParams, 16n)
    assert.deepEqual(
      minted.map(({ address, gwei }) => [address, gwei]),
      [
        [v1, 1_000n],
        [moduleAddresses.staking, 3_000n],
      ],
    )
    await startBlock(world, 16n, 1)
    assert.equal(codeOf(await claimReward(world, v1, ann, 1n)), 'staking/tooLittle')
    await startBlock(world, 17n, 1)
    assert.equal(world.supply(), before + 4_000n * weiPerGwei)
    assertNearly((await readDelegation(world, v1, ann)).reward, 2_000n * weiPerGwei)
    assert.equal(codeOf(await claimReward(world, v1, ben, 1n)), 'accepted')
    assertNearly(await world.purse.balance(ben), 1_000n * weiPerGwei)
    assert.equal(codeOf(await claimReward(world, v1, ben, 1n)), 'staking/tooLittle')
    await earn(world, 18n, 4_000n)
    await startBlock(world, 35n, 1)
    assertNearly((await readDelegation(world, v1, ben)).reward, 900n * weiPerGwei)
    assertNearly((await readDelegation(world, v1, ann)).reward, 3_800n * weiPerGwei)
  })

  it('are lowered at once by nobody and raised by nobody without notice', async () => {
    const world = await startedWorld([million])
    assert.deepEqual(await setCommission(world, testParams, v1, 500n, 3n), { ok: true, value: 5n })
    assert.deepEqual(await setCommission(world, testParams, v1, 900n, 5n), { ok: true, value: 7n })
    assert.equal((await readPool(world, v1)).commission, 500n)
    assert.deepEqual(await setCommission(world, testParams, v1, 100n, 6n), { ok: true, value: 6n })
    assert.equal((await readPool(world, v1)).commissionFrom, 0n)
  })
})

describe('a jail', () => {
  it('opens after the unbonding time for who still has the least stake', async () => {
    const world = await startedWorld([million, million])
    assert.equal(codeOf(await unjail(world, testParams, v1, 5n)), 'staking/notJailed')
    assert.equal(codeOf(await unjail(world, testParams, ann, 5n)), 'staking/unknown')
    await jail(world, v1, 20n)
    assert.equal(codeOf(await unjail(world, testParams, v1, 2n)), 'staking/stillJailed')
    await penalise(world, v1, coin)
    assert.equal(codeOf(await unjail(world, testParams, v1, 3n)), 'staking/tooLittle')
    await jail(world, v2, 20n)
    assert.equal(codeOf(await unjail(world, testParams, v2, 3n)), 'accepted')
    assert.equal((await readStake(world, v2))?.jailedSince, 0n)
  })
})

describe('the power cap', () => {
  it('leaves nobody more than a third where that can be, and nobody weaker than before', () => {
    const power = fc.bigInt({ min: 1n, max: 1n << 70n })
    fc.assert(
      fc.property(fc.array(power, { minLength: 1, maxLength: 20 }), (powers) => {
        const cap = powerCap(powers, 33n)
        const cut = powers.map((p) => (p < cap ? p : cap))
        const total = cut.reduce((a, b) => a + b, 0n)
        if (powers.length <= 3) assert.deepEqual(cut, powers)
        else for (const p of cut) assert.ok(100n * p <= 33n * total + 100n * 20n)
        assert.deepEqual(
          powers.filter((p) => p < cap),
          cut.filter((p) => p < cap),
        )
      }),
    )
    assert.equal(powerCap([], 33n), 0n)
    assert.equal(powerCap([25n, 25n, 25n, 25n], 33n), 25n)
  })
})

type Step = {
  readonly kind: 'in' | 'out' | 'move' | 'take' | 'claim' | 'slash' | 'reward'
  readonly who: number
  readonly at: number
  readonly wei: bigint
}

const people = [60, 61, 62].map(account)

/** Do one step in the block at `height`; returns the height after it. */
async function take(world: TestWorld, { kind, who, at, wei }: Step, height: bigint) {
  const [me, here, there] = [people[who]!, account(at), account(3 - at)]
  const epoch = height / 16n
  if (kind === 'in') await entrust(world, here, me, wei, epoch)
  if (kind === 'out') await undelegate(world, testParams, here, me, wei, epoch)
  if (kind === 'move') await redelegate(world, testParams, here, there, me, wei, epoch)
  if (kind === 'take') await withdrawDelegation(world, here, me, epoch)
  if (kind === 'claim') await claimReward(world, here, me, epoch)
  if (kind === 'slash') {
    await slash(world, offence(Number(height), here), height)
    await jail(world, here, 0n)
  }
  if (kind !== 'reward') return height + 1n
  await recordCertificate(world, here, 1n, wei)
  const next = (height / 16n + 1n) * 16n + 2n
  for (let at = height; at < next; at++) await startBlock(world, at, 2)
  return next
}

describe('staking, whatever happens in it', () => {
  it('keeps every wei: claims never exceed what the module holds, and nobody else changes', async () => {
    const step = fc.record({
      kind: fc.constantFrom('in', 'out', 'move', 'take', 'claim', 'slash', 'reward'),
      who: fc.integer({ min: 0, max: 2 }),
      at: fc.integer({ min: 1, max: 2 }),
      wei: fc.bigInt({ min: 0n, max: 3n * coin }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = await startedWorld([million, million])
        let height = 1n
        for (const one of steps) {
          const before = await valuesOf(world)
          height = await take(world, one, height)
          if (!['slash', 'reward'].includes(one.kind))
            assertUntouched(before, await valuesOf(world), one.who)
          await assertSolvent(world)
        }
      }),
      { numRuns: 40 },
    )
  })
})

function assertUntouched(before: readonly bigint[], after: readonly bigint[], but: number) {
  for (const [i, value] of after.entries())
    if (i !== but) assert.ok(value >= before[i]! - 2n && value <= before[i]! + 2n)
}

/** All that each of `people` has with both validators, wei. Liabilities are as yet unpaid. */
async function valuesOf(world: TestWorld): Promise<readonly bigint[]> {
  const values: bigint[] = []
  for (const person of people) {
    let sum = 0n
    for (const { wei, leavingWei, reward } of await readDelegations(world, person))
      sum += wei + leavingWei + reward
    values.push(sum)
  }
  return values
}

async function assertSolvent(world: TestWorld) {
  let owed = (await valuesOf(world)).reduce((a, b) => a + b, 0n)
  for (const validator of [v1, v2]) {
    const { stake, unbonding } = (await readStake(world, validator))!
    owed += (stake + unbonding) * weiPerGwei
  }
  const held = await world.purse.balance(moduleAddresses.staking)
  assert.ok(held >= owed, `held ${held}, owed ${owed}`)
  // What roundings left behind: less than a wei for each claim, sale and reward.
  assert.ok(held - owed < 1_000n, `left ${held - owed}`)
}
