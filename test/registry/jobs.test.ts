import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { splitFee } from '../../registry/formulas.ts'
import { type Job, jobIdOf } from '../../registry/job.ts'
import { cancelJob, openJob, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { expireLease, leaseFee } from '../../registry/misses.ts'
import { readModel } from '../../registry/models.ts'
import { attemptAt, attemptStart, nextLease } from '../../registry/schedule.ts'
import { readService } from '../../registry/service.ts'
import { certify, declineLease } from '../../registry/settlement.ts'
import { readStake } from '../../registry/stakes.ts'
import {
  account,
  dataset,
  digest,
  jobOf,
  startBlock,
  startedWorld,
  type TestWorld,
  testParams,
} from './world.ts'

const stakes = [1_000_000n, 1_000_000n, 2_000_000n]
const proposer = account(700)

/** Pay for and open a job in the block at `height`. */
async function open(world: TestWorld, height: bigint, changes: Partial<Job> = {}) {
  const job = jobOf(changes)
  const wei = totalFee(job, testParams) + testParams.openFee
  world.mint(moduleAddresses.jobs, wei)
  const opened = await openJob(world, testParams, job, wei, height)
  assert.ok(opened.ok)
  return { job, id: opened.value, wei }
}

async function leaseAt(world: TestWorld, id: ReturnType<typeof jobIdOf>, head: bigint) {
  const record = (await readJob(world, id))!
  return { record, lease: await nextLease(world, testParams, record, head) }
}

/** Blocks from `from` to `to`, both included. */
async function blocks(world: TestWorld, from: bigint, to: bigint) {
  for (let height = from; height <= to; height++) await startBlock(world, height, stakes.length)
}

const claim = (id: ReturnType<typeof jobIdOf>, range: number, count: number) => ({
  job: id,
  range,
  before: range === 0 ? zeroHash : digest(`state ${range}`),
  after: digest(`state ${range + 1}`),
  weights: digest(`weights ${range + 1}`),
  losses: Array.from({ length: count }, () => 5n),
  custodians: 0n,
})

describe('the life of a job', () => {
  it('is opened, seeded, leased, certified, paid and finished; supply adds up', async () => {
    const world = await startedWorld(stakes)
    const before = world.supply()
    const { job, id, wei } = await open(world, 0n)
    assert.equal(world.supply(), before + wei - testParams.openFee)
    let height = 1n
    for (const [range, count] of [16, 16, 8].entries()) {
      await blocks(world, height, height + 1n)
      const { record, lease } = await leaseAt(world, id, height + 1n)
      assert.equal(lease?.range, range)
      assert.equal(record.state.seed, height + 1n >= 2n ? digest('beacon 2') : zeroHash)
      await startBlock(world, height + 2n, stakes.length)
      const settled = await certify(
        world,
        testParams,
        claim(id, range, count),
        lease!.holder!,
        proposer,
        height + 2n,
      )
      assert.ok(
        settled.ok,
        JSON.stringify(settled, (_, v) => String(v)),
      )
      assert.equal(settled.value.fee, leaseFee(job, range, testParams))
      assert.equal(settled.value.ended, range === 2 ? JobStatus.Finished : null)
      height += 3n
    }
    assert.equal(await world.purse.balance(moduleAddresses.jobs), 0n)
    const fees = [0, 1, 2].map((range) => splitFee(leaseFee(job, range, testParams)))
    const total = (part: 'worker' | 'dataset' | 'proposer') =>
      fees.reduce((sum, split) => sum + split[part], 0n)
    assert.equal(await world.purse.balance(proposer), total('proposer'))
    assert.equal(await world.purse.balance(dataset.owner), total('dataset'))
    const workers = await Promise.all([1, 2, 3].map((n) => world.purse.balance(account(n))))
    assert.equal(
      workers.reduce((a, b) => a + b),
      total('worker'),
    )
    assert.equal((await readModel(world, id))?.weights, digest('weights 3'))
    const burned = fees.reduce((sum, split) => sum + split.burned + split.custody, 0n)
    assert.equal(world.supply(), before + wei - testParams.openFee - burned)
  })

  it('refuses a claim for another range, by another worker, on other weights, or too early', async () => {
    const world = await startedWorld(stakes)
    const { id } = await open(world, 0n)
    await startBlock(world, 1n, 3)
    const attempt = (changes: object, worker = account(1), height = 3n) =>
      certify(world, testParams, { ...claim(id, 0, 16), ...changes }, worker, proposer, height)
    const code = async (...args: Parameters<typeof attempt>) => {
      const verdict = await attempt(...args)
      return verdict.ok ? 'accepted' : verdict.fault.code
    }
    assert.equal(await code({}, account(1), 1n), 'jobs/tooEarly')
    await blocks(world, 2n, 3n)
    const holder = (await leaseAt(world, id, 2n)).lease!.holder!
    const other = [1, 2, 3].map(account).find((address) => address !== holder)!
    assert.equal(await code({ job: digest('none') }, holder), 'jobs/unknown')
    assert.equal(await code({ range: 1 }, holder), 'jobs/otherRange')
    assert.equal(await code({ losses: [1n] }, holder), 'jobs/lossCount')
    assert.equal(await code({}, other), 'jobs/notHolder')
    assert.equal(await code({}, holder), 'accepted')
    await blocks(world, 4n, 5n)
    const next = (await leaseAt(world, id, 4n)).lease!.holder!
    const second = { ...claim(id, 1, 16), before: digest('forged') }
    const verdict = await certify(world, testParams, second, next, proposer, 5n)
    assert.equal(!verdict.ok && verdict.fault.code, 'jobs/otherWeights')
  })

  it('lets a lease expire, makes its holder pay, and draws another', async () => {
    const world = await startedWorld(stakes)
    const { id } = await open(world, 0n)
    await blocks(world, 1n, 2n)
    const first = await leaseAt(world, id, 2n)
    const second = attemptStart(first.record, testParams, 1)
    await blocks(world, 3n, second)
    const lease = (await leaseAt(world, id, second)).lease!
    assert.equal(lease.attempt, 1)
    assert.notEqual(lease.holder, first.lease!.holder)
    const stake = (await readStake(world, first.lease!.holder!))!.stake
    const supply = world.supply()
    const missed = await expireLease(world, testParams, id, account(600), second)
    assert.ok(missed.ok)
    const { penalty, reward } = missed.value[0]!
    assert.ok(penalty > 0n)
    assert.equal(await world.purse.balance(account(600)), reward)
    assert.equal(world.supply(), supply - penalty / 2n)
    assert.ok((await readStake(world, first.lease!.holder!))!.stake < stake)
    assert.equal((await readService(world, first.lease!.holder!)).missed, 1n)
    const again = await expireLease(world, testParams, id, account(600), second)
    assert.equal(!again.ok && again.fault.code, 'jobs/nothingMissed')
  })

  it('gives more time from the third attempt on', async () => {
    const world = await startedWorld(stakes)
    const { id } = await open(world, 0n)
    await blocks(world, 1n, 2n)
    const record = (await readJob(world, id))!
    const starts = Array.from({ length: 7 }, (_, a) => attemptStart(record, testParams, a))
    const span = starts[1]! - starts[0]!
    assert.equal(starts[0], record.state.rangeSince + 2n)
    assert.deepEqual(
      starts.map((start) => (start - starts[0]!) / span),
      [0n, 1n, 2n, 4n, 8n, 12n, 16n],
    )
    for (const [attempt, start] of starts.entries()) {
      assert.equal(attemptAt(record, testParams, start), attempt)
      assert.equal(attemptAt(record, testParams, start - 1n), attempt - 1)
    }
  })

  it('is open to everyone from the third attempt on', async () => {
    const world = await startedWorld(stakes)
    const { id } = await open(world, 0n)
    await blocks(world, 1n, 2n)
    const third = attemptStart((await readJob(world, id))!, testParams, 2)
    await blocks(world, 3n, third)
    const { lease } = await leaseAt(world, id, third)
    assert.deepEqual(lease!.able, [1, 2, 3].map(account))
    const settled = await certify(world, testParams, claim(id, 0, 16), account(2), proposer, third)
    assert.ok(settled.ok)
    assert.equal(settled.value.misses.length, 2)
  })

  it('never leases to the owner of the job', async () => {
    const world = await startedWorld(stakes)
    for (let nonce = 0n; nonce < 2n; nonce++) await open(world, 0n, { owner: account(3), nonce })
    await blocks(world, 1n, 2n)
    for (let nonce = 0n; nonce < 2n; nonce++) {
      const id = jobIdOf(jobOf({ owner: account(3), nonce }))
      assert.notEqual((await leaseAt(world, id, 2n)).lease!.holder, account(3))
    }
  })

  it('may be declined once, early, by its holder', async () => {
    const world = await startedWorld(stakes)
    const { id } = await open(world, 0n)
    await blocks(world, 1n, 3n)
    const holder = (await leaseAt(world, id, 2n)).lease!.holder!
    const declined = await declineLease(world, testParams, id, holder, 3n)
    assert.ok(declined.ok)
    await blocks(world, 4n, 5n)
    const next = (await leaseAt(world, id, 4n)).lease!.holder!
    assert.notEqual(next, holder)
    const twice = await declineLease(world, testParams, id, next, 5n)
    assert.equal(!twice.ok && twice.fault.code, 'jobs/declined')
    assert.equal((await readService(world, holder)).missed, 0n)
  })

  it('ends when its owner cancels: at the next settlement, less 1 %', async () => {
    const world = await startedWorld(stakes)
    const { id, job } = await open(world, 0n)
    await blocks(world, 1n, 3n)
    const foreign = await cancelJob(world, testParams, id, account(1), 3n)
    assert.equal(!foreign.ok && foreign.fault.code, 'jobs/notOwner')
    assert.deepEqual(await cancelJob(world, testParams, id, job.owner, 3n), {
      ok: true,
      value: null,
    })
    const holder = (await leaseAt(world, id, 2n)).lease!.holder!
    const settled = await certify(world, testParams, claim(id, 0, 16), holder, proposer, 3n)
    assert.ok(settled.ok)
    assert.equal(settled.value.ended, JobStatus.Cancelled)
    const unspent = totalFee(job, testParams) - leaseFee(job, 0, testParams)
    assert.equal(settled.value.refund, unspent - (unspent + 99n) / 100n)
    assert.equal(await world.purse.balance(job.owner), settled.value.refund)
    assert.equal(await world.purse.balance(moduleAddresses.jobs), 0n)
  })

  it('waits where all places are taken, and the better price goes first', async () => {
    const world = await startedWorld(stakes)
    const active = [await open(world, 0n), await open(world, 0n, { nonce: 1n })]
    const cheap = await open(world, 0n, { nonce: 2n })
    const dear = await open(world, 0n, { nonce: 3n, pricePerMac: 2_000_000_000n })
    assert.equal((await readJob(world, cheap.id))!.state.status, JobStatus.Waiting)
    await blocks(world, 1n, 3n)
    await cancelJob(world, testParams, active[0]!.id, active[0]!.job.owner, 3n)
    const holder = (await leaseAt(world, active[0]!.id, 2n)).lease!.holder!
    await certify(world, testParams, claim(active[0]!.id, 0, 16), holder, proposer, 3n)
    assert.equal((await readJob(world, dear.id))!.state.status, JobStatus.Active)
    assert.equal((await readJob(world, cheap.id))!.state.status, JobStatus.Waiting)
  })

  it('refuses the wrong escrow and an unknown or unfit dataset', async () => {
    const world = await startedWorld(stakes)
    const attempt = async (changes: Partial<Job>, extra = 0n) => {
      const job = jobOf(changes)
      const wei = totalFee(job, testParams) + testParams.openFee + extra
      const opened = await openJob(world, testParams, job, wei, 0n)
      return opened.ok ? 'accepted' : opened.fault.code
    }
    assert.equal(await attempt({}, 1n), 'jobs/wrongEscrow')
    assert.equal(await attempt({ dataset: digest('other') }), 'jobs/unknownDataset')
    assert.equal(await attempt({ layers: [9, 6, 3] }), 'jobs/datasetMismatch')
    assert.equal(await attempt({ layers: [8, 6, 2] }), 'jobs/datasetMismatch')
    assert.equal(await attempt({ batch: 1_001 }), 'jobs/datasetMismatch')
  })
})
