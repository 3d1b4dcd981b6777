import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses, one } from '../../params/protocol.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { toHex, uintBytes } from '../../primitives/bytes.ts'
import { isSetKept, validatorSetAt } from '../../registry/epochSets.ts'
import {
  emissionOf,
  nextReputation,
  reputationAfterMiss,
  serviceQuality,
  slotWeight,
  splitCustody,
  splitFee,
  votingPower,
  workingStake,
} from '../../registry/formulas.ts'
import { drawHolder } from '../../registry/schedule.ts'
import { readService, recordCertificate } from '../../registry/service.ts'
import { bond, readStake, register, unbond, withdraw } from '../../registry/stakes.ts'
import { expectedWithdrawals } from '../../registry/withdrawals.ts'
import { account, digest, startBlock, startedWorld, testParams } from './world.ts'

const amount = fc.bigInt({ min: 0n, max: 1n << 90n })

describe('formulas', () => {
  it('split a fee to the wei, and emission never exceeds half the burn', () => {
    fc.assert(
      fc.property(amount, (fee) => {
        const { worker, custody, dataset, proposer, burned } = splitFee(fee)
        assert.equal(worker + custody + dataset + proposer + burned, fee)
        assert.ok(burned >= (fee * 10n) / 100n)
        assert.ok(2n * emissionOf(burned) * weiPerGwei <= burned)
      }),
    )
  })

  it('pay nobody more than its part, and less by no more than a wei', () => {
    const near = (paid: bigint, whole: bigint, parts: bigint, of: bigint) =>
      assert.ok(of * paid <= whole * parts && whole * parts < of * (paid + 1n))
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 100 }), (fee, custodians) => {
        const { worker, custody, dataset, proposer } = splitFee(fee)
        near(worker, fee, 67n, 100n)
        near(dataset, fee, 15n, 100n)
        near(proposer, fee, 5n, 100n)
        near(custody, fee, 3n, 100n)
        const { share, pot, rest } = splitCustody(custody, custodians)
        near(share, custody, 2n, 3n * BigInt(custodians))
        near(pot, custody, 1n, 3n)
        assert.equal(BigInt(custodians) * share + pot + rest, custody)
        assert.ok(rest >= 0n && rest <= BigInt(custodians))
        const burned = fee / 7n
        near(emissionOf(burned), burned, 1n, 2n * weiPerGwei)
      }),
    )
  })

  it('give nothing for splitting stake and work over two keys', () => {
    const share = fc.bigInt({ min: 0n, max: 10n ** 15n })
    fc.assert(
      fc.property(share, share, share, share, fc.bigInt({ min: 0n, max: one }), (s, w, a, b, r) => {
        const [stake, work] = [s + 1n, w + 1n]
        const [part, partWork] = [a % stake, b % work]
        const [total, totalWork] = [10n ** 16n, 10n ** 16n]
        const weight = (si: bigint, wi: bigint) => {
          const working = workingStake(si, wi, total, totalWork)
          return [votingPower(si, working, r), slotWeight(si, working, r, totalWork)] as const
        }
        const whole = weight(stake, work)
        const one1 = weight(part, partWork)
        const two = weight(stake - part, work - partWork)
        for (const i of [0, 1] as const) assert.ok(one1[i] + two[i] <= whole[i] + 2n)
      }),
    )
  })

  it('keep reputation in [0, one], rising with service and falling by an eighth for a miss', () => {
    const reputation = fc.bigInt({ min: 0n, max: one })
    fc.assert(
      fc.property(reputation, reputation, (r, q) => {
        const next = nextReputation(r, q, 6)
        assert.ok(next >= 0n && next <= one)
        assert.ok(reputationAfterMiss(r) <= r)
      }),
    )
    const idle = { signed: 10n, due: 16n, doneWei: 0n, missedWei: 0n }
    assert.equal(serviceQuality(7n, idle), 7n)
    assert.equal(serviceQuality(7n, { ...idle, signed: 7n }), 0n)
    assert.equal(serviceQuality(7n, { ...idle, doneWei: 3n, missedWei: 1n }), (one * 3n) / 4n)
  })

  it('draw holders in proportion to their weight', () => {
    const members = [1, 2, 3].map((n) => ({
      address: account(n),
      publicKey: toHex(new Uint8Array(48)),
      stake: BigInt(n) * 1_000n,
      reputation: 0n,
      power: 0n,
      slotWeight: 0n,
      jailed: false,
      ask: 0n,
      maxParams: 0n,
    }))
    const counts = new Map<string, number>()
    for (let i = 0; i < 3_000; i++) {
      const holder = drawHolder(digest(`beacon ${i}`), digest('job'), 0, 0, members)!
      counts.set(holder, (counts.get(holder) ?? 0) + 1)
    }
    for (const [i, member] of members.entries()) {
      const expected = 500 * (i + 1)
      const got = counts.get(member.address)!
      assert.ok(Math.abs(got - expected) < 120, `${member.address}: ${got}, about ${expected}`)
    }
    assert.equal(drawHolder(digest('beacon'), digest('job'), 0, 0, []), null)
  })
})

describe('epochs', () => {
  it('freeze each set a whole epoch before it acts', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n])
    for (let height = 1n; height < 8n; height++) await startBlock(world, height, 2)
    world.mint(moduleAddresses.staking, 3_000_000n * weiPerGwei)
    await bond(world, account(2), 3_000_000n * weiPerGwei)
    assert.equal(await isSetKept(world, 2), false)
    for (let height = 8n; height <= 16n; height++) await startBlock(world, height, 2)
    const stakeIn = async (epoch: number) =>
      (await validatorSetAt(world, epoch)).validators[1]!.stake
    assert.equal(await stakeIn(1), 1_000_000n)
    assert.equal(await stakeIn(2), 4_000_000n)
  })

  it('turn certificates into work, reputation and emission', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n])
    for (let height = 1n; height < 16n; height++) await startBlock(world, height, 2)
    await recordCertificate(world, account(1), 10n ** 12n, 10n ** 11n)
    assert.deepEqual(await expectedWithdrawals(world, testParams, 16n), [
      { index: 1n << 16n, validatorIndex: 0n, address: account(1), gwei: 50n },
    ])
    assert.deepEqual(await expectedWithdrawals(world, testParams, 17n), [])
    await startBlock(world, 16n, 2)
    const service = await readService(world, account(1))
    assert.equal(service.work, 100n)
    assert.equal(service.ownBurn, 0n)
    assert.equal(service.reputation, one >> 6n)
    const set = await validatorSetAt(world, 2)
    assert.ok(set.validators[0]!.power > set.validators[1]!.power)
    assert.ok(set.validators[0]!.slotWeight > 5n * set.validators[1]!.slotWeight)
  })

  it('keep the old set where nobody is left', async () => {
    const world = await startedWorld([1_000n])
    assert.ok((await unbond(world, testParams, account(1), 1_000n, 0n)).ok)
    for (let height = 1n; height <= 16n; height++) await startBlock(world, height, 1)
    assert.equal((await validatorSetAt(world, 2)).validators.length, 1)
  })
})

describe('stakes', () => {
  it('are registered once per address and key, in whole gwei, above the least', async () => {
    const world = await startedWorld([1_000n])
    const attempt = async (n: number, key: bigint, wei: bigint) => {
      const registration = {
        validator: account(n),
        publicKey: toHex(uintBytes(key, 48)),
        ask: 0n,
        maxParams: 1n,
      }
      const verdict = await register(world, testParams, registration, wei)
      return verdict.ok ? 'accepted' : verdict.fault.code
    }
    const enough = 1_000n * weiPerGwei
    assert.equal(await attempt(1, 1n << 301n, enough), 'staking/known')
    assert.equal(await attempt(2, 1n << 300n, enough), 'staking/keyTaken')
    assert.equal(await attempt(2, 1n << 301n, enough + 1n), 'staking/notWholeGwei')
    assert.equal(await attempt(2, 1n << 301n, enough - weiPerGwei), 'staking/tooLittle')
    assert.equal(await attempt(2, 1n << 301n, enough), 'accepted')
  })

  it('leave after the delay, to the wei', async () => {
    const world = await startedWorld([5_000n])
    const code = async (verdict: ReturnType<typeof unbond>) => {
      const { ok, fault } = (await verdict) as { ok: boolean; fault?: { code: string } }
      return ok ? 'accepted' : fault!.code
    }
    assert.equal(await code(unbond(world, testParams, account(1), 4_500n, 3n)), 'staking/tooLittle')
    assert.equal(await code(unbond(world, testParams, account(1), 5_001n, 3n)), 'staking/tooMuch')
    assert.equal(await code(unbond(world, testParams, account(1), 2_000n, 3n)), 'accepted')
    assert.equal(await code(unbond(world, testParams, account(1), 1_000n, 3n)), 'staking/unbonding')
    assert.equal(await code(withdraw(world, account(1), 4n)), 'staking/unbonding')
    assert.equal(await code(withdraw(world, account(1), 5n)), 'accepted')
    assert.equal(await world.purse.balance(account(1)), 2_000n * weiPerGwei)
    assert.equal((await readStake(world, account(1)))!.stake, 3_000n)
    assert.equal(await world.purse.balance(moduleAddresses.staking), 3_000n * weiPerGwei)
  })
})
