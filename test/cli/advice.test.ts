import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { freePorts } from '../../cli/devnet.ts'
import { stepMacs } from '../../registry/job.ts'
import { jsonOf, waggle } from './support.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-advice-'))
  const lines = Array.from({ length: 60 }, (_, i) => `${i % 3},${(i * 7) % 5},${'abc'[i % 3]}`)
  await writeFile(join(home, 'rows.csv'), ['x,y,kind', ...lines].join('\n'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function plan(model: string) {
  await writeFile(join(home, 'model.json'), model)
  const files = [join(home, 'model.json'), join(home, 'rows.csv')]
  return waggle(['job', 'plan', ...files, '--labels', 'kind', '--json'])
}

describe('waggle job plan', () => {
  it('tells weights, work, cost and proofs without a node', async () => {
    const told = jsonOf(
      await plan('{"layers": [2, 6, 3], "batch": 8, "epochs": 4, "leaseSteps": 7}'),
    )
    assert.equal(told.weights, 2 * 6 + 6 * 3)
    assert.equal(told.heldOut, 6)
    assert.equal(told.steps, 24)
    assert.equal(told.ranges, 4)
    const macs = stepMacs({ layers: [2, 6, 3], batch: 8 } as never)
    assert.equal(told.macs, (24n * macs).toString())
    assert.ok(BigInt(String(told.escrow)) > 0n)
    assert.ok(Number(told.proofBytes) > 1_000)
  })

  it('knows that replays need no proof', async () => {
    const told = jsonOf(await plan('{"layers": [2, 6, 3], "batch": 8, "steps": 4, "replay": true}'))
    assert.equal(told.proofBytes, 53)
  })

  for (const [model, why] of [
    ['{"layers": [2, 6', /not JSON/],
    ['{"layers": [2]}', /2 or more widths/],
    ['{"layers": [2, 3], "speed": 9}', /nothing is called speed/],
    ['{"layers": [2, 3], "leaseSteps": 65}', /leaseSteps/],
    ['{"layers": [5, 3], "batch": 8}', /does not fit the dataset/],
  ] as const)
    it(`refuses ${model}`, async () => {
      const { code, err } = await plan(model)
      assert.equal(code, 2)
      assert.match(err, why)
    })
})

describe('waggle doctor', () => {
  it('finds this machine fit, and says how to start a node', async () => {
    const [port] = await freePorts(1)
    const { out } = await waggle(['doctor', '--rpc', `http://127.0.0.1:${port}`, '--json'])
    const { findings } = JSON.parse(out) as { readonly findings: readonly Record<string, string>[] }
    const of = (what: string) => findings.find((one) => one.what === what)!
    assert.equal(of('Node.js').state, 'good')
    assert.equal(of('training and proving').state, 'good')
    assert.notEqual(of('GPU').found, '')
    assert.equal(of('node').state, 'poor')
    assert.match(of('node').mend!, /waggle devnet/)
    assert.match(of('ports').found!, /are free|taken/)
  })

  it('finds what holds the port, and fails', async () => {
    const server = createServer((_, response) => response.end('hello'))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const { code, out, err } = await waggle(['doctor', '--rpc', `http://127.0.0.1:${port}`])
    server.close()
    assert.equal(code, 1)
    assert.match(out, /something else answers/)
    assert.match(out, new RegExp(`ports +poor +${port}`))
    assert.match(err, /--rpc-port/)
  })
})

describe('waggle completion', () => {
  it('completes commands and options in bash', async () => {
    const { out } = await waggle(['completion', 'bash'])
    const complete = (...words: readonly string[]) => {
      const line = words.map((word) => `'${word}'`).join(' ')
      const script = `${out}\nCOMP_WORDS=(waggle ${line}); COMP_CWORD=${words.length}; _waggle; echo "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split(' ')
    }
    assert.deepEqual(complete('job', 'op'), ['open'])
    assert.deepEqual(complete('job', 'open', '--lea'), ['--lease-steps'])
    assert.deepEqual(complete('keys', ''), ['create', 'list', 'show', '--help'])
    assert.deepEqual(complete('doc'), ['doctor'])
  })

  it('knows zsh and fish, and no other shell', async () => {
    assert.match((await waggle(['completion', 'zsh'])).out, /^#compdef waggle/)
    assert.match((await waggle(['completion', 'fish'])).out, /complete -c waggle .*-a devnet/)
    assert.equal((await waggle(['completion', 'tcsh'])).code, 2)
  })
})
