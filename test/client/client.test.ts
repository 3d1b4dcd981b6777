import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWalletClient, http, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { waggleActions } from '../../client/actions.ts'
import { httpSource, type Source } from '../../client/ask.ts'
import type { Check } from '../../client/checks.ts'
import { orderedRoot } from '../../client/trie.ts'
import { verifyBlock } from '../../client/verifyBlock.ts'
import type { CertificateWire, NetworkWire, ValidatorSetWire } from '../../client/wire.ts'
import { devnetAccount } from '../../node/keysDevnet.ts'
import { toHex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ProofKind } from '../../registry/job.ts'
import { jsonOf, waggle } from '../cli/support.ts'
import { startDevnet, type TestDevnet } from '../e2e/devnet.ts'

const wasm = Uint8Array.from(readFileSync(join(import.meta.dirname, '../../dist/wasm/proof.wasm')))
const account = privateKeyToAccount(toHex(devnetAccount(3).privateKey))

let net: TestDevnet
let home = ''
let dataset: Hash
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-client-'))
  net = await startDevnet({ validators: 1, genesis: { firstJob: false } })
  const rows = join(home, 'rows.csv')
  const lines = Array.from({ length: 60 }, (_, i) => `${i % 3},${(i * 7) % 5},${'abc'[i % 3]}`)
  await writeFile(rows, ['x,y,kind', ...lines].join('\n'))
  const flags = ['--labels', 'kind', '--devnet-account', '0', '--rpc', net.nodes[0]!.rpcUrl]
  dataset = jsonOf(await waggle(['dataset', 'add', rows, ...flags, '--json'])).root as Hash
}, 120_000)
afterAll(async () => {
  await net.stop()
  await rm(home, { recursive: true, force: true })
})

const overHttp = () =>
  createWalletClient({
    account,
    transport: http(net.nodes[0]!.rpcUrl),
    pollingInterval: 300,
  }).extend(waggleActions({ wasm }))

const order = () => ({ dataset, layers: [2, 6, 3], batch: 8, steps: 6, leaseSteps: 3 })

describe('the client library against a live node', () => {
  for (const proofKind of [ProofKind.StepProof, ProofKind.Replay])
    it(`opens a job, watches it, pulls its model and verifies it: ${proofKind}`, async () => {
      const client = overHttp()
      const { job, escrow } = await client.openJob({ ...order(), proofKind })
      assert.ok(escrow > 0n)
      const certificates: CertificateWire[] = []
      const last = await client.watchJob(job, { onCertificate: (one) => certificates.push(one) })
      assert.equal(last.status, 'finished')
      assert.deepEqual(
        certificates.map(({ range }) => range),
        ['0x0', '0x1'],
      )
      const course = await client.getCourse(job)
      assert.deepEqual(
        course.map(({ range }) => range),
        ['0x0', '0x1'],
      )
      const model = await client.pullModel(job)
      assert.equal(model.commitment, certificates[1]!.stateAfter)
      assert.equal(model.stepsDone, 6)
      assert.equal(model.state.layers.length, 2)
      const checks: Check[] = []
      for (const range of [0, 1]) {
        const verdict = await client.verifyCertificate(job, range, {
          onCheck: (check) => checks.push(check),
        })
        assert.deepEqual(
          verdict.checks.filter(({ state }) => state !== 'passed'),
          [],
        )
        assert.equal(verdict.ok, true)
      }
      assert.equal(checks.filter(({ state }) => state === 'passed').length, 12)
    }, 90_000)

  it('watches over a WebSocket until it is told to stop', async () => {
    const { rpcUrl } = net.nodes[0]!
    const client = createWalletClient({
      account,
      transport: webSocket(rpcUrl.replace('http', 'ws')),
      pollingInterval: 30_000,
    }).extend(waggleActions({ url: rpcUrl }))
    const { job } = await client.openJob({ ...order(), steps: 300 })
    const stop = new AbortController()
    const seen = await client.watchJob(job, {
      signal: stop.signal,
      onCertificate: () => stop.abort(),
    })
    assert.equal(seen.status, 'active')
    assert.equal((await client.getJob(job))!.id, job)
    assert.ok((await client.listJobs({ limit: 100 })).items.some(({ id }) => id === job))
    ;(await client.transport.getRpcClient()).close()
  }, 90_000)

  it('verifies a block, and refuses one that other validators began', async () => {
    const client = overHttp()
    assert.equal((await client.verifyBlock(2n)).ok, true)
    const other = createWalletClient({ transport: http(net.nodes[0]!.rpcUrl) }).extend(
      waggleActions({ validators: `0x${'11'.repeat(32)}` as Hash }),
    )
    const { ok, checks } = await other.verifyBlock(2n)
    assert.equal(ok, false)
    assert.match(checks[0]!.detail, /not the pinned ones/)
  }, 30_000)

  it('refuses transactions that are not the ones that were signed, whatever root they come with', async () => {
    const { ask, blob } = httpSource(net.nodes[0]!.rpcUrl)
    type Shown = { readonly hash: Hash; readonly transactions: readonly Hash[] }
    let height = 1n
    for (; ; height++) {
      const where = `0x${height.toString(16)}`
      const { transactions } = await ask<Shown>('eth_getBlockByNumber', where, false)
      if (transactions.length > 0) break
    }
    const lying: Source = {
      blob,
      ask: async <T>(method: string, ...params: readonly unknown[]) => {
        const answer = await ask<T>(method, ...params)
        if (method !== 'eth_getBlockByNumber') return answer
        return { ...answer, transactions: [], transactionsRoot: orderedRoot([]) }
      },
    }
    const { chainId, params } = await ask<NetworkWire>('waggle_getNetwork')
    const { hash: validators } = await ask<ValidatorSetWire>('val_getSet', '0x0')
    const epochLength = Number(params.epochLength)
    const anchor = { chainId: Number(chainId), epochLength, validators }
    assert.equal((await verifyBlock(height, { source: { ask, blob }, anchor })).ok, true)
    const { ok, checks } = await verifyBlock(height, { source: lying, anchor })
    assert.equal(ok, false)
    assert.match(checks.at(-1)!.detail, /Merkle root/)
  }, 30_000)

  it('says why a job cannot be opened', async () => {
    const client = overHttp()
    await assert.rejects(client.openJob({ ...order(), pricePerMac: 1n }), /OutOfRange|pricePerMac/)
    const unknown = `0x${'12'.repeat(32)}` as Hash
    await assert.rejects(client.openJob({ ...order(), dataset: unknown }), /no dataset/)
    const anonymous = createWalletClient({ transport: http(net.nodes[0]!.rpcUrl) })
    await assert.rejects(anonymous.extend(waggleActions()).openJob(order()), /needs a client/)
  }, 30_000)
})
