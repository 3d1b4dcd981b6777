/**
 * A validator on a GPU: it trains a lease there, and proves it. `WAGGLE_GPU=card` runs it on the card of the
 * machine, `WAGGLE_GPU=software` on SwiftShader: half a minute of processor time, so not without either.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { ProofKind } from '../../registry/job.ts'
import { softwareGpuEnvironment } from '../../scripts/softwareGpu.ts'
import { rpcCall, startDevnet, type TestDevnet, until } from './devnet.ts'
import { openCloudJob, registerClouds } from './training.ts'

const { WAGGLE_GPU } = process.env

describe.runIf(WAGGLE_GPU !== undefined)('a validator on a GPU', { timeout: 700_000 }, () => {
  let net: TestDevnet

  beforeAll(async () => {
    // Children take it over.
    if (WAGGLE_GPU !== 'card') Object.assign(process.env, await softwareGpuEnvironment())
    net = await startDevnet({
      validators: 1,
      // Leases of many blocks: a processor that plays a GPU is slow.
      genesis: { params: { elementsPerBlock: '50' }, firstJob: false },
      flagsOf: () => ['--backend', 'webgpu'],
      programOf: () => fileURLToPath(new URL('./gpuNode.ts', import.meta.url)),
    })
  }, 120_000)

  afterAll(() => net.stop())

  it('earns a lease that it trained and proved there', async () => {
    const { rpcUrl, dataDir } = net.nodes[0]!
    const dataset = await registerClouds(rpcUrl)
    const job = await openCloudJob(rpcUrl, dataset, 1, ProofKind.StepProof)
    type JobWire = { readonly status: string }
    await until('the lease is settled', 600_000, async () => {
      const { status } = await rpcCall<JobWire>(rpcUrl, 'train_getJob', job)
      return status === 'finished'
    })
    // Neither the trainer nor the prover fell back.
    const log = await readFile(join(dataDir, 'node.log'), 'utf8')
    assert.match(log, /gpu: provers start/)
    assert.doesNotMatch(log, /gpu: warning|webgpu|the GPU/)
  })
})

if (WAGGLE_GPU === undefined)
  it('a validator on a GPU needs WAGGLE_GPU=card or WAGGLE_GPU=software', () => {
    assert.equal(WAGGLE_GPU, undefined)
  })
