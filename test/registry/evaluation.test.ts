import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { batchPlan, batchRows } from '../../compute/batch.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { admitJob, leaseBlocks } from '../../registry/admission.ts'
import { concludeJob } from '../../registry/conclude.ts'
import { custodyOf } from '../../registry/custody.ts'
import { registerDataset } from '../../registry/datasets.ts'
import {
  evaluationAttempts,
  evaluationJob,
  leaseWork,
  readEvaluation,
} from '../../registry/evaluation.ts'
import { splitFee } from '../../registry/formulas.ts'
import {
  decodeJob,
  encodeJob,
  type HeldOut,
  type Job,
  jobIdOf,
  ProofKind,
  rowSpan,
  stepMacs,
} from '../../registry/job.ts'
import { cancelJob, openJob, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { leaseFee } from '../../registry/misses.ts'
import { readModel } from '../../registry/models.ts'
import { attemptStart, nextLease } from '../../registry/schedule.ts'
import { certify, declineLease } from '../../registry/settlement.ts'
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
const heldOut: HeldOut = { dataset: dataset.root, rows: 100 }

const code = (verdict: { readonly ok: boolean; readonly fault?: { readonly code: string } }) =>
  verdict.ok ? 'accepted' : verdict.fault!.code

async function open(world: TestWorld, changes: Partial<Job> = {}) {
  const job = jobOf({ steps: 16, heldOut, ...changes })
  const wei = totalFee(job, testParams) + testParams.openFee
  world.mint(moduleAddresses.jobs, wei)
  return { job, wei, opened: await openJob(world, testParams, job, wei, 0n) }
}

async function blocks(world: TestWorld, from: bigint, to: bigint) {
  for (let height = from; height <= to; height++) await startBlock(world, height, stakes.length)
}

const training = (id: Hash) => ({
  job: id,
  range: 0,
  before: zeroHash,
  after: digest('trained'),
  weights: digest('weights'),
  losses: Array.from({ length: 16 }, () => 5n),
  custodians: 0n,
})

const evaluation = (id: Hash) => ({
  ...training(id),
  range: 1,
  before: digest('trained'),
  after: digest('thrown away'),
  losses: [77n],
})

/** A job whose one range was certified in block 3: its evaluation runs. */
async function trained(changes: Partial<Job> = {}) {
  const world = await startedWorld(stakes)
  const { job, wei, opened } = await open(world, changes)
  assert.ok(opened.ok)
  const id = opened.value
  await blocks(world, 1n, 3n)
  const holder = (await holderAt(world, id, 2n))!
  const settled = await certify(world, testParams, training(id), holder, proposer, 3n)
  assert.ok(settled.ok)
  assert.deepEqual([settled.value.ended, settled.value.evaluation], [null, null])
  return { world, job, id, wei }
}

async function holderAt(world: TestWorld, id: Hash, head: bigint) {
  const record = (await readJob(world, id))!
  return (await nextLease(world, testParams, record, head))?.holder ?? null
}

describe('rows held out', () => {
  it('are never drawn by training, and alone by the evaluation', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(200),
        (rows, batch, step) => {
          const job = jobOf({ batch, heldOut: { dataset: dataset.root, rows } })
          const drawn = batchRows(batchPlan(job, digest('seed'), 100), step)
          assert.ok(drawn.every((row) => row < 100 - rows))
          const judged = batchRows(batchPlan(evaluationJob(job), digest('later'), 100), 0)
          assert.equal(new Set(judged).size, rows)
          assert.ok(judged.every((row) => row >= 100 - rows && row < 100))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('of another dataset leave the own one whole', () => {
    const job = jobOf({ heldOut: { dataset: digest('others'), rows: 30 } })
    assert.deepEqual(rowSpan(job, 1_000), { first: 0, count: 1_000 })
    assert.deepEqual(rowSpan(evaluationJob(job), 50), { first: 20, count: 30 })
    assert.equal(evaluationJob(job).dataset, digest('others'))
  })

  it('are drawn 1,024 at most', () => {
    const job = jobOf({ heldOut: { dataset: dataset.root, rows: 5_000 } })
    const { batch, steps, lastRows } = evaluationJob(job)
    assert.deepEqual([batch, steps, lastRows], [1_024, 1, 5_000])
    const first = batchRows(batchPlan(evaluationJob(job), digest('a'), 60_000), 0)
    const second = batchRows(batchPlan(evaluationJob(job), digest('b'), 60_000), 0)
    assert.notDeepEqual(first, second)
  })

  it('are part of the job and of its name; without them nothing changes', () => {
    const plain = jobOf()
    const job = jobOf({ heldOut })
    assert.notEqual(jobIdOf(plain), jobIdOf(job))
    assert.equal(encodeJob(job).length, encodeJob(plain).length + 37)
    for (const one of [plain, job, evaluationJob(job), { ...job, lastRows: 3 }])
      assert.deepEqual(decodeJob(encodeJob(one)), { ok: true, value: one })
    const bytes = encodeJob(job)
    const tagged = (tag: number, rows: number) =>
      decodeJob(Uint8Array.of(...encodeJob(plain), tag, 0, 0, 0, rows)).ok
    assert.deepEqual([tagged(2, 1), tagged(2, 0), tagged(3, 1)], [true, false, false])
    const twice = Uint8Array.of(...bytes, ...bytes.subarray(-37))
    assert.equal(decodeJob(twice).ok, false)
  })

  it('are refused where there are too few, of other shapes, or more than can be proven', async () => {
    const world = await startedWorld(stakes)
    const other = { ...dataset, root: digest('wide'), features: 9 }
    assert.ok((await registerDataset(world, other)).ok)
    const opened = async (changes: Partial<Job>) => code((await open(world, changes)).opened)
    const rows = (n: number) => ({ heldOut: { dataset: dataset.root, rows: n } })
    assert.equal(await opened(rows(0)), 'jobs/outOfRange')
    assert.equal(await opened(rows(997)), 'jobs/datasetMismatch')
    assert.equal(await opened(rows(2_000)), 'jobs/datasetMismatch')
    assert.equal(
      await opened({ heldOut: { dataset: other.root, rows: 5 } }),
      'jobs/datasetMismatch',
    )
    const nobodys = { dataset: digest('nobody knows'), rows: 5 }
    assert.equal(await opened({ heldOut: nobodys }), 'jobs/unknownDataset')
    // One fractional bit: a gradient over 100 rows exceeds what an update may, over 4 it does not.
    assert.equal(await opened({ fractionBits: 1, ...rows(100) }), 'jobs/wraps')
    assert.equal(await opened({ fractionBits: 1, ...rows(4) }), 'accepted')
    const capped = { ...testParams, replayMacsCap: 16n * stepMacs(jobOf()) }
    assert.ok(admitJob(jobOf({ heldOut: { ...heldOut, rows: 64 } }), capped).ok)
    assert.equal(admitJob(jobOf({ heldOut: { ...heldOut, rows: 65 } }), capped).ok, false)
    assert.equal(await opened(rows(996)), 'accepted')
  })
})

describe('an evaluation', () => {
  it('is the last lease: seeded after the weights are fixed, paid by its work, and then the job ends', async () => {
    const { world, job, id, wei } = await trained()
    const before = (await readJob(world, id))!.state
    assert.deepEqual([before.status, before.evaluationSeed], [JobStatus.Active, zeroHash])
    assert.equal(await readModel(world, id), null)
    await blocks(world, 4n, 6n)
    const { state } = (await readJob(world, id))!
    assert.equal(state.evaluationSeed, digest('beacon 5'))
    assert.equal(state.seed, digest('beacon 2'))
    const holder = (await holderAt(world, id, 5n))!
    const settled = await certify(world, testParams, evaluation(id), holder, proposer, 6n)
    assert.ok(settled.ok)
    const found = { dataset: dataset.root, rows: 100, loss: 77n, worker: holder, height: 6n }
    const { fee, ended } = settled.value
    assert.deepEqual(settled.value.evaluation, found)
    assert.deepEqual(await readEvaluation(world, id), found)
    assert.equal(ended, JobStatus.Finished)
    const { job: work, range } = leaseWork(job, 1)
    assert.deepEqual([work.batch, range], [100, 0])
    assert.equal(fee, stepMacs(work) * job.pricePerMac + testParams.certificateFee)
    assert.equal(leaseFee(job, 0, testParams) + fee, totalFee(job, testParams))
    assert.equal(await world.purse.balance(moduleAddresses.jobs), 0n)
    const burned = [leaseFee(job, 0, testParams), fee].map(splitFee)
    const others = burned.reduce((sum, { burned, custody }) => sum + burned + custody, 0n)
    const paid = [1, 2, 3].map(account).concat(proposer, dataset.owner)
    const balances = await Promise.all(paid.map((one) => world.purse.balance(one)))
    assert.equal(balances.reduce((a, b) => a + b) + others, wei - testParams.openFee)
    const model = (await readModel(world, id))!
    assert.deepEqual([model.weights, model.commitment], [digest('weights'), digest('trained')])
  })

  it('is refused of other weights, with another number of losses, twice, or from who does not hold it', async () => {
    const { world, id } = await trained()
    await blocks(world, 4n, 6n)
    const holder = (await holderAt(world, id, 5n))!
    const other = [1, 2, 3].map(account).find((one) => one !== holder)!
    const settle = async (changes: object, worker = holder) =>
      code(
        await certify(world, testParams, { ...evaluation(id), ...changes }, worker, proposer, 6n),
      )
    assert.equal(await settle({ before: digest('better') }), 'jobs/otherWeights')
    assert.equal(await settle({ weights: digest('better') }), 'jobs/otherWeights')
    assert.equal(await settle({ losses: [] }), 'jobs/lossCount')
    assert.equal(await settle({ losses: [1n, 1n] }), 'jobs/lossCount')
    assert.equal(await settle({ range: 0 }), 'jobs/otherRange')
    assert.equal(await settle({ range: 2 }), 'jobs/otherRange')
    assert.equal(await settle({ custodians: 1n }), 'jobs/custody')
    assert.equal(await settle({}, other), 'jobs/notHolder')
    assert.equal(await settle({}), 'accepted')
    assert.equal(await settle({}), 'jobs/notRunning')
  })

  it('keeps its rows when its holder declines', async () => {
    const { world, id } = await trained()
    await blocks(world, 4n, 6n)
    const holder = (await holderAt(world, id, 5n))!
    assert.ok((await declineLease(world, testParams, id, holder, 6n)).ok)
    await blocks(world, 7n, 9n)
    const { state } = (await readJob(world, id))!
    assert.equal(state.evaluationSeed, digest('beacon 5'))
    assert.notEqual(await holderAt(world, id, 8n), holder)
  })

  it('needs no custodians in proven jobs either, and is not cancelled', async () => {
    const job = jobOf({ heldOut, proofKind: ProofKind.StepProof, steps: 16 })
    const world = await startedWorld(stakes)
    const lease = { job: jobIdOf(job), attempt: 0, start: 3n, end: 9n, holder: null, able: [] }
    await blocks(world, 1n, 2n)
    const custody = (range: number) => custodyOf(world, testParams, job, { ...lease, range }, 2n)
    assert.notEqual(await custody(0), null)
    assert.equal(await custody(1), null)
    assert.ok(leaseBlocks(job, testParams, 1) >= 9n)
    const { world: running, id } = await trained()
    assert.equal(code(await cancelJob(running, testParams, id, job.owner, 4n)), 'jobs/notRunning')
  })

  it('is left out where the owner asked for the end during the last range', async () => {
    const world = await startedWorld(stakes)
    const { job, opened } = await open(world)
    assert.ok(opened.ok)
    const id = opened.value
    await blocks(world, 1n, 3n)
    assert.ok((await cancelJob(world, testParams, id, job.owner, 3n)).ok)
    const holder = (await holderAt(world, id, 2n))!
    const settled = await certify(world, testParams, training(id), holder, proposer, 3n)
    assert.ok(settled.ok)
    assert.equal(settled.value.ended, JobStatus.Finished)
    assert.equal(settled.value.refund, leaseFee(job, 1, testParams))
    assert.equal(await readEvaluation(world, id), null)
  })

  it('is given up after four attempts: the model is registered without it', async () => {
    const { world, job, id } = await trained()
    const record = (await readJob(world, id))!
    const last = attemptStart(record, testParams, evaluationAttempts)
    const conclude = (height: bigint, of = id) =>
      concludeJob(world, testParams, of, account(600), height)
    await blocks(world, 4n, last)
    assert.equal(code(await conclude(last - 1n)), 'jobs/tooEarly')
    assert.equal(code(await conclude(last, digest('none'))), 'jobs/unknown')
    const ended = await conclude(last)
    assert.ok(ended.ok)
    const { misses, refund } = ended.value
    assert.equal(misses.length, 2)
    const penalties = misses.reduce((sum, one) => sum + one.penalty, 0n)
    assert.ok(penalties > 0n && refund > leaseFee(job, 1, testParams))
    assert.equal((await readJob(world, id))!.state.status, JobStatus.Finished)
    assert.equal(await readEvaluation(world, id), null)
    assert.equal((await readModel(world, id))!.weights, digest('weights'))
    assert.equal(code(await conclude(last)), 'jobs/notRunning')
  })

  it('ends no job that trains', async () => {
    const world = await startedWorld(stakes)
    const { opened } = await open(world)
    assert.ok(opened.ok)
    await blocks(world, 1n, 900n)
    const verdict = await concludeJob(world, testParams, opened.value, account(600), 900n)
    assert.equal(code(verdict), 'jobs/notRunning')
  })
})
