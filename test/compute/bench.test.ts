import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'

const script = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

function run(...args: readonly string[]): {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
} {
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
}

describe('bench', () => {
  it('lists its benchmarks without a name', () => {
    const { status, stdout } = run()
    assert.equal(status, 0)
    assert.match(stdout, /^ +train /m)
  })

  it('refuses a name it does not have with exit 2 and the list', () => {
    const { status, stdout, stderr } = run('toString')
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /no benchmark "toString"[\s\S]* train /)
  })

  it('reports rows as JSON, and the fast backend as exact', () => {
    const { status, stdout } = run('train', '--json', '--only', '128-64-10/b64/wasm-threads')
    assert.equal(status, 0)
    const rows = JSON.parse(stdout) as readonly { case: string; metric: string; value: number }[]
    const small = rows.filter((row) => row.case === 'mlp-784-128-64-10/b64/wasm-threads')
    assert.deepEqual(
      small.map(({ metric }) => metric),
      ['gmacs', 'exact', 'zeroErrors'],
    )
    assert.ok(small[0]!.value > 0)
    assert.equal(small[1]!.value, 1)
    assert.ok(small[2]!.value < 0.95)
  }, 60_000)
})
