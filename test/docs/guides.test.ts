/**
 * Runs what the guides say: every fenced block marked `sh run`, guide by guide, on one development network.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createMetrics } from '../../node/metrics.ts'
import { startDevnet, type TestDevnet } from '../e2e/devnet.ts'

const root = join(import.meta.dirname, '../..')
const guides = join(root, 'docs/guides')
const names = readdirSync(guides).filter((name) => name.endsWith('.md'))

/** The commands of a guide's marked blocks, in order. */
function commandsOf(name: string): readonly string[] {
  const text = readFileSync(join(guides, name), 'utf8')
  return [...text.matchAll(/^```sh run\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
    block!
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => line.slice(2)),
  )
}

/** `waggle` as a reader has it, but for the port of the node. */
const prelude = `set -euo pipefail
waggle() {
  case "$1 \${2:-}" in
    'job open'|'job watch'|'job list'|'job show'|dataset*|model*|validators*|balance*|doctor*) "$NODE" "$MAIN" "$@" --rpc "$RPC" ;;
    *) "$NODE" "$MAIN" "$@" ;;
  esac
}
`

let net: TestDevnet
let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-guides-'))
  net = await startDevnet({ validators: 1, genesis: { firstJob: false } })
}, 120_000)
afterAll(async () => {
  await net.stop()
  await rm(home, { recursive: true, force: true })
})

function run(script: string): Promise<{ readonly code: number | null; readonly text: string }> {
  const env = {
    ...process.env,
    NODE: process.execPath,
    MAIN: join(root, 'cli/main.ts'),
    RPC: net.nodes[0]!.rpcUrl,
    HOME: home,
  }
  const child = spawn('bash', ['-c', prelude + script], { cwd: home, env })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Uint8Array) => {
      text += new TextDecoder().decode(chunk)
    })
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, text }))
  })
}

describe('the guides', () => {
  for (const name of names.filter((one) => commandsOf(one).length > 0))
    it(`${name} does what it says`, async () => {
      const { code, text } = await run(commandsOf(name).join('\n'))
      assert.equal(code, 0, text)
    }, 120_000)

  it('bring a newcomer to a trained model in at most ten commands', () => {
    const steps = commandsOf('start.md').filter((line) => line.includes('waggle '))
    // Clone, install and devnet come before.
    assert.ok(3 + steps.length <= 10, `${3 + steps.length} commands`)
  })

  it('link to files that are there', () => {
    for (const name of names)
      for (const [, to] of readFileSync(join(guides, name), 'utf8').matchAll(/\]\(([^)#]+)\)/g))
        assert.ok(existsSync(join(guides, to!)), `${name} -> ${to}`)
  })

  it('have a dashboard of metrics that exist', async () => {
    const known = await createMetrics().text()
    const text = readFileSync(join(guides, 'grafana.json'), 'utf8')
    for (const [metric] of text.matchAll(/waggle_[a-z_]+/g))
      assert.ok(known.includes(metric), metric)
  })
})
