import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'

const wrapper = join(import.meta.dirname, '../../cli/waggle.mjs')
const run = promisify(execFile)

/** What a Node.js of version `version` would see. */
const pretend = (version: string) =>
  `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`

async function outcome(
  version: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
  const args = ['--import', pretend(version), wrapper, ...argv]
  try {
    return { code: 0, ...(await run(process.execPath, args, { env: { ...process.env, ...env } })) }
  } catch (error) {
    return error as { readonly code: unknown; readonly stdout: string; readonly stderr: string }
  }
}

describe('the waggle command', () => {
  it('runs in a Node.js that is new enough', async () => {
    const { code, stdout } = await outcome('24.1.0', ['--version'])
    assert.equal(code, 0)
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  })

  it('runs under the Node.js that came along where the calling one is old', async () => {
    const { code, stdout } = await outcome('20.20.2', ['--version'])
    assert.equal(code, 0)
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  })

  it('passes the exit code on', async () => {
    assert.equal((await outcome('20.20.2', ['dance'])).code, 2)
  })

  it('does not run itself again and again', async () => {
    const { code, stderr } = await outcome('20.20.2', ['--version'], { WAGGLE_REEXEC: '1' })
    assert.equal(code, 69)
    assert.match(stderr, /next: Run: npm ci/)
  })
})
