/** The prover with a GPU, as a node starts it: its own thread, SwiftShader where there is no card. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openProofGpu, withProofGpu } from '../../node/proofKernels.ts'
import { segmentTree } from '../../proof/circuit.ts'
import { degree } from '../../proof/extension.ts'
import { gpuKernels } from '../../proof/gpuKernels.ts'
import type { GpuLink } from '../../proof/gpuLink.ts'
import { shapeOf } from '../../proof/parameters.ts'
import { commitWeights, proveLease } from '../../proof/prover.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'
import { tinyJob, trainLease } from './support.ts'

let link: GpuLink

beforeAll(async () => {
  if (process.env.WAGGLE_GPU !== 'card') await useSoftwareGpu()
  link = await openProofGpu()
}, 60_000)

afterAll(() => link.close())

const wasm = openWasmKernels()
/** Words: all codes, and boxes of the fraction tree's lowest levels. */
const sendFrom = 600
/** Even lines, whose leaves are denominators alone, and odd ones above them. */
const job = tinyJob([10, 7, 5], { leaseSteps: 2, batch: 4 })
const lease = await trainLease(job, 3)
const prove = (kernels = wasm) =>
  proveLease(lease.claim, lease.before, lease.steps, lease.batches, kernels)

describe('a prover with a GPU', { timeout: 120_000 }, () => {
  it('gives the same bytes, and opens what stayed on the device', async () => {
    const warnings: string[] = []
    const options = { backend: 'webgpu', sendFrom } as const
    const warn = (text: string) => warnings.push(text)
    const kernels = await withProofGpu(wasm, options, warn, async () => link)
    const { statement, proof } = prove(kernels)
    assert.deepEqual(warnings, [])
    assert.deepEqual(proof, prove().proof)
    assert.ok(verifyStepProof(statement, lease.batches, proof).ok)
    assert.equal(commitWeights(job, lease.before, kernels), statement.before)
  })

  it('takes a tree that is too large for the processor, in pieces that fit a binding', () => {
    const { segments } = segmentTree(shapeOf(job, 0, false))
    const leaves = segments.reduce((sum, { rows, cols }) => sum + rows * cols, 0)
    const cramped = { ...wasm, budget: { near: 2 * degree * leaves - 1, kept: 2 ** 24 } }
    const vectors: number[] = []
    const call: GpuLink['call'] = (command) => {
      if (command.kind === 'place') vectors.push(command.words.length)
      if (command.kind === 'room') vectors.push(command.words)
      return link.call(command)
    }
    const small = { ...link, maxWords: 2 ** 13, call }
    const kernels = gpuKernels(cramped, small, assert.fail, sendFrom)
    assert.ok(kernels?.budget.away !== undefined)
    assert.deepEqual(prove(kernels).proof, prove().proof)
    assert.ok(Math.max(...vectors) <= small.maxWords)
  })

  it('proves on the processor where no GPU is wanted', async () => {
    assert.equal(await withProofGpu(wasm, { backend: 'wasm' }, assert.fail), wasm)
  })

  it('says so if the device does not start', async () => {
    const warnings: string[] = []
    const warn = (text: string) => warnings.push(text)
    const open = () => Promise.reject(new Error('no memory'))
    assert.equal(await withProofGpu(wasm, { backend: 'webgpu' }, warn, open), wasm)
    assert.deepEqual(warnings, [
      'the GPU of the prover did not start: no memory; proving continues on wasm',
    ])
  })

  it('goes on without a device that fails, whenever it does, and says so once', () => {
    const expected = prove()
    const kinds: string[] = []
    const heard: GpuLink['call'] = (command) => {
      kinds.push(command.kind)
      return link.call(command)
    }
    let trial = 0
    assert.deepEqual(proveOn({ ...link, call: heard }), [])
    // After the trial each kind of call fails in its turn.
    for (const kind of ['hold', 'units', 'combine', 'fold', 'pick']) {
      const last = kinds.indexOf(kind, trial)
      assert.ok(last > 0, kind)
      let left = last
      const call: GpuLink['call'] = (command) => {
        if (left-- <= 0) throw new Error(`no ${command.kind}`)
        return link.call(command)
      }
      const [warning, ...others] = proveOn({ ...link, call })
      assert.match(warning!, new RegExp(`no ${kind}; proving continues on wasm`))
      assert.deepEqual(others, [])
    }

    /** What was warned of while proving to the expected bytes. */
    function proveOn(device: GpuLink): readonly string[] {
      const warnings: string[] = []
      const kernels = gpuKernels(wasm, device, (text) => warnings.push(text), sendFrom)
      assert.ok(kernels !== null)
      if (trial === 0) trial = kinds.length
      assert.deepEqual(prove(kernels).proof, expected.proof)
      return warnings
    }
  })

  it('does not believe a device with other digests', () => {
    const call: GpuLink['call'] = (command) => {
      const words = link.call(command)
      if (command.kind === 'tree') words[17]! ^= 1
      return words
    }
    assert.equal(gpuKernels(wasm, { ...link, call }, assert.fail, sendFrom), null)
  })

  // The last test: the device is not believed again.
  it('goes on without a device whose memory runs out, and says so once', () => {
    const warnings: string[] = []
    const asked = { words: 0 }
    const call: GpuLink['call'] = (command) =>
      link.call(command.kind === 'room' && asked.words > 0 ? { ...command, ...asked } : command)
    const kernels = gpuKernels(wasm, { ...link, call }, (text) => warnings.push(text), sendFrom)
    asked.words = link.maxWords
    assert.deepEqual(prove(kernels!).proof, prove().proof)
    if (process.env.WAGGLE_GPU === 'card') return
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /failed: .*OUT_OF_DEVICE_MEMORY; proving continues on wasm$/)
  })
})
