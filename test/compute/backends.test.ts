import assert from 'node:assert/strict'
import { it } from 'vitest'
import type { Backend } from '../../compute/backend.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { agreesWithReference, openBackend } from '../../compute/selfTest.ts'
import { openWasmBackend } from '../../compute/wasmBackend.ts'
import { backendConformance } from './conformance.ts'

const reference = referenceBackend

for (const threads of [1, 3])
  backendConformance(
    `wasm on ${threads} threads`,
    () => openWasmBackend({ threads, shareFrom: 0 }),
    { productRuns: 30, jobRuns: 40 },
  )

it('a backend that differs is not served', async () => {
  const lying: Backend = {
    ...reference,
    open: async (job, state) => {
      const session = await reference.open(job, state)
      const step: typeof session.step = async (number, rows) => {
        const report = await session.step(number, rows)
        return { ...report, loss: report.loss + 1n }
      }
      return { ...session, step }
    },
  }
  assert.equal(await agreesWithReference(lying), false)
  assert.equal((await openBackend('reference', 1)).warning, null)
  const opened = await openBackend('wasm', 1)
  assert.deepEqual([opened.backend.name, opened.warning], ['wasm', null])
})

it('falls back with one warning where there is no adapter, and keeps quiet if none was asked for', async () => {
  const { VK_ICD_FILENAMES } = process.env
  process.env.VK_ICD_FILENAMES = '/nowhere.json'
  try {
    const asked = await openBackend('webgpu', 1)
    assert.equal(asked.backend.name, 'wasm')
    assert.match(asked.warning ?? '', /no WebGPU adapter; training continues on wasm/)
    const quiet = await openBackend('auto', 1)
    assert.deepEqual([quiet.backend.name, quiet.warning], ['wasm', null])
    const portable = await openBackend('gpujs', 1)
    assert.deepEqual([portable.backend.detail, portable.warning], ['gpu.js webasm', null])
  } finally {
    if (VK_ICD_FILENAMES === undefined) delete process.env.VK_ICD_FILENAMES
    else process.env.VK_ICD_FILENAMES = VK_ICD_FILENAMES
  }
})
