import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { ProofWire } from '../../client/wire.ts'
import { devnetKeys } from '../../node/keysDevnet.ts'
import type { Address } from '../../primitives/address.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ProofKind } from '../../registry/job.ts'
import { heightOf, rpcCall, startDevnet, type TestDevnet, until, untilHeight } from './devnet.ts'
import { openCloudJob, registerClouds } from './training.ts'

type JobWire = { readonly status: string; readonly rangesDone: string }
type ServiceWire = Readonly<Record<'certificates' | 'missed' | 'proposed' | 'reputation', string>>
type SupplyWire = { readonly balances: string; readonly expected: string }

const jobOf = (url: string, id: Hash) => rpcCall<JobWire>(url, 'train_getJob', id)
const serviceOf = (url: string, of: Address) => rpcCall<ServiceWire>(url, 'rep_getService', of)
const rangesDone = async (url: string, id: Hash) =>
  Number(BigInt((await jobOf(url, id)).rangesDone))

/** Whether all nodes name the same block and state at the lowest of their heads, and no wei is lost. */
async function checkAgreement(urls: readonly string[]): Promise<void> {
  const heights = await Promise.all(urls.map(heightOf))
  const lowest = heights.reduce((a, b) => (a < b ? a : b))
  const tag = `0x${lowest.toString(16)}`
  const blocks = await Promise.all(
    urls.map((url) =>
      rpcCall<{ readonly hash: string; readonly stateRoot: string }>(
        url,
        'eth_getBlockByNumber',
        tag,
        false,
      ),
    ),
  )
  for (const { hash, stateRoot } of blocks)
    assert.deepEqual(
      { hash, stateRoot },
      { hash: blocks[0]!.hash, stateRoot: blocks[0]!.stateRoot },
    )
  for (const url of urls) {
    const { balances, expected } = await rpcCall<SupplyWire>(url, 'val_getSupply')
    assert.equal(BigInt(balances), BigInt(expected), `supply at ${url}`)
  }
}

describe('four validators, one of them killed', () => {
  let net: TestDevnet
  beforeAll(async () => {
    net = await startDevnet({ validators: 4, genesis: { firstJob: false } })
  }, 120_000)
  afterAll(() => net.stop(), 60_000)

  it('go on without it; it comes back, catches up, and works again', async () => {
    const [first, , , victim] = net.nodes as [
      TestDevnet['nodes'][number],
      unknown,
      unknown,
      TestDevnet['nodes'][number],
    ]
    const root = await registerClouds(first.rpcUrl)
    const job = await openCloudJob(first.rpcUrl, root, 24)
    await until(
      'a first certificate',
      180_000,
      async () => (await rangesDone(first.rpcUrl, job)) > 0,
    )
    await victim.kill('SIGKILL')
    const before = await heightOf(first.rpcUrl)
    await untilHeight(first.rpcUrl, before + 5n, 90_000)

    await victim.restart()
    const there = await heightOf(first.rpcUrl)
    await untilHeight(victim.rpcUrl, there, 60_000)
    const self = devnetKeys(3).address
    const proposed = BigInt((await serviceOf(first.rpcUrl, self)).proposed)
    await until(
      'it proposes again',
      120_000,
      async () => BigInt((await serviceOf(first.rpcUrl, self)).proposed) > proposed,
    )
    await until(
      'the job is finished',
      240_000,
      async () => (await jobOf(first.rpcUrl, job)).status === 'finished',
    )
    await checkAgreement(net.nodes.map(({ rpcUrl }) => rpcUrl))
    // It keeps all proofs, of blocks it caught up with as well.
    for (const range of [0, 1, 2, 3]) {
      const proof = await rpcCall<ProofWire | null>(
        victim.rpcUrl,
        'train_getProof',
        job,
        `0x${range.toString(16)}`,
      )
      assert.equal(proof?.kind, ProofKind.StepProof, `range ${range}`)
      assert.ok(Number(proof.soundnessBits) >= 100)
    }
    for (const { dataDir } of net.nodes) {
      const log = await readFile(join(dataDir, 'node.log'), 'utf8')
      assert.doesNotMatch(log, /consensus evidence|consensus halted/, dataDir)
    }
  }, 500_000)
})

describe('four validators, one of which certifies wrong weights and proofs', () => {
  const liar = 2
  let net: TestDevnet
  beforeAll(async () => {
    net = await startDevnet({
      validators: 4,
      genesis: { firstJob: false },
      programOf: (index) =>
        index === liar ? join(import.meta.dirname, 'lyingNode.ts') : undefined,
    })
  }, 120_000)
  afterAll(() => net.stop(), 60_000)

  it('refuse its certificates, take its leases over, and finish the jobs', async () => {
    const { rpcUrl } = net.nodes[0]!
    const root = await registerClouds(rpcUrl)
    const jobs = [
      await openCloudJob(rpcUrl, root, 12, ProofKind.StepProof),
      await openCloudJob(rpcUrl, root, 12, ProofKind.Replay),
    ]
    const self = devnetKeys(liar).address
    for (const job of jobs)
      await until(
        'the job is finished',
        400_000,
        async () => (await jobOf(rpcUrl, job)).status === 'finished',
      )
    const service = await serviceOf(rpcUrl, self)
    assert.equal(BigInt(service.certificates), 0n)
    assert.ok(BigInt(service.missed) > 0n, 'it held a lease and lost it')
    await until('reputations have moved', 60_000, async () => {
      const others = await Promise.all(
        [0, 1, 3].map((index) => serviceOf(rpcUrl, devnetKeys(index).address)),
      )
      const worked = others.filter(({ certificates }) => BigInt(certificates) > 0n)
      const { reputation } = await serviceOf(rpcUrl, self)
      return worked.every((other) => BigInt(other.reputation) > BigInt(reputation))
    })
    const honest = net.nodes.filter((_, index) => index !== liar)
    const logs = await Promise.all(
      honest.map(({ dataDir }) => readFile(join(dataDir, 'node.log'), 'utf8')),
    )
    // Which of its two lies was drawn first is up to the beacon.
    assert.match(logs.join(''), /"code":"(proof|replay)\/.*false certificate refused/)
    await checkAgreement(honest.map(({ rpcUrl: url }) => url))
  }, 500_000)
})
