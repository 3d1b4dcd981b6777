import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import {
  committeeSize,
  custodiansOf,
  custodyDigest,
  custodyFault,
  custodyOf,
  drawCommittee,
} from '../../registry/custody.ts'
import { splitCustody, splitFee } from '../../registry/formulas.ts'
import { ProofKind } from '../../registry/job.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { leaseFee } from '../../registry/misses.ts'
import { nextLease } from '../../registry/schedule.ts'
import { certify } from '../../registry/settlement.ts'
import type { Validator } from '../../registry/validatorSet.ts'
import { account, digest, jobOf, startBlock, startedWorld, testParams } from './world.ts'

const stakes = [1_000_000n, 1_000_000n, 2_000_000n, 1_000_000n]
const job = jobOf({ proofKind: ProofKind.StepProof })

const member = (n: number, changes: Partial<Validator> = {}): Validator => ({
  address: account(n),
  publicKey: '0x00',
  stake: 100n,
  reputation: 0n,
  power: 100n,
  slotWeight: 1n,
  jailed: false,
  ask: 0n,
  maxParams: 1n,
  ...changes,
})

/** The first lease of a proven job, and its custody. */
async function started() {
  const world = await startedWorld(stakes)
  const wei = totalFee(job, testParams) + testParams.openFee
  world.mint(moduleAddresses.jobs, wei)
  const opened = await openJob(world, testParams, job, wei, 0n)
  assert.ok(opened.ok)
  for (const height of [1n, 2n, 3n]) await startBlock(world, height, stakes.length)
  const record = (await readJob(world, opened.value))!
  const lease = (await nextLease(world, testParams, record, 2n))!
  const custody = (await custodyOf(world, testParams, job, lease, 2n))!
  const claim = {
    job: opened.value,
    range: 0,
    before: digest('before'),
    after: digest('after'),
    weights: digest('weights'),
    losses: Array.from({ length: 16 }, () => 5n),
  }
  const settle = (custodians: bigint, height = 3n) =>
    certify(world, testParams, { ...claim, custodians }, lease.able[0]!, account(700), height)
  return { world, record, lease, custody, settle }
}

describe('custody', () => {
  it('is for proven jobs only', async () => {
    const { world, lease } = await started()
    assert.equal(await custodyOf(world, testParams, jobOf(), lease, 2n), null)
    assert.equal(custodyFault(null, 0n, 3n), null)
    assert.deepEqual(custodyFault(null, 5n, 3n), { code: 'jobs/custody', needed: 0n, got: 2n })
  })

  it('takes more than half of the committee, and pays who vouched', async () => {
    const { world, lease, custody, settle } = await started()
    assert.equal(custody.committee.length, stakes.length)
    const refused = await settle(0b0011n)
    assert.deepEqual(refused.ok ? null : refused.fault, {
      code: 'jobs/custody',
      needed: 3n,
      got: 2n,
    })
    assert.ok((await settle(0b1101n)).ok)
    const { custody: part, worker } = splitFee(leaseFee(job, 0, testParams))
    const paid = await Promise.all([1, 3, 4].map((n) => world.purse.balance(account(n))))
    const worked = [1, 3, 4].map((n) => (lease.able[0] === account(n) ? worker : 0n))
    assert.deepEqual(
      paid,
      worked.map((wage) => wage + splitCustody(part, 3).share),
    )
    const idle = lease.able[0] === account(2) ? worker : 0n
    assert.equal(await world.purse.balance(account(2)), idle)
    const pot = await world.purse.balance(moduleAddresses.custody)
    assert.equal(pot, splitCustody(part, 3).pot)
  })

  it('counts no member twice and nobody from outside', async () => {
    const { custody, settle } = await started()
    const outside = await settle(0b10111n)
    assert.deepEqual(outside.ok ? null : outside.fault, {
      code: 'jobs/custody',
      needed: 3n,
      got: 4n,
    })
    assert.deepEqual(
      custodiansOf(custody, 0b101n).map(({ address }) => address),
      [account(1), account(3)],
    )
  })

  it('opens to a third of the power after half of the lease', async () => {
    const { custody } = await started()
    assert.notEqual(custodyFault(custody, 0b0101n, custody.openFrom - 1n), null)
    assert.equal(custodyFault(custody, 0b0101n, custody.openFrom), null)
    assert.notEqual(custodyFault(custody, 0b0001n, custody.openFrom), null)
  })

  it('draws a committee without repetition, never the jailed, from every set alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.string(), (size, salt) => {
        const members = Array.from({ length: size }, (_, i) =>
          member(i + 1, { jailed: i % 5 === 4, stake: BigInt(1 + i) }),
        )
        const free = members.filter(({ jailed }) => !jailed)
        const lease = { job: digest('job'), range: 3 }
        const committee = drawCommittee(digest(salt), lease, members)
        assert.equal(committee.length, Math.min(committeeSize, free.length))
        assert.equal(new Set(committee).size, committee.length)
        for (const address of committee)
          assert.ok(free.some((validator) => validator.address === address))
        assert.deepEqual(drawCommittee(digest(salt), lease, members), committee)
      }),
    )
  })

  it('signs chain, job, range, commitment and blob: each changes the digest', () => {
    const claim = { job: digest('job'), range: 1, after: digest('a'), weights: digest('w') }
    const digests = [
      custodyDigest(1, claim),
      custodyDigest(2, claim),
      custodyDigest(1, { ...claim, job: digest('other') }),
      custodyDigest(1, { ...claim, range: 2 }),
      custodyDigest(1, { ...claim, after: digest('other') }),
      custodyDigest(1, { ...claim, weights: digest('other') }),
    ]
    assert.equal(new Set(digests).size, digests.length)
  })
})
