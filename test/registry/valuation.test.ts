import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import {
  collectionAt,
  collectionCount,
  type Founding,
  foundCollection,
  joinCollection,
  readCollection,
} from '../../registry/collections.ts'
import { concludeJob } from '../../registry/conclude.ts'
import { type Dataset, readDataset, registerDataset } from '../../registry/datasets.ts'
import { mayTrain, setDatasetTerms } from '../../registry/datasetTerms.ts'
import { shareByValue } from '../../registry/dataValue.ts'
import { evaluationAttempts, isEvaluation, leaseWork } from '../../registry/evaluation.ts'
import { splitFee } from '../../registry/formulas.ts'
import { rangeSteps } from '../../registry/job.ts'
import { cancelJob, jobCost, openJob, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { jointName } from '../../registry/jointName.ts'
import { slotOf } from '../../registry/layout.ts'
import { attemptStart, nextLease } from '../../registry/schedule.ts'
import { certify } from '../../registry/settlement.ts'
import { barredFrom } from '../../registry/trials.ts'
import { openTrial, trialCost, trialsOf, valueCollection } from '../../registry/valuation.ts'
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

const params = { ...testParams, maxActiveJobs: 256 }
const stakes = [1_000_000n, 1_000_000n, 2_000_000n, 1_000_000n]
/** Validator 2 owns the first dataset; the others' owners are nobody's keys. */
const owners = [account(2), account(902), account(903)] as const
const customer = account(801)
const price = 1_000_000_000n

type Verdict = { readonly ok: boolean; readonly fault?: { readonly code: string } }
const code = (verdict: Verdict) => (verdict.ok ? 'accepted' : verdict.fault!.code)

const data = (n: number, changes: Partial<Dataset> = {}): Dataset => ({
  ...dataset,
  root: digest(`data ${n}`),
  blob: digest(`blob ${n}`),
  rows: 100 * (n + 1),
  owner: owners[n]!,
  ...changes,
})
const roots = owners.map((_, n) => data(n).root)

/** Judged on the last rows of `dataset`, which account 900 owns. */
const founding = (changes: Partial<Founding> = {}): Founding => {
  const { owner, nonce, ...trial } = jobOf({ steps: 16, dataset: zeroHash })
  const heldOut = { dataset: dataset.root, rows: 50 }
  return {
    title: 'three',
    trial: { ...trial, heldOut, owner: owners[0], nonce: 0n },
    datasets: roots,
    rounds: 8,
    ...changes,
  }
}

async function registered(): Promise<TestWorld> {
  const world = await startedWorld(stakes)
  for (const n of roots.keys()) assert.ok((await registerDataset(world, data(n))).ok)
  return world
}

const found = (world: TestWorld, changes: Partial<Founding> = {}, height = 1n) =>
  foundCollection(world, params, founding(changes), height)

/** A collection that all owners have agreed on in block 1, and whose subsets are drawn. */
async function agreed(): Promise<{ readonly world: TestWorld; readonly name: Hash }> {
  const world = await registered()
  await startBlock(world, 1n, stakes.length)
  const name = await found(world)
  assert.ok(name.ok)
  for (const n of [1, 2])
    assert.ok((await joinCollection(world, name.value, roots[n]!, owners[n]!, 1n)).ok)
  for (const height of [2n, 3n]) await startBlock(world, height, stakes.length)
  return { world, name: name.value }
}

async function tryOut(
  world: TestWorld,
  collection: Hash,
  subset: number,
  height: bigint,
  owner: Address = customer,
) {
  const wei = (await trialCost(world, params, collection, price)) + params.openFee
  world.mint(moduleAddresses.jobs, wei)
  const order = { collection, subset, owner, pricePerMac: price }
  return openTrial(world, params, order, wei, height)
}

/** Certify the running lease of a job as whoever holds it; an evaluation finds `loss`. */
async function settle(world: TestWorld, id: Hash, height: bigint, loss: bigint) {
  const record = (await readJob(world, id))!
  const { holder } = (await nextLease(world, params, record, height - 1n))!
  const work = leaseWork(record.job, record.state.range)
  const { count } = rangeSteps(work.job, work.range)
  const evaluates = isEvaluation(record.job, record.state.range)
  const claim = {
    job: id,
    range: record.state.range,
    before: record.state.commitment,
    after: digest(`after ${id} ${record.state.range}`),
    weights: evaluates ? record.state.weights : digest(`weights ${id}`),
    losses: Array.from({ length: count }, () => loss),
    custodians: 0n,
  }
  const settled = await certify(world, params, claim, holder!, account(700), height)
  assert.ok(settled.ok, code(settled))
  return { ...settled.value, holder: holder! }
}

/** Loss of each subset: `gains` of those in it, less for each that is there already. */
function lossOf(subset: number, gains: readonly bigint[]): bigint {
  const good = gains.reduce((sum, gain, i) => sum + ((subset >> i) & 1 ? gain : 0n), 0n)
  return 4_000_000n / (1n + good)
}

/** Train and evaluate all trials, from block 4 on; returns the height after them. */
async function tryAll(world: TestWorld, name: Hash, gains: readonly bigint[]): Promise<bigint> {
  const trials = await trialsOf(world, name, 3n)
  const jobs = new Map<number, Hash>()
  for (const { subset } of trials) {
    const opened = await tryOut(world, name, subset, 3n)
    assert.ok(opened.ok, code(opened))
    jobs.set(subset, opened.value.id)
  }
  for (const height of [4n, 5n, 6n]) await startBlock(world, height, stakes.length)
  for (const id of jobs.values()) await settle(world, id, 6n, 5n)
  for (const height of [7n, 8n, 9n]) await startBlock(world, height, stakes.length)
  for (const [subset, id] of jobs) {
    const { holder, evaluation } = await settle(world, id, 9n, lossOf(subset, gains))
    assert.equal(evaluation?.rows, 50)
    assert.notEqual(holder, owners[0], 'an owner evaluated its own dataset')
  }
  await startBlock(world, 10n, stakes.length)
  return 10n
}

describe('a collection', () => {
  it('is agreed on when all owners have joined; the founder’s own datasets have', async () => {
    const world = await registered()
    const name = await found(world)
    assert.ok(name.ok)
    const before = await readCollection(world, name.value)
    assert.deepEqual([before?.joined, before?.agreedAt, before?.values], [1, 0n, []])
    const join = (n: number, by: number, height: bigint) =>
      joinCollection(world, name.value, roots[n]!, owners[by]!, height)
    assert.equal(code(await join(1, 2, 5n)), 'registry/notOwner')
    assert.equal(code(await join(1, 1, 5n)), 'accepted')
    assert.equal(code(await join(1, 1, 6n)), 'accepted')
    assert.equal((await readCollection(world, name.value))?.agreedAt, 0n)
    assert.equal(code(await join(2, 2, 7n)), 'accepted')
    assert.equal((await readCollection(world, name.value))?.agreedAt, 7n)
    assert.equal(code(await join(2, 2, 8n)), 'registry/alreadyAgreed')
    const unknown = await joinCollection(world, digest('none'), roots[0]!, owners[0], 8n)
    assert.equal(code(unknown), 'registry/unknown')
    const other = await joinCollection(world, name.value, dataset.root, account(900), 8n)
    assert.equal(code(other), 'registry/unknown')
    assert.deepEqual([await collectionCount(world), await collectionAt(world, 0)], [1, name.value])
  })

  it('is a dataset of all its rows, whose name follows from its parts', async () => {
    const { world, name } = await agreed()
    const joint = (await readDataset(world, name))!
    assert.deepEqual([joint.rows, joint.features, joint.classes], [600, 8, 3])
    assert.deepEqual(
      joint.joint?.parts.map(({ root }) => root),
      roots,
    )
    const { salt, parts } = joint.joint!
    assert.equal(jointName(salt, parts), name)
    assert.notEqual(jointName(salt, parts.toReversed()), name)
    assert.notEqual(jointName(digest('salt'), parts), name)
    // The same founding again is another collection.
    const again = await found(world)
    assert.ok(again.ok && again.value !== name)
  })

  it('has 2 to 8 datasets, each once, alike, known, and judged by none of them', async () => {
    const world = await registered()
    const refused = async (changes: Partial<Founding>, expected: string) =>
      assert.equal(code(await found(world, changes)), expected, expected)
    await refused({ datasets: roots.slice(0, 1) }, 'registry/badShape')
    await refused({ datasets: Array.from({ length: 9 }, () => roots[0]!) }, 'registry/badShape')
    await refused({ datasets: [roots[0]!, roots[0]!] }, 'registry/twice')
    await refused({ datasets: [roots[0]!, digest('none')] }, 'registry/unknown')
    await refused({ datasets: [...roots, dataset.root] }, 'registry/twice')
    await refused({ rounds: 7 }, 'registry/badShape')
    await refused({ rounds: 257 }, 'registry/badShape')
    const { trial } = founding()
    const heldOut = (root: Hash, rows: number) => ({
      trial: { ...trial, heldOut: { dataset: root, rows } },
    })
    await refused(heldOut(digest('none'), 50), 'registry/unknown')
    await refused(heldOut(dataset.root, 1_001), 'registry/badShape')
    await refused(heldOut(dataset.root, 0), 'jobs/outOfRange')
    await refused({ trial: { ...trial, dataset: roots[0]! } }, 'registry/badShape')
    await refused({ trial: { ...trial, layers: [9, 6, 3] } }, 'registry/badShape')
    await refused({ trial: { ...trial, layers: [8, 6, 2] } }, 'registry/badShape')
    // The smallest is trained on alone, too.
    await refused({ trial: { ...trial, batch: 101 } }, 'registry/badShape')
    await refused({ trial: { ...trial, initBound: 0 } }, 'jobs/outOfRange')
    const odd = data(0, { root: digest('odd'), classes: 2 })
    assert.ok((await registerDataset(world, odd)).ok)
    await refused({ datasets: [...roots, odd.root] }, 'registry/badShape')
    const name = await found(world)
    assert.ok(name.ok)
    await refused({ datasets: [roots[0]!, name.value] }, 'registry/unknown')
  })
})

describe('trials', () => {
  it('are of the subsets that the beacon drew two blocks after the agreement', async () => {
    const world = await registered()
    const name = await found(world)
    assert.ok(name.ok)
    assert.equal(code(await tryOut(world, name.value, 1, 1n)), 'jobs/notAgreed')
    const none = { collection: digest('none'), subset: 1, owner: customer, pricePerMac: price }
    assert.equal(code(await openTrial(world, params, none, 0n, 1n)), 'jobs/notAgreed')
    for (const n of [1, 2]) await joinCollection(world, name.value, roots[n]!, owners[n]!, 1n)
    assert.equal(code(await tryOut(world, name.value, 1, 2n)), 'jobs/tooEarly')
    assert.deepEqual(await trialsOf(world, name.value, 2n), [])
    for (const height of [1n, 2n, 3n]) await startBlock(world, height, stakes.length)
    const subsets = (await trialsOf(world, name.value, 3n)).map(({ subset }) => subset)
    assert.deepEqual(subsets, [1, 2, 3, 4, 5, 6, 7])
    assert.equal(code(await tryOut(world, name.value, 0, 3n)), 'jobs/notDrawn')
    assert.equal(code(await tryOut(world, name.value, 8, 3n)), 'jobs/notDrawn')
    const cheap = { collection: name.value, subset: 1, owner: customer, pricePerMac: price - 1n }
    assert.equal(code(await openTrial(world, params, cheap, 0n, 3n)), 'jobs/outOfRange')
    // Beacons are forgotten; one that a trial was opened by is kept.
    const late = 3n + 8_192n
    assert.equal(code(await tryOut(world, name.value, 1, late)), 'jobs/lapsed')
    assert.equal(code(await tryOut(world, name.value, 1, 3n)), 'accepted')
    assert.equal(code(await tryOut(world, name.value, 2, late)), 'accepted')
  })

  it('are jobs alike, of the datasets in the subset, held by none of their owners', async () => {
    const { world, name } = await agreed()
    const opened = await tryOut(world, name, 5, 3n)
    assert.ok(opened.ok)
    const { job, state } = (await readJob(world, opened.value.id))!
    const rows = (await readDataset(world, job.dataset))!
    assert.deepEqual(
      rows.joint?.parts.map(({ root }) => root),
      [roots[0], roots[2]],
    )
    assert.deepEqual([job.owner, job.steps, job.heldOut?.rows], [customer, 16, 50])
    assert.equal(state.status, JobStatus.Active)
    assert.deepEqual(await barredFrom(world, opened.value.id), [...owners, account(900)])
    const at = attemptStart((await readJob(world, opened.value.id))!, params, 2)
    for (let height = 4n; height <= at; height++) await startBlock(world, height, stakes.length)
    const lease = (await nextLease(world, params, (await readJob(world, opened.value.id))!, at))!
    assert.deepEqual([...lease.able].sort(), [account(1), account(3), account(4)])
  })

  it('are opened once, and again where one ended without telling anything', async () => {
    const { world, name } = await agreed()
    const first = await tryOut(world, name, 3, 3n)
    assert.ok(first.ok)
    const { id } = first.value
    assert.equal(code(await tryOut(world, name, 3, 3n)), 'jobs/tried')
    assert.equal(code(await cancelJob(world, params, id, customer, 3n)), 'jobs/isTrial')
    const record = (await readJob(world, id))!
    const stale = attemptStart(record, params, evaluationAttempts)
    for (let height = 4n; height <= stale; height++) await startBlock(world, height, stakes.length)
    assert.equal(code(await tryOut(world, name, 3, stale - 1n)), 'jobs/tried')
    assert.equal(code(await cancelJob(world, params, id, customer, stale - 1n)), 'jobs/isTrial')
    assert.equal(code(await cancelJob(world, params, id, customer, stale)), 'accepted')
    const second = await tryOut(world, name, 3, stale)
    assert.ok(second.ok && second.value.id !== id)
    // Its evaluation passes without anybody; then a third is taken.
    const trained = stale + 3n
    for (let height = stale + 1n; height <= trained; height++)
      await startBlock(world, height, stakes.length)
    await settle(world, second.value.id, trained, 5n)
    const waits = (await readJob(world, second.value.id))!
    const end = attemptStart(waits, params, evaluationAttempts)
    for (let height = trained + 1n; height <= end; height++)
      await startBlock(world, height, stakes.length)
    assert.ok((await concludeJob(world, params, second.value.id, account(5), end)).ok)
    assert.equal(code(await tryOut(world, name, 3, end)), 'accepted')
    // Another try has no other luck.
    const [again, once] = [await readJob(world, second.value.id), await readJob(world, id)]
    assert.equal(again?.state.seed, once?.state.seed)
    assert.equal(once?.state.seed, digest('beacon 3'))
  })

  it('burn the datasets’ part, and ask no price for the rows of who agreed', async () => {
    const { world, name } = await agreed()
    const terms = { rowPrice: 7n, licence: '', listedOnly: true }
    assert.ok((await setDatasetTerms(world, roots[0]!, terms, owners[0])).ok)
    const opened = await tryOut(world, name, 1, 3n)
    assert.ok(opened.ok)
    const before = owners.map((owner) => world.balances.get(owner) ?? 0n)
    for (const height of [4n, 5n, 6n]) await startBlock(world, height, stakes.length)
    const { shares, charge } = await settle(world, opened.value.id, 6n, 5n)
    assert.deepEqual([shares, charge.total], [[], 0n])
    assert.deepEqual(
      owners.map((owner) => world.balances.get(owner) ?? 0n),
      before,
    )
  })
})

describe('a valuation', () => {
  it('is worked out of the losses of all trials, once', async () => {
    const { world, name } = await agreed()
    assert.equal(code(await valueCollection(world, name, 3n)), 'registry/notTried')
    const height = await tryAll(world, name, [30n, 20n, 0n])
    const values = await valueCollection(world, name, height)
    assert.ok(values.ok)
    assert.ok(values.value[0]! > values.value[1]! && values.value[1]! > 0n)
    // What adds nothing is worth nothing.
    assert.equal(values.value[2], 0n)
    assert.equal(code(await valueCollection(world, name, height)), 'registry/alreadyValued')
    const collection = await readCollection(world, name)
    assert.deepEqual([collection?.valuedAt, collection?.values], [height, values.value])
    assert.equal(code(await valueCollection(world, digest('none'), 3n)), 'registry/notAgreed')
  })

  it('decides who is paid by jobs over the collection, to the wei', async () => {
    const { world, name } = await agreed()
    const height = await tryAll(world, name, [30n, 20n, 0n])
    const job = jobOf({ owner: customer, nonce: 7n, dataset: name, steps: 16 })
    const open = async (wei: bigint) => {
      world.mint(moduleAddresses.jobs, wei)
      return openJob(world, params, job, wei, height)
    }
    assert.equal(code(await open(totalFee(job, params) + params.openFee)), 'jobs/notValued')
    const values = await valueCollection(world, name, height)
    assert.ok(values.ok)
    const opened = await open(totalFee(job, params) + params.openFee)
    assert.ok(opened.ok, code(opened))
    assert.deepEqual(await barredFrom(world, opened.value), [])
    for (const at of [1n, 2n, 3n]) await startBlock(world, height + at, stakes.length)
    const before = owners.map((owner) => world.balances.get(owner) ?? 0n)
    const supply = world.supply()
    const burned = await world.treasury.get(slotOf('burned'))
    const { shares, fee, holder } = await settle(world, opened.value, height + 3n, 5n)
    const expected = shareByValue(splitFee(fee).dataset, values.value)
    assert.deepEqual(
      shares.map(({ wei }) => wei),
      expected,
    )
    for (const [i, owner] of owners.entries()) {
      const worked = owner === holder ? splitFee(fee).worker : 0n
      assert.equal((world.balances.get(owner) ?? 0n) - before[i]!, expected[i]! + worked)
    }
    const now = await world.treasury.get(slotOf('burned'))
    assert.equal(world.supply() - supply, burned - now)
  })

  it('asks rows of their owners at their price, by length, and honours their lists', async () => {
    const { world, name } = await agreed()
    const height = await tryAll(world, name, [30n, 20n, 10n])
    assert.ok((await valueCollection(world, name, height)).ok)
    const terms = { rowPrice: 7n, licence: '', listedOnly: false }
    assert.ok((await setDatasetTerms(world, roots[1]!, terms, owners[1])).ok)
    const job = jobOf({ owner: customer, nonce: 7n, dataset: name, steps: 16 })
    // 64 rows are drawn, a third of them counted as the second's.
    const cost = await jobCost(world, params, job)
    assert.equal(cost - totalFee(job, params), 21n * 7n)
    const open = async (changes: object) => {
      const wei = cost + params.openFee
      world.mint(moduleAddresses.jobs, wei)
      return openJob(world, params, { ...job, ...changes }, wei, height)
    }
    assert.equal(code(await open({ heldOut: { dataset: name, rows: 5 } })), 'jobs/datasetMismatch')
    const own = { dataset: dataset.root, heldOut: { dataset: name, rows: 5 } }
    assert.equal(code(await open(own)), 'jobs/datasetMismatch')
    const opened = await open({})
    assert.ok(opened.ok)
    for (const at of [1n, 2n, 3n]) await startBlock(world, height + at, stakes.length)
    const { charge } = await settle(world, opened.value, height + 3n, 5n)
    assert.deepEqual(
      charge.data.map(({ rows, wei }) => [rows, wei]),
      [
        [10, 0n],
        [21, 147n],
        [32, 0n],
      ],
    )
    assert.equal((await readJob(world, opened.value))?.state.escrow, 0n)
    const listed = { ...terms, listedOnly: true }
    assert.ok((await setDatasetTerms(world, roots[1]!, listed, owners[1])).ok)
    assert.equal(code(await open({ nonce: 8n })), 'jobs/notAllowed')
    const joint = (await readDataset(world, name))!
    assert.equal(await mayTrain(world, joint, customer), false)
    assert.equal(await mayTrain(world, joint, owners[1]), true)
  })

  it('never makes or loses coin, whatever the losses', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt(0n, 60n), { minLength: 3, maxLength: 3 }),
        async (gains) => {
          const { world, name } = await agreed()
          const height = await tryAll(world, name, gains)
          const values = await valueCollection(world, name, height)
          assert.ok(values.ok)
          assert.ok(
            values.value.every((value, i) => value >= 0n && (gains[i]! > 0n || value === 0n)),
          )
          // All escrows are spent or returned: the module keeps nothing.
          assert.equal(world.balances.get(moduleAddresses.jobs) ?? 0n, 0n)
        },
      ),
      { numRuns: 5 },
    )
  })
})
