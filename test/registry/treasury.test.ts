import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Fault, Result } from '../../primitives/result.ts'
import { endJob, totalFee } from '../../registry/jobBook.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { jail } from '../../registry/stakes.ts'
import { approve, openProposals, propose, readProposal } from '../../registry/treasury.ts'
import { account, jobOf, startBlock, startedWorld, testParams } from './world.ts'

const { treasury, jobs } = moduleAddresses
const stakes = [1_000_000n, 1_000_000n, 1_000_000n, 1_000_000n]
const [v1, v2, v3, v4] = [1, 2, 3, 4].map(account) as [
  ReturnType<typeof account>,
  ReturnType<typeof account>,
  ReturnType<typeof account>,
  ReturnType<typeof account>,
]
const friend = account(70)
const codeOf = (verdict: Result<unknown, Fault>) => (verdict.ok ? 'accepted' : verdict.fault.code)

const grant = (amount: bigint) => ({ kind: 'grant', to: friend, amount }) as const
const publicJob = { kind: 'job', job: jobOf({ owner: treasury }) } as const

describe('the treasury', () => {
  it('pays a grant that more than two thirds of the power approve, once', async () => {
    const world = await startedWorld(stakes)
    world.mint(treasury, 1_000n)
    const proposed = await propose(world, testParams, grant(700n), v1, 1n)
    assert.deepEqual(proposed, { ok: true, value: 1n })
    assert.equal(codeOf(await approve(world, testParams, 1n, v1, 2n)), 'accepted')
    assert.equal(codeOf(await approve(world, testParams, 1n, v1, 2n)), 'treasury/already')
    assert.equal(codeOf(await approve(world, testParams, 1n, v2, 2n)), 'accepted')
    assert.equal(await world.purse.balance(friend), 0n)
    assert.deepEqual((await readProposal(world, 1n))?.approvers, [v1, v2])
    const third = await approve(world, testParams, 1n, v3, 3n)
    assert.ok(third.ok && third.value.executed)
    assert.equal(await world.purse.balance(friend), 700n)
    assert.equal(codeOf(await approve(world, testParams, 1n, v4, 3n)), 'treasury/unknown')
    assert.deepEqual(await openProposals(world), [])
  })

  it('opens a public job, and gets back what is not earned', async () => {
    const world = await startedWorld(stakes)
    const cost = totalFee(publicJob.job, testParams) + testParams.openFee
    world.mint(treasury, cost)
    await propose(world, testParams, publicJob, v1, 1n)
    for (const voice of [v1, v2]) await approve(world, testParams, 1n, voice, 2n)
    const done = await approve(world, testParams, 1n, v3, 2n)
    assert.ok(done.ok && done.value.job !== null)
    assert.equal(await world.purse.balance(treasury), 0n)
    assert.equal(await world.purse.balance(jobs), totalFee(publicJob.job, testParams))
    const record = (await readJob(world, done.value.job))!
    assert.equal(record.job.owner, treasury)
    await endJob(world, testParams, record, 'finished', 3n)
    assert.equal(await world.purse.balance(treasury), totalFee(publicJob.job, testParams))
  })

  it('refuses strangers, the jailed, nothing, what is unfit, and more than there is', async () => {
    const world = await startedWorld(stakes)
    world.mint(treasury, 10n)
    const by = async (who: typeof v1, spending: Parameters<typeof propose>[2]) =>
      codeOf(await propose(world, testParams, spending, who, 1n))
    assert.equal(await by(friend, grant(1n)), 'treasury/notMember')
    assert.equal(await by(v1, grant(0n)), 'treasury/nothing')
    const unfit = { kind: 'job', job: jobOf({ owner: treasury, batch: 0 }) } as const
    assert.equal(await by(v1, unfit), 'treasury/unfit')
    assert.equal(await by(v1, grant(11n)), 'accepted')
    await jail(world, v2, 1n)
    assert.equal(codeOf(await approve(world, testParams, 1n, v2, 2n)), 'treasury/notMember')
    assert.equal(codeOf(await approve(world, testParams, 9n, v1, 2n)), 'treasury/unknown')
    for (const voice of [v1, v3]) await approve(world, testParams, 1n, voice, 2n)
    assert.equal(codeOf(await approve(world, testParams, 1n, v4, 2n)), 'treasury/tooMuch')
    assert.equal(await world.purse.balance(treasury), 10n)
  })

  it('forgets proposals that nobody carried, and holds no more than 32, 8 of one member', async () => {
    const world = await startedWorld(stakes)
    for (const who of [v1, v2, v3, v4]) {
      for (let n = 0; n < 8; n++)
        assert.ok((await propose(world, testParams, grant(1n), who, 1n)).ok)
      assert.equal(codeOf(await propose(world, testParams, grant(1n), who, 1n)), 'treasury/full')
    }
    for (let height = 1n; height <= 48n; height++) await startBlock(world, height, 4)
    assert.equal(codeOf(await approve(world, testParams, 1n, v1, 48n)), 'treasury/unknown')
    assert.deepEqual(await propose(world, testParams, grant(1n), v1, 48n), { ok: true, value: 33n })
    assert.deepEqual(await openProposals(world), [33n])
  })
})
