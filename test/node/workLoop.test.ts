import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createLogger } from '../../node/logger.ts'
import { createMetrics } from '../../node/metrics.ts'
import { createWorkLoop } from '../../node/workLoop.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { account, digest, jobOf, startBlock, startedWorld, testParams } from '../registry/world.ts'

/** Leases of many blocks, so that only the loop's patience ends a wait. */
const params = { ...testParams, macsPerBlock: 300n }
/** Heads that training takes, more than the loop's patience. */
const trainingHeads = 12n
const patience = 8n

describe('the work loop', () => {
  it('waits for a certificate that it sent, however long it was in the making, then makes it anew', async () => {
    const world = await startedWorld([1_000_000n])
    const job = jobOf()
    const wei = totalFee(job, params) + params.openFee
    world.mint(moduleAddresses.jobs, wei)
    const opened = await openJob(world, params, job, wei, 0n)
    assert(opened.ok)

    const finishers: (() => void)[] = []
    let taken = 0
    let sent = 0
    const loop = createWorkLoop(
      { self: account(1), sitOut: 0, parallel: 1 },
      {
        params,
        work: () => {
          taken += 1
          return new Promise((resolve) => {
            const claim = {
              job: opened.value,
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
          return ok(digest('transaction'))
        },
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
    await advance(2n)
    assert.equal(taken, 1)
    await advance(trainingHeads)
    finishers[0]!()
    while (sent === 0) await Promise.resolve()
    await advance(patience)
    assert.equal(taken, 1, 'the certificate may still be included')
    await advance(1n)
    assert.equal(taken, 2, 'it was not: the lease is worked again')
    finishers[1]!()
    await loop.stop()
  })
})
