import assert from 'node:assert/strict'
import { beforeAll, describe, it } from 'vitest'
import { openGpujsBackend } from '../../compute/gpujsBackend.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'
import { backendConformance } from './conformance.ts'

/** `WAGGLE_GPU=card` runs the suite on the card that the machine has. */
beforeAll(() => (process.env.WAGGLE_GPU === 'card' ? undefined : useSoftwareGpu()))

for (const mode of ['cpu', 'webasm', 'webgpu'] as const)
  backendConformance(`gpu.js ${mode}`, () => openGpujsBackend(mode), {
    productRuns: 3,
    jobRuns: mode === 'webgpu' ? 1 : 3,
  })

describe('gpu.js', () => {
  it('says in which mode it runs', async () => {
    const backend = await openGpujsBackend('webasm')
    assert.deepEqual([backend.name, backend.detail], ['gpujs', 'gpu.js webasm'])
    await backend.close()
  })
})
