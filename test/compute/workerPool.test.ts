import assert from 'node:assert/strict'
import { afterAll, describe, it } from 'vitest'
import { createWorkerPool } from '../../compute/workerPool.ts'

const script = new URL('./fixtures/crashingWorker.ts', import.meta.url)

describe('worker pool', () => {
  const warnings: string[] = []
  const pool = createWorkerPool<string, { echo: string; nice: number }, never, string>(
    { script, size: 1, cancelTimeoutMs: 100 },
    { warn: (text) => warnings.push(text) },
  )
  afterAll(() => pool.close())

  it('runs its children niced and passes their warning on', async () => {
    const verdict = await pool.run('hello')
    assert.deepEqual(verdict, { ok: true, value: { echo: 'hello', nice: 19 } })
    assert.deepEqual(warnings, ['started'])
  })

  it('refuses the task of a child that crashed, says why, and replaces it', async () => {
    const [crashed, next] = await Promise.all([pool.run('die'), pool.run('hello')])
    assert.ok(!crashed.ok && crashed.fault.code === 'pool/crashed')
    assert.match(crashed.fault.why, /exit .*the driver is gone/s)
    assert.ok(next.ok)
  })

  it('turns an exception of a task into a fault and keeps the child', async () => {
    const thrown = await pool.run('throw')
    assert.ok(!thrown.ok && thrown.fault.code === 'pool/failed')
    assert.match(thrown.fault.why, /no such tensor/)
    const children = warnings.length
    assert.ok((await pool.run('hello')).ok)
    assert.equal(warnings.length, children)
  })

  it('kills a child that ignores a cancel', async () => {
    const controller = new AbortController()
    const hanging = pool.run('hang', { signal: controller.signal })
    setTimeout(() => controller.abort(), 300)
    assert.deepEqual(await hanging, { ok: false, fault: { code: 'pool/cancelled' } })
    assert.ok((await pool.run('hello')).ok)
  })

  it('fails the task when a child cannot start', async () => {
    const broken = createWorkerPool<string, never, never, string>(
      { script: new URL('./fixtures/absent.ts', import.meta.url) },
      { warn: () => {} },
    )
    const verdict = await broken.run('hello')
    assert.ok(!verdict.ok && verdict.fault.code === 'pool/crashed')
    assert.match(verdict.fault.why, /Cannot find module/)
    await broken.close()
  })
})
