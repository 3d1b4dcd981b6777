/** The server over the node's own chain, pool, registry and certificate index, as a wallet sees it. */
import assert from 'node:assert/strict'
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeFunctionData,
  http,
  parseEther,
  toHex,
  webSocket,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { systemClock } from '../../primitives/clock.ts'
import { type Hash, sha256Hash } from '../../primitives/hash.ts'
import { createChainView } from '../../rpc/chainView.ts'
import { createWorkIndex } from '../../rpc/workIndex.ts'
import { openMemory } from '../../storage/memory.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import {
  advance,
  alice,
  bob,
  chainId,
  hashText,
  keyOf,
  signed,
  validatorAddresses,
} from '../chain/support.ts'
import type { Peer, Running } from './client.ts'
import { openTestNode, type TestNode } from './testNode.ts'

/** Stores 42 and returns it. */
const counterCode = '0x602a5f55602a5f5260205ff3'

const owner = privateKeyToAccount(toHex(alice))
const other = privateKeyToAccount(toHex(bob))
const definition = defineChain({
  id: chainId,
  name: 'test',
  nativeCurrency: { name: 'coin', symbol: 'C', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})

let node: TestNode
let running: Running

beforeAll(async () => {
  node = await openTestNode()
  running = node.running
})

afterAll(() => node.stop())

const reader = () =>
  createPublicClient({
    chain: definition,
    transport: http(`http://127.0.0.1:${running.port}`),
    cacheTime: 0,
    pollingInterval: 20,
  })
const wallet = (account: typeof owner) =>
  createWalletClient({
    account,
    chain: definition,
    transport: webSocket(`ws://127.0.0.1:${running.port}`, { reconnect: false }),
  })

describe('a wallet on the node', () => {
  it('sends a transfer and sees it pending, mined and counted', async () => {
    const client = reader()
    const before = await client.getBalance({ address: other.address })
    const hash = await wallet(owner).sendTransaction({
      to: other.address,
      value: parseEther('1.5'),
    })
    const waiting = await client.getTransaction({ hash })
    assert.deepEqual([waiting.blockNumber, waiting.from], [null, owner.address.toLowerCase()])
    const nonce = (blockTag: 'latest' | 'pending') =>
      client.getTransactionCount({ address: owner.address, blockTag })
    assert.deepEqual([await nonce('latest'), await nonce('pending')], [0, 1])
    const status = (await running.call('txpool_status')).result
    assert.deepEqual(status, { pending: '0x1', queued: '0x0' })
    const content = (await running.call('txpool_content')).result as Record<string, object>
    assert.deepEqual(Object.keys(content.pending!), [owner.address.toLowerCase()])
    const height = await node.mine()
    const receipt = await client.waitForTransactionReceipt({ hash })
    assert.deepEqual(
      [receipt.status, receipt.blockNumber, receipt.gasUsed],
      ['success', height, 21_000n],
    )
    assert.equal(await client.getBalance({ address: other.address }), before + parseEther('1.5'))
    const block = await client.getBlock({ blockNumber: height, includeTransactions: true })
    assert.equal(block.hash, node.chain.head().hash)
    assert.equal(block.transactions[0]?.hash, hash)
    assert.equal(block.size > 500n, true)
    assert.equal(await nonce('latest'), 1)
  })

  it('deploys a contract, calls it and proves its storage', async () => {
    const client = reader()
    const creation = `0x600c8060095f395ff3${counterCode.slice(2)}` as const
    const hash = await wallet(owner).deployContract({ abi: [], bytecode: creation })
    await node.mine()
    const { contractAddress, status } = await client.waitForTransactionReceipt({ hash })
    assert.equal(status, 'success')
    assert.equal(await client.getCode({ address: contractAddress! }), counterCode)
    assert.equal(BigInt((await client.call({ to: contractAddress!, data: '0x' })).data!), 42n)
    assert.equal(
      BigInt((await client.getStorageAt({ address: contractAddress!, slot: '0x0' }))!),
      0n,
    )
    const call = await wallet(other).sendTransaction({ to: contractAddress! })
    await node.mine()
    assert.equal((await client.waitForTransactionReceipt({ hash: call })).status, 'success')
    const proof = await client.getProof({ address: contractAddress!, storageKeys: ['0x0'] })
    assert.equal(proof.storageProof[0]?.value, 42n)
    assert.ok(proof.accountProof.length > 0)
    const past = await client.getStorageAt({
      address: contractAddress!,
      slot: '0x0',
      blockNumber: 2n,
    })
    assert.equal(BigInt(past!), 0n)
  })

  it('is told why a transaction is refused', async () => {
    const { call } = running
    const stale = signed(node.engine, alice, { to: moduleAddresses.jobs, nonce: 0n })
    const { error } = await call('eth_sendRawTransaction', toHex(stale.tx.serialize()))
    assert.equal(error?.code, -32000)
    assert.match(error!.message, /^nonce too low: pool\/nonceLow next=2 got=0/)
    const poor = signed(node.engine, keyOf('poor'), { to: moduleAddresses.jobs, value: 1n })
    const refused = await call('eth_sendRawTransaction', toHex(poor.tx.serialize()))
    assert.match(refused.error!.message, /^insufficient funds/)
    assert.equal((await call('eth_sendRawTransaction', '0x02c0')).error?.code, -32000)
  })

  it('sees a native module refuse with its own error', async () => {
    const quote = reader().readContract({
      address: moduleAddresses.jobs,
      abi: jobsAbi,
      functionName: 'job',
      args: [hashText('no such job')],
    })
    await assert.rejects(quote, /Unknown/)
  })
})

const root = hashText('rows')
const spec = {
  proofKind: 0,
  dataset: root,
  layers: [4, 3, 2],
  batch: 4,
  steps: 3,
  leaseSteps: 2,
  fractionBits: 8,
  forwardShifts: [4, 4],
  schedule: [{ fromStep: 0, updateShifts: [4, 4], backwardShifts: [4] }],
  initBound: 16,
  pricePerMac: 1_000_000n,
  heldOut: { dataset: root, rows: 0 },
} as const

describe('a model owner on the node', () => {
  let job: Hash
  let peer: Peer
  let clientOf: ReturnType<typeof wallet>

  beforeAll(async () => {
    peer = await running.socket()
    clientOf = wallet(owner)
  })

  it('registers data and opens a job that the node then shows', async () => {
    const client = reader()
    assert.equal((await peer.send('train_subscribe', 'jobs')).error, undefined)
    assert.equal((await peer.send('eth_subscribe', 'certificates')).error, undefined)
    await clientOf.writeContract({
      address: moduleAddresses.registry,
      abi: registryAbi,
      functionName: 'registerDataset',
      args: [root, 'rows', hashText('blob'), 100, 4, 2],
    })
    await node.mine()
    const { result: datasets } = await running.call('data_listDatasets')
    const { items } = datasets as { items: Record<string, unknown>[] }
    assert.deepEqual(items, [
      {
        root,
        title: 'rows',
        blob: hashText('blob'),
        rows: '0x64',
        features: '0x4',
        classes: '0x2',
        owner: owner.address.toLowerCase(),
        size: null,
        terms: { rowPrice: '0x0', licence: '', listedOnly: false, listed: '0x0' },
      },
    ])
    const [escrow, openFee] = await client.readContract({
      address: moduleAddresses.jobs,
      abi: jobsAbi,
      functionName: 'quote',
      args: [spec],
    })
    await clientOf.writeContract({
      address: moduleAddresses.jobs,
      abi: jobsAbi,
      functionName: 'open',
      args: [spec],
      value: escrow + openFee,
    })
    const height = await node.mine()
    const event = (await peer.next()).result as Record<string, unknown>
    assert.equal(event.event, 'JobOpened')
    assert.equal(event.blockNumber, toHex(height))
    job = event.job as Hash
    const { result } = await running.call('train_getJob', job)
    const shown = result as Record<string, unknown>
    assert.deepEqual(
      [shown.status, shown.ranges, shown.rangesDone, shown.escrow, shown.commitment],
      ['active', '0x2', '0x0', toHex(escrow), null],
    )
    assert.deepEqual((shown.definition as Record<string, unknown>).layers, ['0x4', '0x3', '0x2'])
    const page = (await running.call('train_listJobs', { owner: owner.address })).result
    assert.deepEqual(page, { items: [shown], next: null })
    const none = (await running.call('train_listJobs', { status: 'finished' })).result
    assert.deepEqual(none, { items: [], next: null })
    assert.equal((await running.call('train_getWeights', job)).result, null)
    assert.equal((await running.call('train_getCertificate', job, '0xffffffff')).result, null)
    const beyond = await running.call('train_getCertificate', job, '0x100000000')
    assert.equal(beyond.error?.code, -32602)
  })

  it('follows leases, certificates and the end of the job', async () => {
    // What the first range starts from is for the proof's judges, not for the state.
    let before = hashText('initial weights')
    for (let range = 0; range < 2; range++) {
      const lease = await nextLease(job)
      assert.equal(lease.range, toHex(range))
      const after = sha256Hash(Uint8Array.of(range))
      const sent = await certify(job, range, before, after, lease)
      const certificate = (await heard(peer, 'stateAfter')) as Record<string, unknown>
      assert.deepEqual(
        [certificate.job, certificate.range, certificate.stateAfter],
        [job, toHex(range), after],
      )
      const stored = (await running.call('train_getCertificate', job, toHex(range))).result
      assert.deepEqual(stored, certificate)
      assert.equal(certificate.transactionHash, sent)
      before = after
    }
    const list = (await running.call('train_listCertificates', job)).result as { items: unknown[] }
    assert.equal(list.items.length, 2)
    const [first, last] = (await running.call('train_getCourse', job)).result as object[]
    const loss = (list.items as { losses: string[] }[]).map(({ losses }) =>
      toHex(losses.reduce((sum, one) => sum + BigInt(one), 0n)),
    )
    const point = { accuracy: null, range: '0x0', stepsDone: '0x2', loss: loss[0], rows: '0x8' }
    assert.deepEqual(first, point)
    assert.deepEqual(last, { ...point, range: '0x1', stepsDone: '0x3', loss: loss[1], rows: '0x4' })
    assert.equal((await running.call('train_getCourse', hashText('none'))).error?.code, -32000)
    const steps = (await running.call('train_listSteps', job)).result
    assert.deepEqual(
      (steps as { items: { status: string }[] }).items.map(({ status }) => status),
      ['certified', 'certified'],
    )
    const weights = (await running.call('train_getWeights', job)).result as Record<string, unknown>
    assert.deepEqual([weights.stepsDone, weights.commitment], ['0x3', before])
    const model = (await running.call('data_getModel', job)).result as Record<string, unknown>
    assert.equal(model.commitment, before)
    const { result } = await running.call('train_getJob', job)
    assert.equal((result as Record<string, unknown>).status, 'finished')
    assert.equal((await heardJob(peer, 'JobFinished')).job, job)
  })

  it('sees who validates, and how well', async () => {
    const set = (await running.call('val_getSet')).result as Record<string, unknown>
    const members = set.validators as Record<string, unknown>[]
    assert.deepEqual(
      members.map(({ address }) => address),
      [...validatorAddresses].sort(),
    )
    const epoch = (await running.call('val_epoch')).result
    assert.equal(set.epoch, epoch)
    assert.equal((await running.call('val_getSet', '0xffff')).result, null)
    for (const method of ['val_getCommit', 'val_getLightBlock'])
      assert.equal((await running.call(method, `0x${'ff'.repeat(32)}`)).result, null, method)
    const commit = (await running.call('val_getCommit', '0x2')).result as Record<string, unknown>
    assert.deepEqual([commit.height, commit.bitmap], ['0x2', '0x03'])
    assert.equal((await running.call('val_getProposer')).error, undefined)
    const one = (await running.call('val_getValidator', validatorAddresses[0])).result
    assert.equal((one as Record<string, unknown>).jailed, false)
    const service = (await running.call('rep_listParticipation')).result as Record<
      string,
      unknown
    >[]
    assert.equal(service.length, 2)
    assert.equal(
      service.reduce((sum, { certificates }) => sum + Number(certificates), 0),
      2,
    )
    const supply = (await running.call('val_getSupply')).result as Record<string, unknown>
    assert.equal(supply.balances, supply.expected)
    assert.equal((await running.call('rep_getService', owner.address)).result, null)
    assert.deepEqual((await running.call('train_price')).result, {
      basePrice: '0xf4240',
      certificateFee: '0xe8d4a51000',
      openFee: '0xe8d4a51000',
    })
  })

  it('estimates cost and time of a job before it is opened', async () => {
    const draft = {
      layers: ['0x4', '0x3', '0x2'],
      batch: '0x4',
      steps: '0x3',
      leaseSteps: '0x2',
      proofKind: 'replay',
    }
    const estimate = (await running.call('train_estimate', draft)).result as Record<string, string>
    // Three steps of 4 · (3·18 − 12) multiply-accumulates in two leases, at the least price.
    assert.equal(BigInt(estimate.macs!), 504n)
    assert.equal(BigInt(estimate.escrow!), 504n * 1_000_000n + 2n * 1_000_000_000_000n)
    assert.equal(BigInt(estimate.total!), BigInt(estimate.escrow!) + 1_000_000_000_000n)
    assert.equal(BigInt(estimate.able!), 2n)
    assert.ok(BigInt(estimate.blocksAtLeast!) < BigInt(estimate.blocksAtMost!))
    const evaluated = (await running.call('train_estimate', { ...draft, heldOut: { rows: '0x5' } }))
      .result as Record<string, string>
    // One more lease, of a step of five rows.
    assert.equal(BigInt(evaluated.macs!), 504n + 5n * 42n)
    assert.equal(BigInt(evaluated.leases!), 3n)
    assert.equal(BigInt(evaluated.escrow!), 714n * 1_000_000n + 3n * 1_000_000_000_000n)
    assert.ok(BigInt(evaluated.blocksAtMost!) > BigInt(estimate.blocksAtMost!))
    const none = await running.call('train_estimate', { ...draft, heldOut: { rows: '0x0' } })
    assert.deepEqual(none.result, estimate)
    const wrong = await running.call('train_estimate', { ...draft, batch: '0x0' })
    assert.match(JSON.stringify(wrong.error), /sizes must be above 0/)
  })

  it('finds all of it again in an index that starts over', async () => {
    const { chain } = node
    const view = createChainView({}, { chain, clock: systemClock })
    const store = openMemory()
    const fresh = createWorkIndex({
      store,
      chain: view,
      onHead: chain.onHead,
      report: (error) => assert.ifError(error),
    })
    await fresh.start()
    assert.deepEqual(await fresh.certificate(job, 1), await node.index.certificate(job, 1))
    await fresh.stop()
  })
})

async function nextLease(job: Hash): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 20; tries++) {
    const { result } = await running.call('train_listLeases', { job })
    const [lease] = result as Record<string, unknown>[]
    if (lease !== undefined && lease.holder !== null) return lease
    await node.mine()
  }
  throw new Error('no lease')
}

/** Certify as the holder, funded first; certificates do not go through the transaction pool. */
async function certify(
  job: Hash,
  range: number,
  before: Hash,
  after: Hash,
  lease: Record<string, unknown>,
): Promise<Hash> {
  const holder = ['v0', 'v1'].find((_, i) => validatorAddresses[i] === lease.holder)!
  const address = lease.holder as Address
  const { nonce, balance } = await (await node.chain.readAt(node.chain.head().height))!.account(
    address,
  )
  if (balance < 10n ** 17n) {
    await wallet(other).sendTransaction({ to: address, value: parseEther('1') })
    await node.mine()
  }
  const steps = Number(lease.steps)
  const data = encodeFunctionData({
    abi: jobsAbi,
    functionName: 'certify',
    args: [
      job,
      range,
      before,
      after,
      hashText(`weights ${range}`),
      Array(steps).fill(5n),
      0n,
      hashText('sidecar'),
    ],
  })
  const to = moduleAddresses.jobs
  const transaction = signed(node.engine, keyOf(holder), { to, data, nonce, gasLimit: 5_000_000n })
  const refused = await running.call('eth_sendRawTransaction', toHex(transaction.tx.serialize()))
  assert.match(refused.error!.message, /^certificates travel with their sidecars/)
  await advance(node.chain, [transaction])
  return transaction.hash
}

/** The next notification that has `field`; others are passed over. */
async function heard(peer: Peer, field: string): Promise<unknown> {
  for (;;) {
    const { result } = await peer.next()
    if (field in (result as object)) return result
    passed.push(result as Record<string, unknown>)
  }
}

const passed: Record<string, unknown>[] = []

async function heardJob(peer: Peer, event: string): Promise<Record<string, unknown>> {
  const before = passed.find((item) => item.event === event)
  if (before !== undefined) return before
  for (;;) {
    const { result } = await peer.next()
    if ((result as Record<string, unknown>).event === event)
      return result as Record<string, unknown>
  }
}
