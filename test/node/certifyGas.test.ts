import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { storageGas } from '../../node/certifier.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { ProofKind } from '../../registry/job.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, jobAt, readJob } from '../../registry/jobRecord.ts'
import type { Purse, Records, World } from '../../registry/records.ts'
import { attemptStart, nextLease } from '../../registry/schedule.ts'
import { certify } from '../../registry/settlement.ts'
import {
  account,
  digest,
  jobOf,
  startBlock,
  startedWorld,
  type TestWorld,
  testParams,
} from '../registry/world.ts'

const params = { ...testParams, maxActiveJobs: 256 }

/** `world` as a native call sees it, and the gas that it took. */
function metered(world: TestWorld): { readonly world: World; readonly gas: () => bigint } {
  let gas = 0n
  const records = ({ get, put }: Records): Records => ({
    get: (slot) => {
      gas += 2_100n
      return get(slot)
    },
    put: (slot, value) => {
      gas += 20_000n
      return put(slot, value)
    },
  })
  const purse: Purse = {
    balance: (of) => {
      gas += 2_100n
      return world.purse.balance(of)
    },
    transfer: (from, to, wei) => {
      gas += 9_000n
      return world.purse.transfer(from, to, wei)
    },
    burn: (from, wei) => {
      gas += 9_000n
      return world.purse.burn(from, wei)
    },
  }
  const { staking, registry, jobs, reputation, treasury } = world
  const views = { staking, registry, jobs, reputation, treasury }
  const entries = Object.entries(views).map(([name, of]) => [name, records(of)])
  return { world: { ...Object.fromEntries(entries), purse }, gas: () => gas }
}

/** Gas of the last certificate of a job among `jobs`, by whoever is able in `attempt`. */
async function gasOfEnd(members: number, jobs: number, attempt: number, custodians: bigint) {
  const world = await startedWorld(Array.from({ length: members }, () => 1_000_000n))
  for (let nonce = 0n; nonce < jobs; nonce++) {
    const job = jobOf({ nonce, steps: 16, proofKind: ProofKind.StepProof })
    const wei = totalFee(job, params) + params.openFee
    world.mint(moduleAddresses.jobs, wei)
    assert.ok((await openJob(world, params, job, wei, 0n)).ok)
  }
  const id = await jobAt(world, 0)
  const height = attemptStart((await readJob(world, id))!, params, attempt)
  for (let at = 1n; at <= height; at++) await startBlock(world, at, members, params)
  const lease = (await nextLease(world, params, (await readJob(world, id))!, height - 1n))!
  const call = metered(world)
  const claim = {
    job: id,
    range: 0,
    before: zeroHash,
    after: digest('after'),
    weights: digest('weights'),
    losses: Array.from({ length: 16 }, () => 5n),
    custodians,
  }
  const worker = lease.holder ?? lease.able[0]!
  const settled = await certify(call.world, params, claim, worker, account(700), height)
  assert.ok(settled.ok)
  assert.equal(settled.value.ended, JobStatus.Finished)
  return call.gas()
}

describe('the gas that a worker allows a certificate', () => {
  it('is enough where the lists of jobs and the set are as long as they may be', async () => {
    for (const [members, jobs, attempt] of [
      [4, 1, 0],
      [4, 512, 0],
      [100, 512, 2],
    ] as const) {
      const everybody = (1n << BigInt(members)) - 1n
      const gas = await gasOfEnd(members, jobs, attempt, everybody)
      // Of what is left, call data, logs and a longer job take a part.
      assert.ok(gas + 250_000n <= storageGas(members, everybody), `${members}, ${jobs}: ${gas}`)
    }
  })
})
