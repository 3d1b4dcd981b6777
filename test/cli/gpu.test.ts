import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { softwareGpuEnvironment } from '../../scripts/softwareGpu.ts'

const main = join(import.meta.dirname, '../../cli/main.ts')

function run(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const env = { ...process.env, ...environment }
  return spawnSync(process.execPath, [main, 'gpu', ...args], { encoding: 'utf8', env })
}

describe('waggle gpu', { timeout: 120_000 }, () => {
  it('lists the adapter and measures the kernels asked for', async () => {
    const args = ['--backend', 'webgpu', '--seconds', '0.1', '--json']
    const { stdout, stderr, status } = run(args, await softwareGpuEnvironment())
    assert.equal(status, 0, stderr)
    const { adapters, backend, warning, measured } = JSON.parse(stdout)
    assert.equal(adapters[0].software, true)
    assert.ok(adapters[0].language.includes('packed_4x8_integer_dot_product'))
    assert.equal(backend.name, 'webgpu')
    assert.match(backend.kernels, /dot4I8Packed/)
    assert.equal(warning, null)
    assert.ok(measured.steps > 0 && measured.gmacs > 0)
  })

  it('does without an adapter, and says so', () => {
    const { stdout, stderr, status } = run(['--seconds', '0.1'], { VK_ICD_FILENAMES: '/nowhere' })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /adapter +none/)
    assert.match(stdout, /backend +wasm/)
    assert.match(stdout, /GMAC\/s/)
  })

  it('refuses a backend that it does not have', () => {
    const { status, stderr } = run(['--backend', 'cuda'], {})
    assert.equal(status, 2)
    assert.match(stderr, /auto, webgpu, gpujs, wasm, reference/)
  })
})
