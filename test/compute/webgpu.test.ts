import assert from 'node:assert/strict'
import { beforeAll, describe, it } from 'vitest'
import type { Backend, BackendChoice } from '../../compute/backend.ts'
import { holdBackend } from '../../compute/backendHolder.ts'
import { findAdapter, isSoftware } from '../../compute/gpuAdapter.ts'
import { commitState, initialState } from '../../compute/modelState.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { openBackend } from '../../compute/selfTest.ts'
import { openWebGpuBackend } from '../../compute/webgpuBackend.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'
import { backendConformance, sameSteps } from './conformance.ts'
import { jobOf, randomRows, seedOf } from './support.ts'

/** `WAGGLE_GPU=card` runs the suite on the card that the machine has. */
beforeAll(() => (process.env.WAGGLE_GPU === 'card' ? undefined : useSoftwareGpu()))

/** The smallest tile: what a processor compiles and runs fastest. */
const tile = { side: 8, cells: 4 } as const

backendConformance('webgpu', () => openWebGpuBackend({ tile }), { productRuns: 12, jobRuns: 10 })

describe('webgpu', { timeout: 120_000 }, () => {
  it('knows a processor that plays a GPU', async () => {
    const adapter = await findAdapter()
    assert.equal(adapter !== null && isSoftware(adapter), process.env.WAGGLE_GPU !== 'card')
  })

  it('splits layers that are larger than a binding', async () => {
    // 96 × 96 words of state, where 32 rows of them are allowed: every layer but the last has parts.
    const backend = await openWebGpuBackend({ tile, maxBinding: 4 * 96 * 32 })
    const job = jobOf([70, 80, 75, 66, 10])
    const rows = [0, 1, 2].map((step) => randomRows(job, step))
    await sameSteps(backend, job, initialState(job, seedOf(5)), rows)
    await backend.close()
  })

  it('refuses a model that no part of fits a binding', async () => {
    const backend = await openWebGpuBackend({ tile, maxBinding: 2_048 })
    const job = jobOf([20, 30, 10])
    await assert.rejects(backend.open(job, initialState(job, seedOf(1))), /one binding/)
    await backend.close()
  })

  it('gives a lease to the processor when its device is lost or too small, with one warning', async () => {
    const job = jobOf([20, 30, 10])
    const rows = [0, 1, 2].map((step) => randomRows(job, step))
    const train = async (backend: Backend, each: (step: number) => Promise<void> | void) => {
      const session = await backend.open(job, initialState(job, seedOf(1)))
      for (const [step, given] of rows.entries()) {
        await each(step)
        await session.step(step, given)
      }
      return commitState(job, await session.state())
    }
    const expected = await train(referenceBackend, () => {})
    for (const [maxBinding, why] of [
      [undefined, /lost|destroyed|no longer answers/i],
      [2_048, /one binding/],
    ] as const) {
      const warnings: string[] = []
      const open = async (choice: BackendChoice, threads: number) =>
        choice === 'webgpu'
          ? { backend: await openWebGpuBackend({ tile, maxBinding }), warning: null }
          : openBackend(choice, threads)
      const holder = holdBackend('webgpu', 1, (text) => warnings.push(text), open)
      const got = await holder.use((backend) =>
        // The real device goes in the middle of the lease.
        train(backend, (step) =>
          step === 1 && backend.name === 'webgpu' ? backend.close() : undefined,
        ),
      )
      assert.equal(got, expected)
      assert.equal(warnings.length, 1)
      assert.match(warnings[0]!, why)
      assert.match(warnings[0]!, /continues on wasm/)
    }
  })

  it('gives a lease to the processor when memory runs out, with one warning', async () => {
    const job = jobOf([20, 30, 10])
    const rows = randomRows(job, 0)
    const train = async (backend: Backend) => {
      const session = await backend.open(job, initialState(job, seedOf(1)))
      await session.step(0, rows)
      return commitState(job, await session.state())
    }
    const warnings: string[] = []
    const open = async (choice: BackendChoice, threads: number) =>
      choice === 'webgpu'
        ? { backend: await openWebGpuBackend({ tile }), warning: null }
        : openBackend(choice, threads)
    const holder = holdBackend('webgpu', 1, (text) => warnings.push(text), open)
    // One buffer of the model asks for as much as the device says it allows: more than there is.
    const { createBuffer } = GPUDevice.prototype
    const most = (await findAdapter())!.limits.maxBufferSize
    let asked = 0
    const got = await holder.use((backend) => {
      GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
        const size = ++asked === 5 ? Math.min(most, 2 ** 31) : descriptor.size
        return createBuffer.call(this, { ...descriptor, size })
      }
      return train(backend).finally(() => {
        GPUDevice.prototype.createBuffer = createBuffer
      })
    })
    assert.equal(got, await train(referenceBackend))
    if (process.env.WAGGLE_GPU === 'card') return
    assert.equal(warnings.length, 1)
    assert.match(
      warnings[0]!,
      /^the webgpu backend failed: .*OUT_OF_DEVICE_MEMORY; training continues on wasm$/,
    )
  })

  it('fails after its device is gone, rather than answer', async () => {
    const backend = await openWebGpuBackend({ tile })
    const job = jobOf([20, 30, 10])
    const session = await backend.open(job, initialState(job, seedOf(1)))
    await backend.close()
    await assert.rejects(session.state())
  })
})
