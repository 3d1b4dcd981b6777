import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Hash } from '../../primitives/hash.ts'
import { beginBlock } from '../../registry/blockStart.ts'
import { cancelJob, openJob, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { basePriceOf, countLease, nextBasePrice } from '../../registry/prices.ts'
import { readHistory } from '../../registry/reputationHistory.ts'
import { readService, recordCertificate } from '../../registry/service.ts'
import {
  account,
  digest,
  jobOf,
  startBlock,
  startedWorld,
  type TestWorld,
  testParams,
} from './world.ts'

const params = { ...testParams, basePrice: 1_000n, maxActiveJobs: 2 }

async function open(world: TestWorld, nonce: bigint, pricePerMac: bigint, height: bigint) {
  const job = jobOf({ nonce, pricePerMac })
  const wei = totalFee(job, params) + params.openFee
  world.mint(moduleAddresses.jobs, wei)
  return openJob(world, params, job, wei, height)
}

async function blocks(world: TestWorld, from: bigint, to: bigint) {
  for (let height = from; height <= to; height++) await startBlock(world, height, 2, params)
}

describe('the base price', () => {
  it('moves by an eighth at most, towards half of all slots in use', () => {
    const price = fc.bigInt({ min: 1n, max: 1n << 96n })
    const count = fc.bigInt({ min: 0n, max: 10_000n })
    fc.assert(
      fc.property(price, count, count, (from, a, b) => {
        const [used, all] = a < b ? [a, b] : [b, a]
        const to = nextBasePrice(from, used, all)
        if (2n * used > all) assert.ok(to > from && to <= from + from / 8n + 1n)
        else assert.ok(to <= from && to >= from - from / 8n)
      }),
    )
    assert.equal(nextBasePrice(800n, 10n, 10n), 900n)
    assert.equal(nextBasePrice(800n, 0n, 10n), 700n)
    assert.equal(nextBasePrice(800n, 5n, 10n), 800n)
  })

  it('rises while workers are busy, binds new jobs only, and falls back to the least', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n])
    const busy = async (from: bigint) => {
      await countLease(world, jobOf(), 200_000_000)
      await blocks(world, from, from + 15n)
    }
    await blocks(world, 1n, 15n)
    await busy(16n)
    await busy(32n)
    const risen = await basePriceOf(world, params)
    assert.equal(risen, 1_125n + 141n)
    const cheap = await open(world, 0n, risen - 1n, 47n)
    assert.deepEqual(!cheap.ok && cheap.fault, {
      code: 'jobs/outOfRange',
      field: 'pricePerMac',
      got: risen - 1n,
      min: risen,
      max: (1n << 96n) - 1n,
    })
    assert.ok((await open(world, 0n, risen, 47n)).ok)
    await blocks(world, 48n, 96n)
    assert.equal(await basePriceOf(world, params), 1_000n)
  })
})

describe('the queue', () => {
  it('gives the first free place to the best price times age, and the rest back less 1 %', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n])
    const ids: Hash[] = []
    for (const [i, price] of [2_000n, 2_000n, 1_900n, 2_000n].entries()) {
      const opened = await open(world, BigInt(i), price, i < 3 ? 0n : 32n)
      assert.ok(opened.ok)
      ids.push(opened.value)
    }
    const statuses = async () => {
      const records = await Promise.all(ids.map((id) => readJob(world, id)))
      return records.map((record) => record?.state.status)
    }
    const { Active, Waiting, Cancelled } = JobStatus
    assert.deepEqual(await statuses(), [Active, Active, Waiting, Waiting])
    await blocks(world, 1n, 200n)
    const cancelled = await cancelJob(world, params, ids[0]!, account(800), 200n)
    assert.ok(cancelled.ok && cancelled.value !== null)
    const { refund, misses } = cancelled.value
    // Both drawn holders have paid: half is burned, 5 % are the owner's, who said so, the rest is escrow.
    assert.equal(misses.length, 2)
    const added = misses.map(({ penalty, reward }) => penalty - penalty / 2n - reward)
    const fee = totalFee(jobOf({ pricePerMac: 2_000n }), params)
    const escrow = added.reduce((sum, wei) => sum + wei, fee)
    assert.equal(refund, escrow - (escrow + 99n) / 100n)
    // 1,900 · (16 + 12) > 2,000 · (16 + 10).
    assert.deepEqual(await statuses(), [Cancelled, Active, Active, Waiting])
    assert.ok((await cancelJob(world, params, ids[3]!, account(800), 200n)).ok)
    assert.deepEqual(await statuses(), [Cancelled, Active, Active, Cancelled])
  })
})

describe('the history of reputation', () => {
  it('tells each epoch that has ended, while it is kept', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n])
    await blocks(world, 1n, 15n)
    await recordCertificate(world, account(1), 10n ** 12n, 10n ** 11n)
    await blocks(world, 16n, 32n)
    const { reputation } = await readService(world, account(1))
    const history = await readHistory(world, account(1), 0, 10)
    assert.deepEqual(
      history.map(({ epoch, emission }) => [epoch, emission]),
      [
        [0, 50n],
        [1, 0n],
      ],
    )
    assert.equal(history[1]!.reputation, reputation)
    assert.equal(history[0]!.work, 100n)
    assert.deepEqual(await readHistory(world, account(9), 0, 10), [])
    assert.deepEqual(await readHistory(world, account(1), 256, 10), [])
  })
})

describe('who skips its blocks', () => {
  it('loses reputation by what it skips', async () => {
    const world = await startedWorld([1_000_000n, 1_000_000n, 1_000_000n])
    const everybody = [account(1), account(2), account(3)]
    for (let height = 1n; height <= 160n; height++) {
      for (const validator of everybody) await recordCertificate(world, validator, 1_000n, 0n)
      const turn = Number(height % 3n)
      await beginBlock(world, params, {
        height,
        timestamp: height,
        mixHash: digest(`beacon ${height}`),
        // The third proposes every other time; the first steps in.
        proposer: account(turn === 2 && height % 2n === 0n ? 1 : turn + 1),
        signers: everybody,
        parentFees: 0n,
      })
    }
    const [first, second, third] = await Promise.all(
      everybody.map(async (address) => (await readService(world, address)).reputation),
    )
    assert.ok(second! * 100n > first! * 95n, 'who keeps its turns keeps its reputation')
    assert.ok(third! * 100n < first! * 45n && third! > 0n, 'half the turns, about a quarter of it')
  })
})
