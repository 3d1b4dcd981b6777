/**
 * The client as a package: its name resolves to files that are there and export what they should.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'vitest'

const folder = join(import.meta.dirname, '../../client')
const { name, exports, peerDependencies } = JSON.parse(
  readFileSync(join(folder, 'package.json'), 'utf8'),
) as {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
  readonly peerDependencies: { readonly viem: string }
}

describe('@waggle/client', () => {
  it('has a file behind each of its names', async () => {
    const { resolve } = createRequire(join(folder, 'package.json'))
    for (const [entry, file] of Object.entries(exports)) {
      const found = resolve(join(name, entry))
      assert.equal(found, join(folder, file))
      await import(found)
    }
    const { waggleActions } = (await import(resolve(name))) as { readonly waggleActions: unknown }
    assert.equal(typeof waggleActions, 'function')
  })

  it('takes the viem that it is tested with', () => {
    const root = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8')) as {
      readonly dependencies: { readonly viem: string }
    }
    assert.equal(peerDependencies.viem, `^${root.dependencies.viem}`)
  })
})
