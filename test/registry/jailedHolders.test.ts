import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import { custodyOf } from '../../registry/custody.ts'
import { ProofKind } from '../../registry/job.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { leaseOf, nextLease } from '../../registry/schedule.ts'
import { jail } from '../../registry/stakes.ts'
import { account, jobOf, startBlock, startedWorld, testParams } from './world.ts'

const count = 6

/** A world at block 2, in which the first lease of a job is known. */
async function worldWithLease(proofKind: ProofKind = ProofKind.Replay) {
  const world = await startedWorld(Array.from({ length: count }, () => 1_000_000n))
  const job = jobOf({ proofKind })
  const wei = totalFee(job, testParams) + testParams.openFee
  world.mint(moduleAddresses.jobs, wei)
  const opened = await openJob(world, testParams, job, wei, 0n)
  assert(opened.ok)
  for (const height of [1n, 2n]) await startBlock(world, height, count)
  const record = await readJob(world, opened.value)
  assert(record !== null)
  return { world, record }
}

describe('who vouches for the weights of a lease', () => {
  it('does not change when somebody is jailed while it runs', async () => {
    const { world, record } = await worldWithLease(ProofKind.StepProof)
    const lease = (await nextLease(world, testParams, record, 2n))!
    const before = await custodyOf(world, testParams, record.job, lease, 2n)
    await jail(world, before!.committee[0]!, lease.start)
    assert.deepEqual(await custodyOf(world, testParams, record.job, lease, 3n), before)
    await jail(world, before!.committee[1]!, lease.start - 1n)
    const after = await custodyOf(world, testParams, record.job, lease, 3n)
    assert.equal(after!.committee.length, count - 1)
    assert.ok(!after!.committee.includes(before!.committee[1]!))
  })
})

describe('who holds a lease', () => {
  it('does not change when somebody is jailed while it runs', async () => {
    const { world, record } = await worldWithLease()
    const lease = await nextLease(world, testParams, record, 2n)
    assert(lease?.holder != null)
    for (let n = 1; n <= count; n++) {
      await jail(world, account(n), lease.start)
      const now = await leaseOf(world, testParams, record, 0, 3n)
      assert.equal(now?.holder, lease.holder, `with ${n} out`)
    }
  })

  it('is nobody who was jailed before it began', async () => {
    const { world, record } = await worldWithLease()
    const { start, holder } = (await nextLease(world, testParams, record, 2n))!
    await jail(world, holder!, start - 1n)
    const now = await leaseOf(world, testParams, record, 0, 3n)
    assert.notEqual(now?.holder, null)
    assert.notEqual(now?.holder, holder)
  })
})
