import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { forgetDevnet } from '../../cli/devnet.ts'
import { devnetPassword } from '../../node/keysDevnet.ts'
import { waggle } from './support.ts'

describe('waggle devnet --reset', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'waggle-reset-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  async function node(name: string, password: string): Promise<void> {
    await mkdir(join(home, name, 'chain'), { recursive: true })
    await writeFile(join(home, name, 'password'), password)
  }

  it('forgets the nodes of a devnet, and nothing else', async () => {
    await node('node0', `${devnetPassword}\n`)
    await node('node12', devnetPassword)
    await node('nodes', 'other')
    await writeFile(join(home, 'rows.csv'), 'a,b')
    await forgetDevnet(home)
    assert.deepEqual((await readdir(home)).sort(), ['nodes', 'rows.csv'])
  })

  it('touches nothing where a node has keys of its own', async () => {
    await node('node0', devnetPassword)
    await node('node1', 'a secret of mine')
    const { code, err } = await waggle(['devnet', '--data', home, '--reset', '--rpc-port', '0'])
    assert.notEqual(code, 0)
    assert.match(err, /node1 is no node of a devnet/)
    assert.deepEqual((await readdir(home)).sort(), ['node0', 'node1'])
  })

  it('has nothing to forget in a new folder', async () => {
    await forgetDevnet(join(home, 'none'))
  })
})
