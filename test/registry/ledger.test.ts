import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import type { Hash } from '../../primitives/hash.ts'
import { delegate, readDelegation } from '../../registry/delegations.ts'
import { cancelJob, nextJobNonce, openJob, totalFee } from '../../registry/jobBook.ts'
import { readJob, readJobState } from '../../registry/jobRecord.ts'
import { burnedByModules } from '../../registry/ledger.ts'
import { expireLease } from '../../registry/misses.ts'
import { nextLease } from '../../registry/schedule.ts'
import { certify, declineLease } from '../../registry/settlement.ts'
import type { TestWorld } from './world.ts'
import { account, dataset, digest, jobOf, startBlock, startedWorld, testParams } from './world.ts'

const workers = [1, 2, 3].map(account)
const owners = [801, 802].map(account)
const proposer = account(700)
const everybody = [...workers, ...owners, proposer, dataset.owner]

type Step = {
  readonly kind: 'open' | 'work' | 'cancel' | 'expire' | 'decline' | 'wait'
  readonly pick: number
}

/** One action in the block at `height`; returns who may have been paid or charged by it. */
async function act(
  world: TestWorld,
  jobs: Hash[],
  { kind, pick }: Step,
  height: bigint,
): Promise<readonly Address[]> {
  const owner = owners[pick % owners.length]!
  if (kind === 'open') {
    const job = jobOf({ owner, nonce: await nextJobNonce(world, owner), steps: 1 + (pick % 40) })
    const wei = totalFee(job, testParams) + testParams.openFee
    world.mint(moduleAddresses.jobs, wei)
    const opened = await openJob(world, testParams, job, wei, height)
    if (opened.ok) jobs.push(opened.value)
    else await world.purse.burn(moduleAddresses.jobs, wei)
    return []
  }
  const id = jobs[pick % Math.max(1, jobs.length)]
  const record = id === undefined ? null : await readJob(world, id)
  if (id === undefined || record === null) return []
  const lease = await nextLease(world, testParams, record, height - 1n)
  const worker = lease?.holder ?? workers[pick % workers.length]!
  if (kind === 'cancel') await cancelJob(world, testParams, id, record.job.owner, height)
  if (kind === 'expire') await expireLease(world, testParams, id, owner, height)
  if (kind === 'decline') await declineLease(world, testParams, id, worker, height)
  // Who declines reports the attempts that have passed.
  if (kind === 'decline') return [record.job.owner, worker]
  if (kind !== 'work') return [record.job.owner, owner]
  const { range, commitment } = record.state
  const count = Math.min(record.job.leaseSteps, record.job.steps - range * record.job.leaseSteps)
  const claim = {
    job: id,
    range,
    before: commitment,
    after: digest(`after ${id} ${range}`),
    weights: digest('weights'),
    losses: Array.from({ length: Math.max(0, count) }, () => 1n),
    custodians: 0n,
  }
  await certify(world, testParams, claim, worker, proposer, height)
  return [record.job.owner, worker, proposer, dataset.owner]
}

/** Every escrow is there, to the wei, and nobody's balance is below zero. */
async function assertSolvent(world: TestWorld, jobs: readonly Hash[]) {
  let escrow = 0n
  for (const id of jobs) escrow += (await readJobState(world, id))!.escrow
  assert.equal(await world.purse.balance(moduleAddresses.jobs), escrow)
  for (const balance of world.balances.values()) assert.ok(balance >= 0n)
}

/** Blocks, one action in the last of them, and what must hold after it. Returns the next height. */
async function assertTurn(world: TestWorld, jobs: Hash[], step: Step, from: bigint) {
  const until = from + (step.kind === 'wait' ? 20n : 2n)
  for (let height = from; height < until; height++) await startBlock(world, height, 3)
  const before = new Map(world.balances)
  const [supply, burned] = [world.supply(), await burnedByModules(world)]
  const touched = await act(world, jobs, step, until - 1n)
  await assertSolvent(world, jobs)
  if (step.kind !== 'open')
    assert.equal(supply - world.supply(), (await burnedByModules(world)) - burned)
  for (const someone of everybody)
    if (!touched.includes(someone))
      assert.equal(world.balances.get(someone), before.get(someone), someone)
  return until
}

describe('the work market, whatever happens in it', () => {
  it('spends no escrow twice, burns what it says, and pays nobody else', async () => {
    const step = fc.record({
      kind: fc.constantFrom<Step['kind']>(
        'open',
        'work',
        'work',
        'cancel',
        'expire',
        'decline',
        'wait',
      ),
      pick: fc.nat(1_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const world = await startedWorld([1_000_000n, 1_000_000n, 2_000_000n])
        const jobs: Hash[] = []
        let height = 1n
        for (const one of [{ kind: 'open', pick: 7 } as const, ...steps])
          height = await assertTurn(world, jobs, one, height)
      }),
      { numRuns: 25 },
    )
  })
})

describe('delegations', () => {
  it('are worth the same in whatever order they came, to the wei', async () => {
    const wei = fc.bigInt({ min: 1n, max: 10n ** 24n })
    await fc.assert(
      fc.asyncProperty(wei, wei, wei, async (a, b, c) => {
        const values: (readonly bigint[])[] = []
        for (const order of [
          [0, 1, 2],
          [2, 0, 1],
        ]) {
          const world = await startedWorld([1_000_000n])
          for (const i of order)
            assert.ok((await delegate(world, account(1), owners[0]!, [a, b, c][i]!, 0n)).ok)
          await delegate(world, account(1), owners[1]!, b, 0n)
          const read = async (who: Address) => (await readDelegation(world, account(1), who)).wei
          values.push([await read(owners[0]!), await read(owners[1]!)])
        }
        assert.deepEqual(values[0], values[1])
        assert.equal(values[0]![0], a + b + c)
      }),
      { numRuns: 30 },
    )
  })
})
