import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createLogger } from '../../node/logger.ts'
import { createMetrics } from '../../node/metrics.ts'
import { createWorkLoop } from '../../node/workLoop.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { account, digest, jobOf, startBlock, startedWorld, testParams } from '../registry/world.ts'

/** Leases of many blocks, so that only the loop's patience ends a wait. */
const params = { ...testParams, macsPerBlock: 300n, maxActiveJobs: 3 }
/** Heads that training takes, more than the loop's patience. */
const trainingHeads = 12n
const patience = 8n

type Answers = {
  /** Whether the n-th sending is taken. */
  readonly takes?: (sent: number) => boolean
  readonly hasData?: () => boolean
  readonly now?: () => number
  readonly jobs?: number
}

/** A loop of the only validator, for whom every lease is drawn, and what it did. */
async function createWork({
  takes = () => true,
  hasData = () => true,
  now = () => 0,
  jobs = 1,
}: Answers = {}) {
  const world = await startedWorld([1_000_000n])
  for (let nonce = 0; nonce < jobs; nonce++) {
    const job = jobOf({ nonce: BigInt(nonce) })
    const wei = totalFee(job, params) + params.openFee
    world.mint(moduleAddresses.jobs, wei)
    assert((await openJob(world, params, job, wei, 0n)).ok)
  }

  const finishers: (() => void)[] = []
  let taken = 0
  let sent = 0
  const declined: Hash[] = []
  const loop = createWorkLoop(
    { self: account(1), sitOut: 0, parallel: 1 },
    {
      params,
      work: ({ lease }) => {
        taken += 1
        return new Promise((resolve) => {
          const claim = {
            job: lease.job,
            range: 0,
            before: zeroHash,
            after: digest('after'),
            weights: digest('weights'),
            losses: [],
            custodians: 0n,
          }
          const result = { claim, sidecar: Uint8Array.of(taken), trainMs: 1, proveMs: 1 }
          finishers.push(() => resolve(ok(result)))
        })
      },
      made: () => {},
      submit: async () => {
        sent += 1
        return takes(sent) ? ok(digest('transaction')) : refuse({ code: 'test/refused' })
      },
      decline: async (job) => {
        declined.push(job)
        return ok(digest('decline'))
      },
      hasData: async () => hasData(),
      clock: { now },
      metrics: createMetrics(),
      log: createLogger('silent', null),
    },
  )
  let head = 0n
  const advance = async (blocks: bigint) => {
    for (const goal = head + blocks; head < goal; ) {
      head += 1n
      await startBlock(world, head, 1, params)
      await loop.onHead(world, head)
    }
  }
  const counts = () => ({ taken, sent, declined: declined.length })
  return { loop, advance, finishers, counts }
}

describe('the work loop', () => {
  it('waits for a certificate that it sent, however long it was in the making, then sends it again', async () => {
    const { loop, advance, finishers, counts } = await createWork()
    await advance(2n)
    assert.equal(counts().taken, 1)
    await advance(trainingHeads)
    finishers[0]!()
    while (counts().sent === 0) await Promise.resolve()
    await advance(patience)
    assert.equal(counts().sent, 1, 'the certificate may still be included')
    await advance(1n)
    assert.deepEqual(counts(), { taken: 1, sent: 2, declined: 0 })
    await advance(patience)
    assert.equal(counts().sent, 2)
    await loop.stop()
  })

  it('works a lease again whose certificate is refused when it is sent again', async () => {
    const { loop, advance, finishers, counts } = await createWork({ takes: (sent) => sent !== 2 })
    await advance(2n)
    finishers[0]!()
    while (counts().sent === 0) await Promise.resolve()
    await advance(patience + 3n)
    assert.deepEqual(counts(), { taken: 2, sent: 2, declined: 0 })
    finishers[1]!()
    await loop.stop()
  })

  it('gives a lease back, once, whose data are not here while that is free', async () => {
    let here = true
    const { loop, advance, finishers, counts } = await createWork({ hasData: () => here })
    await advance(2n)
    here = false
    assert.deepEqual(counts(), { taken: 1, sent: 0, declined: 0 })
    await advance(5n)
    assert.deepEqual(counts(), { taken: 1, sent: 0, declined: 1 })
    finishers[0]!()
    await loop.stop()
    const late = await createWork({ hasData: () => here })
    here = true
    await late.advance(4n)
    here = false
    await late.advance(9n)
    assert.deepEqual(late.counts(), { taken: 1, sent: 0, declined: 0 })
    late.finishers[0]!()
    await late.loop.stop()
  })

  it('gives back what it has no time for beside its other leases', async () => {
    for (const [ms, declined] of [
      [1_000, 0],
      [10_000_000, 1],
    ] as const) {
      let time = 0
      const work = await createWork({ jobs: 3, now: () => time })
      await work.advance(2n)
      assert.equal(work.counts().taken, 1)
      time += ms
      work.finishers[0]!()
      while (work.counts().sent === 0) await Promise.resolve()
      // The second job's lease is worked now; the third's has to wait for it.
      await work.advance(1n)
      assert.equal(work.counts().taken, 2)
      assert.equal(work.counts().declined, declined)
      for (const finish of work.finishers.slice(1)) finish()
      await work.loop.stop()
    }
  })
})
