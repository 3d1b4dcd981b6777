import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Hash } from '../../primitives/hash.ts'
import { registerDataset } from '../../registry/datasets.ts'
import { allowAccount, setDatasetTerms } from '../../registry/datasetTerms.ts'
import { isEvaluation } from '../../registry/evaluation.ts'
import { decodeJob, encodeJob, type Job, ProofKind, rangeSteps } from '../../registry/job.ts'
import { cancelJob, jobCost, openJob, totalFee } from '../../registry/jobBook.ts'
import { readCharges } from '../../registry/jobCharges.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { leaseFee } from '../../registry/misses.ts'
import { readModel } from '../../registry/models.ts'
import { readModelTerms, setModelTerms } from '../../registry/modelTerms.ts'
import { nextLease } from '../../registry/schedule.ts'
import { certify } from '../../registry/settlement.ts'
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
const others = { ...dataset, root: digest('others'), owner: account(901) }

const code = (verdict: { readonly ok: boolean; readonly fault?: { readonly code: string } }) =>
  verdict.ok ? 'accepted' : verdict.fault!.code

/** A world at a height, and what the tests do with it. */
async function setUp() {
  const world = await startedWorld(stakes)
  assert.ok((await registerDataset(world, others)).ok)
  let height = 0n
  const price = (rowPrice: bigint, listedOnly = false, of = dataset) =>
    setDatasetTerms(world, of.root, { rowPrice, licence: 'MIT', listedOnly }, of.owner)

  async function open(changes: Partial<Job> = {}, extra = 0n) {
    const job = jobOf({ steps: 24, ...changes })
    const wei = (await jobCost(world, testParams, job)) + testParams.openFee + extra
    world.mint(moduleAddresses.jobs, wei)
    const opened = await openJob(world, testParams, job, wei, height)
    // As the machine does: a refusal undoes the call.
    if (!opened.ok) world.mint(moduleAddresses.jobs, -wei)
    return { job, wei, opened }
  }

  /** Settle the running lease of `id` by whoever holds it. */
  async function settle(id: Hash) {
    for (let i = 0; i < 3; i++) await startBlock(world, ++height, stakes.length)
    const record = (await readJob(world, id))!
    const { range, commitment, weights } = record.state
    const holder = (await nextLease(world, testParams, record, height - 1n))!.holder!
    const evaluates = isEvaluation(record.job, range)
    const { count } = evaluates ? { count: 1 } : rangeSteps(record.job, range)
    const claim = {
      job: id,
      range,
      before: commitment,
      after: digest(`after ${id} ${range}`),
      weights: evaluates ? weights : digest(`weights ${id} ${range}`),
      losses: Array.from({ length: count }, () => 5n),
      custodians: 0n,
    }
    const settled = await certify(world, testParams, claim, holder, account(700), height)
    assert.ok(settled.ok, code(settled))
    return settled.value
  }

  /** Open a job and train it to its end; its name. */
  async function train(changes: Partial<Job> = {}): Promise<Hash> {
    const { opened } = await open(changes)
    assert.ok(opened.ok, code(opened))
    while ((await settle(opened.value)).ended === null);
    return opened.value
  }

  const royalty = (model: Hash, royaltyBasisPoints: number, owner = account(800)) =>
    setModelTerms(world, model, { price: 0n, royaltyBasisPoints, licence: '' }, owner)
  const held = () => world.balances.get(moduleAddresses.jobs) ?? 0n
  return { world, price, open, settle, train, royalty, held, height: () => height }
}

const balance = (world: TestWorld, n: number) => world.balances.get(account(n)) ?? 0n

describe('rows with a price', () => {
  it('are paid to their owner as leases settle, on top of its part of the fee', async () => {
    const { world, price, open, settle, held } = await setUp()
    await price(1_000n)
    const { job, opened, wei } = await open()
    assert.ok(opened.ok)
    assert.equal(wei, totalFee(job, testParams) + 24n * 4n * 1_000n + testParams.openFee)
    const first = await settle(opened.value)
    const part = (leaseFee(job, 0, testParams) * 15n) / 100n
    const paid = { dataset: job.dataset, rows: 64, wei: 64_000n, owner: account(900) }
    assert.deepEqual(first.charge.data, [paid])
    assert.equal(balance(world, 900), part + 64_000n)
    await settle(opened.value)
    const rest = (leaseFee(job, 1, testParams) * 15n) / 100n
    assert.equal(balance(world, 900), part + rest + 96_000n)
    assert.equal(held(), 0n)
  })

  it('of an evaluation are paid to the owner of the held-out ones', async () => {
    const { world, price, train } = await setUp()
    await price(0n)
    await price(3n, false, others)
    await train({ steps: 16, heldOut: { dataset: others.root, rows: 50 } })
    assert.equal(balance(world, 901), 150n)
  })

  it('keep their price for jobs that are open', async () => {
    const { price, open, settle } = await setUp()
    await price(10n)
    const { opened } = await open()
    assert.ok(opened.ok)
    await price(10_000n)
    assert.equal((await settle(opened.value)).charge.data[0]!.wei, 640n)
    // Who has not seen the new price pays too little for it.
    const stale = await open({ nonce: 1n }, -1n)
    assert.equal(code(stale.opened), 'jobs/wrongEscrow')
  })

  it('come back when the job is cancelled, less 1 %, as the rest of the escrow', async () => {
    const { world, price, open, settle, height, held } = await setUp()
    await price(10n)
    const { opened } = await open()
    assert.ok(opened.ok)
    await settle(opened.value)
    const left = (await readJob(world, opened.value))!.state.escrow
    await cancelJob(world, testParams, opened.value, account(800), height())
    const last = await settle(opened.value)
    assert.equal(last.ended, JobStatus.Finished)
    assert.equal(left, last.fee + last.charge.total)
    assert.equal(held(), 0n)

    const second = await open({ nonce: 1n, steps: 48 })
    assert.ok(second.opened.ok)
    await cancelJob(world, testParams, second.opened.value, account(800), height())
    const settled = await settle(second.opened.value)
    const rest = second.wei - testParams.openFee - settled.fee - settled.charge.total
    assert.deepEqual([settled.ended, settled.refund], [JobStatus.Cancelled, (rest * 99n) / 100n])
  })

  it('are for listed accounts where the owner says so: training and evaluation alike', async () => {
    const { world, price, open } = await setUp()
    await price(0n, true)
    assert.equal(code((await open()).opened), 'jobs/notAllowed')
    assert.equal(code((await open({ owner: dataset.owner })).opened), 'accepted')
    await allowAccount(world, dataset.root, account(800), true, dataset.owner)
    await price(0n, true, others)
    const heldOut = { dataset: others.root, rows: 10 }
    assert.equal(code((await open({ heldOut })).opened), 'jobs/notAllowed')
    assert.equal(code((await open()).opened), 'accepted')
  })
})

describe('a job that starts from a model', () => {
  it('begins with its weights and pays its owner on top of every lease', async () => {
    const { world, open, train, settle, royalty, held } = await setUp()
    const base = await train()
    await royalty(base, 500)
    const { job, wei, opened } = await open({ nonce: 1n, owner: account(801), base })
    assert.ok(opened.ok)
    const fees = [0, 1].map((range) => leaseFee(job, range, testParams))
    const shares = fees.map((fee) => (fee * 5n) / 100n)
    assert.equal(wei, totalFee(job, testParams) + shares[0]! + shares[1]! + testParams.openFee)
    const model = (await readModel(world, base))!
    const { state } = (await readJob(world, opened.value))!
    assert.deepEqual([state.commitment, state.weights], [model.commitment, model.weights])

    const before = balance(world, 800)
    const { charge } = await settle(opened.value)
    assert.deepEqual(charge.royalties, [{ model: base, owner: account(800), wei: shares[0]! }])
    assert.equal(balance(world, 800) - before, shares[0])
    await settle(opened.value)
    assert.equal((await readModel(world, opened.value))!.parent, base)
    assert.equal(model.parent, null)
    assert.equal(held(), 0n)
  })

  it('must certify from those very weights', async () => {
    const { world, open, train, height } = await setUp()
    const base = await train()
    const { opened } = await open({ nonce: 1n, base })
    assert.ok(opened.ok)
    const id = opened.value
    let at = height()
    for (let i = 0; i < 3; i++) await startBlock(world, ++at, stakes.length)
    const record = (await readJob(world, id))!
    const holder = (await nextLease(world, testParams, record, at - 1n))!.holder!
    const [before, after] = [digest('other weights'), digest('after')]
    const losses = Array.from({ length: 16 }, () => 5n)
    const claim = { job: id, range: 0, before, after, weights: after, losses, custodians: 0n }
    const verdict = await certify(world, testParams, claim, holder, account(700), at)
    assert.equal(code(verdict), 'jobs/otherWeights')
  })

  it('has the shape of its base, which is a finished job', async () => {
    const { open, train } = await setUp()
    const base = await train()
    for (const [changes, fault] of [
      [{ layers: [8, 5, 3] }, 'jobs/baseMismatch'],
      [{ layers: [8, 6, 6, 3], forwardShifts: [6, 6, 6] }, 'jobs/baseMismatch'],
      [{ fractionBits: 15 }, 'jobs/baseMismatch'],
      [{ leaseSteps: 8 }, 'jobs/baseMismatch'],
      [{ proofKind: ProofKind.StepProof }, 'jobs/baseMismatch'],
      [{ base: digest('none') }, 'jobs/unknownModel'],
    ] as const) {
      const schedule = Object.hasOwn(changes, 'forwardShifts')
        ? [{ fromStep: 0, updateShifts: [0, 0, 0], backwardShifts: [5, 5] }]
        : jobOf().schedule
      const { opened } = await open({ nonce: 1n, base, schedule, ...changes })
      assert.equal(code(opened), fault, JSON.stringify(changes))
    }
    const running = await open({ nonce: 1n })
    assert.ok(running.opened.ok)
    const early = await open({ nonce: 2n, base: running.opened.value })
    assert.equal(code(early.opened), 'jobs/unknownModel')
  })

  it('pays the eight nearest ancestors that ask, at the rates that their heirs agreed to', async () => {
    const { world, train, royalty } = await setUp()
    const line: Hash[] = []
    for (let i = 0; i < 11; i++) {
      const base = line.at(-1)
      const id = await train({
        nonce: BigInt(i),
        steps: 16,
        ...(base === undefined ? {} : { base }),
      })
      line.push(id)
      // The third asks nothing.
      if (i !== 2) assert.ok((await royalty(id, 100 + i)).ok)
    }
    const paid = async (at: number) =>
      (await readCharges(world, line[at]!)).royalties.map(({ basisPoints }) => basisPoints)
    assert.deepEqual(await paid(0), [])
    assert.deepEqual(await paid(3), [101, 100])
    assert.deepEqual(await paid(10), [109, 108, 107, 106, 105, 104, 103, 101])
    // What the first asks later binds those who start from it, not the heirs of its heirs.
    await royalty(line[0]!, 2_000)
    const heir = await train({ nonce: 11n, steps: 16, base: line[1]! })
    const { royalties } = await readCharges(world, heir)
    assert.deepEqual(
      royalties.map(({ basisPoints }) => basisPoints),
      [101, 100],
    )
  })

  it('is asked no more than a fifth, by the owner of the base alone', async () => {
    const { world, train, royalty } = await setUp()
    const base = await train()
    assert.equal(code(await royalty(base, 2_001)), 'registry/badRoyalty')
    assert.equal(code(await royalty(base, 1, account(1))), 'registry/notOwner')
    assert.equal(code(await royalty(digest('none'), 1)), 'registry/unknown')
    const terms = { price: 1n << 96n, royaltyBasisPoints: 0, licence: '' }
    assert.equal(code(await setModelTerms(world, base, terms, account(800))), 'registry/badPrice')
    assert.equal((await readModelTerms(world, base)).price, 0n)
  })
})

describe('charges', () => {
  it('never overspend the escrow, and create no coin', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 0n, max: 1n << 40n }),
        fc.bigInt({ min: 0n, max: 1n << 40n }),
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 1, max: 40 }),
        fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
        fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
        async (rowPrice, otherPrice, basisPoints, steps, rows, cancelAfter) => {
          const { world, price, open, train, settle, royalty, held, height } = await setUp()
          await price(rowPrice)
          await price(otherPrice, false, others)
          const base = await train({ steps: 16 })
          await royalty(base, basisPoints)
          const heldOut = rows === undefined ? {} : { heldOut: { dataset: others.root, rows } }
          const { wei, opened } = await open({ nonce: 1n, steps, base, ...heldOut })
          assert.ok(opened.ok)
          assert.equal(held(), wei - testParams.openFee)
          for (let done = 0, ended: unknown = null; ended === null; done++) {
            if (done === cancelAfter)
              await cancelJob(world, testParams, opened.value, account(800), height())
            const before = (await readJob(world, opened.value))!.state.escrow
            const settled = await settle(opened.value)
            assert.ok(before >= settled.fee + settled.charge.total)
            ended = settled.ended
          }
          // All that was held is paid out, or came back, or is burned.
          assert.equal(held(), 0n)
          assert.ok([...world.balances.values()].every((left) => left >= 0n))
        },
      ),
      { numRuns: 25 },
    )
  })

  it('are part of the job that others must read: its base is in its name', () => {
    const job = jobOf({ base: digest('base'), heldOut: { dataset: dataset.root, rows: 3 } })
    assert.deepEqual(decodeJob(encodeJob(job)), { ok: true, value: job })
    assert.notDeepEqual(encodeJob(job), encodeJob(jobOf({ heldOut: job.heldOut! })))
  })
})
