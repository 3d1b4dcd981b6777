import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createChain } from '../../chain/chain.ts'
import { packagedGenesis } from '../../cli/dataDir.ts'
import { chainRules } from '../../node/rules.ts'
import { parseGenesis } from '../../params/genesis.ts'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import { openLevel } from '../../storage/level.ts'
import { jsonOf, waggle } from './support.ts'

let data = ''
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'waggle-db-'))
  await mkdir(join(data, 'chain'))
  const text = await readFile(packagedGenesis, 'utf8')
  await writeFile(join(data, 'genesis.json'), text)
  const genesis = parseGenesis(text)
  assert.ok(genesis.ok)
  const store = await openLevel(join(data, 'chain'))
  await createChain(store, genesis.value, await chainRules(genesis.value))
  await store.close()
})
afterAll(() => rm(data, { recursive: true, force: true }))

describe('waggle db', () => {
  it('counts, checks and compacts', async () => {
    const stats = jsonOf(await waggle(['db', 'stats', '--data', data, '--json']))
    assert.equal(stats.head, '0')
    assert.ok((stats.kinds as Record<string, { entries: number }>)['state nodes']!.entries > 10)
    assert.match((await waggle(['db', 'stats', '--data', data])).out, /state nodes/)
    const verified = jsonOf(await waggle(['db', 'verify', '--data', data, '--json']))
    assert.deepEqual(verified.faults, [])
    assert.equal((await waggle(['db', 'compact', '--data', data])).code, 0)
  })

  it('names the fault, exits with 1 and says what to do', async () => {
    const store = await openLevel(join(data, 'chain'))
    const head = utf8ToBytes('h')
    const before = await store.get(head)
    await store.batch([{ key: head, value: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1) }])
    await store.close()
    const { code, err } = await waggle(['db', 'verify', '--data', data])
    assert.equal(code, 1)
    assert.match(err, /db\/missing.*envelope/)
    assert.match(err, /next: waggle db verify --repair/)
    const again = await openLevel(join(data, 'chain'))
    await again.batch([{ key: head, value: before }])
    await again.close()
  })

  it('says that a node uses it, or that there is none', async () => {
    const store = await openLevel(join(data, 'chain'))
    for (const command of ['stats', 'verify', 'compact']) {
      const { code, err } = await waggle(['db', command, '--data', data])
      assert.equal(code, 69, command)
      assert.match(err, /next: stop the node first/)
    }
    await store.close()
    const nowhere = await waggle(['db', 'stats', '--data', join(data, 'nothing')])
    assert.match(nowhere.err, /holds no database/)
  })
})
