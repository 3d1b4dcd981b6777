/**
 * Datasets valued by real work on a real chain: the modules' calls, trials trained and evaluated, each
 * certificate judged before it is included, and a job over the collection that pays by the values.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Abi, encodeFunctionData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { abiSpec } from '../../client/jobWire.ts'
import { datasetFromBytes, encodeHeader, encodeRow, rowLeaves } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { train } from '../../compute/trainingTask.ts'
import { devnetAccount } from '../../node/keysDevnet.ts'
import { createLeaseTraining } from '../../node/leaseTraining.ts'
import { createReplay } from '../../node/replay.ts'
import { createReplayWork } from '../../node/replayWork.ts'
import { encodeCertify, statementOf } from '../../node/statement.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { concatBytes, fromHex, toHex } from '../../primitives/bytes.ts'
import { type Hash, hashOf, zeroHash } from '../../primitives/hash.ts'
import { merkleRoot } from '../../primitives/merkle.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { describeFault } from '../../primitives/result.ts'
import { collectionAt, readCollection } from '../../registry/collections.ts'
import { readDataset } from '../../registry/datasets.ts'
import { shareByValue } from '../../registry/dataValue.ts'
import { leaseSeed, leaseWork } from '../../registry/evaluation.ts'
import { splitFee } from '../../registry/formulas.ts'
import { jobIdOf, ProofKind } from '../../registry/job.ts'
import { jobCost } from '../../registry/jobBook.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { leaseFee } from '../../registry/misses.ts'
import { assignSteps } from '../../registry/schedule.ts'
import { barredFrom } from '../../registry/trials.ts'
import { trialCost, trialsOf } from '../../registry/valuation.ts'
import { type BlobStore, openBlobStore } from '../../storage/blobStore.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { decodeTransaction, type Transaction } from '../../vm/transaction.ts'
import { keysOf, openSealedChain, type SealedChain, sealedGenesis } from './sealedChain.ts'

const [features, classes] = [16, 4] as const
const signal = new AbortController().signal
/** Accounts: the owners of the datasets, of the rows that judge them, and who pays. */
const [owners, judgesOwner, customer] = [[0, 1, 2], 3, 4] as const

/** Rows of four clouds that overlap: many are needed to tell them apart. */
function cloud(count: number, name: string): Uint8Array {
  const where = new SeededRandom('centers', hashOf('centers'))
  const centers = Array.from({ length: classes }, () =>
    Array.from({ length: features }, () => (where.below(2) === 0 ? -18 : 18)),
  )
  const random = new SeededRandom('rows', hashOf(name))
  const rows = Array.from({ length: count }, (_, i) => {
    const label = i % classes
    const values = Int8Array.from(centers[label]!, (at) => at + random.below(201) - 100)
    return encodeRow(values, label)
  })
  return concatBytes(encodeHeader({ rows: count, features, classes }), ...rows)
}

const large = cloud(400, 'large')
const middle = cloud(100, 'middle')
const tiny = cloud(16, 'tiny')
const judging = cloud(256, 'judging')

const rootOf = (blob: Uint8Array): Hash => {
  const dataset = datasetFromBytes(blob)
  assert.ok(dataset.ok)
  return merkleRoot(rowLeaves(dataset.value))
}
const roots = [large, middle, tiny].map(rootOf)

describe('datasets on a chain', () => {
  let folder: string
  let blobs: BlobStore
  let sealed: SealedChain
  const nonces = new Map<Address, number>()

  const world = async () => (await sealed.chain.readAt(sealed.chain.head().height))!.world
  const height = () => sealed.chain.head().height
  const params = () => sealed.chain.rules.params

  async function signed(
    privateKey: Uint8Array,
    to: Address,
    data: `0x${string}`,
    value = 0n,
  ): Promise<Transaction> {
    const account = privateKeyToAccount(toHex(privateKey))
    const from = account.address.toLowerCase() as Address
    const nonce = nonces.get(from) ?? 0
    nonces.set(from, nonce + 1)
    const bytes = await account.signTransaction({
      type: 'eip1559',
      chainId: sealed.chain.genesis.chainId,
      nonce,
      to,
      data,
      value,
      gas: 6_000_000n,
      maxFeePerGas: 100_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
    })
    const decoded = decodeTransaction(sealed.chain.rules.engine, fromHex(bytes))
    assert.ok(decoded.ok)
    return decoded.value
  }

  const call = (account: number, abi: Abi, functionName: string, args: unknown[], value = 0n) =>
    signed(
      devnetAccount(account).privateKey,
      abi === (jobsAbi as Abi) ? moduleAddresses.jobs : moduleAddresses.registry,
      encodeFunctionData({ abi, functionName, args }),
      value,
    )

  /** A block of these transactions, none of which may fail. */
  async function include(transactions: readonly Transaction[]) {
    await sealed.advance({ candidates: transactions.map((transaction) => ({ transaction })) })
    const receipts = (await sealed.chain.receiptsAt(height()))!
    assert.deepEqual(
      receipts.map(({ succeeded }) => succeeded),
      transactions.map(() => true),
    )
  }

  /** Work all leases that are held, have every certificate judged, and include those that hold. */
  async function workOnce(): Promise<void> {
    const state = await world()
    const certificates: Transaction[] = []
    for (const lease of await assignSteps(state, params(), height())) {
      const record = (await readJob(state, lease.job))!
      const { job, range } = leaseWork(record.job, lease.range)
      const seed = leaseSeed(record.job, record.state, lease.range)
      const dataset = (await readDataset(state, job.dataset))!
      const worker = lease.holder ?? lease.able[0]
      if (seed === zeroHash || worker === undefined) continue
      const trainLease = createLeaseTraining({
        blobs,
        ensureBlob: async () => ({ ok: true, value: null }),
        pool: {
          train: async (task) => {
            const trained = await train(
              { kind: 'train', ...task },
              {
                backend: referenceBackend,
                openDataset,
                progress: () => {},
                cancelled: async () => false,
              },
            )
            return trained.ok ? { ok: true, value: { ...trained.value, ms: 0 } } : trained
          },
        },
      })
      const work = createReplayWork({ self: worker, train: trainLease, blobs })
      const done = await work({ lease, record, work: { job, range, seed }, dataset }, signal)
      if (!done.ok) throw new Error(describeFault(done.fault))
      const certify = { ...done.value.claim, sidecar: hashOf('sidecar') }
      const statement = await statementOf(state, params(), height(), certify, worker)
      if (!statement.ok) throw new Error(describeFault(statement.fault))
      const judge = createReplay({ train: trainLease, blobs })
      assert.ok((await judge(statement.value, done.value.sidecar, signal)).ok)
      const { accountKey } = keysOf(worker)
      certificates.push(await signed(accountKey, moduleAddresses.jobs, encodeCertify(certify)))
    }
    await include(certificates)
  }

  const trial = (dataset: Hash, pricePerMac: bigint) => ({
    proofKind: ProofKind.Replay,
    dataset,
    layers: [features, 16, classes],
    batch: 16,
    steps: 64,
    leaseSteps: 64,
    fractionBits: 16,
    forwardShifts: [7, 7],
    schedule: [{ fromStep: 0, updateShifts: [5, 5], backwardShifts: [5] }],
    initBound: 16,
    pricePerMac,
  })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waggle-valuation-'))
    blobs = await openBlobStore(folder)
    sealed = await openSealedChain(sealedGenesis(4))
    const entries = [large, middle, tiny, judging].map(async (blob, i) => {
      const stored = await blobs.put(blob)
      assert.ok(stored.ok)
      const rows = [400, 100, 16, 256][i]
      const owner = [...owners, judgesOwner][i]!
      const args = [rootOf(blob), `rows ${i}`, stored.value, rows, features, classes]
      return call(owner, registryAbi, 'registerDataset', args)
    })
    await include(await Promise.all(entries))
  }, 60_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('are worth what the proven losses say, and paid by it: the tiny one nothing', async () => {
    const price = params().basePrice
    const heldOut = { dataset: rootOf(judging), rows: 256 }
    const spec = abiSpec({ ...trial(zeroHash, price), heldOut })
    await include([
      await call(owners[0], registryAbi, 'foundCollection', ['clouds', spec, roots, 8]),
    ])
    const name = await collectionAt(await world(), 0)
    await include([
      await call(owners[1], registryAbi, 'joinCollection', [name, roots[1]]),
      await call(owners[2], registryAbi, 'joinCollection', [name, roots[2]]),
    ])
    for (let i = 0; i < 2; i++) await include([])

    const trials = await trialsOf(await world(), name, height())
    assert.deepEqual(
      trials.map(({ subset }) => subset),
      [1, 2, 3, 4, 5, 6, 7],
    )
    const { openFee } = params()
    const cost = (await trialCost(await world(), params(), name, price)) + openFee
    const orders: Transaction[] = []
    for (const { subset } of trials)
      orders.push(await call(customer, jobsAbi, 'openTrial', [name, subset, price], cost))
    await include(orders)
    const barred = await barredFrom(
      await world(),
      (await trialsOf(await world(), name, height()))[0]!.job!,
    )
    assert.equal(barred.length, 4)

    const isDone = async () =>
      (await trialsOf(await world(), name, height())).every(({ loss }) => loss !== null)
    for (let i = 0; i < 40 && !(await isDone()); i++) await workOnce()
    assert.ok(await isDone(), 'trials are evaluated')
    await include([await call(customer, registryAbi, 'valueCollection', [name])])
    const { values, valuedAt } = (await readCollection(await world(), name))!
    assert.equal(valuedAt, height())
    assert.ok(values[0]! > values[1]! && values[1]! > 0n, values.join())
    assert.equal(values[2], 0n)

    // A customer trains on all of them, by the collection's name alone.
    const terms = { ...trial(name, price), heldOut }
    const owner = devnetAccount(customer).address
    const definition = { ...terms, chainId: sealed.chain.genesis.chainId, owner, nonce: 7n }
    const wei = (await jobCost(await world(), params(), definition)) + openFee
    await include([await call(customer, jobsAbi, 'open', [abiSpec(terms)], wei)])
    const job = jobIdOf(definition)
    const balances = () =>
      Promise.all(owners.map(async (n) => (await world()).purse.balance(devnetAccount(n).address)))
    const before = await balances()
    const running = async () => (await readJob(await world(), job))!.state.status
    for (let i = 0; i < 40 && (await running()) === JobStatus.Active; i++) await workOnce()
    assert.equal(await running(), JobStatus.Finished)
    const paid = (await balances()).map((wei, i) => wei - before[i]!)
    const shares = [0, 1].map((range) =>
      shareByValue(splitFee(leaseFee(definition, range, params())).dataset, values),
    )
    assert.deepEqual(
      paid,
      owners.map((_, i) => shares.reduce((sum, share) => sum + share[i]!, 0n)),
    )
    assert.ok(paid[0]! > paid[1]! && paid[1]! > 0n)
    assert.equal(paid[2], 0n)
  }, 120_000)
})
