import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import { openLevel } from '../../storage/level.ts'
import { openMemory } from '../../storage/memory.ts'
import { overlay } from '../../storage/overlay.ts'
import { prefixed } from '../../storage/prefix.ts'
import { keyValueConformance } from '../conformance/keyValue.ts'

let folder = ''
let opened = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-level-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const nextPath = () => join(folder, `db${opened++}`)
const key = utf8ToBytes('k')

keyValueConformance('memory', async () => openMemory())
keyValueConformance('level', () => openLevel(nextPath()))
keyValueConformance('overlay on an empty store', async () => overlay(openMemory()))
keyValueConformance('overlay on an overlay', async () => overlay(overlay(openMemory())))
keyValueConformance('prefix', async () => {
  const base = openMemory()
  const neighbours = [Uint8Array.of(6, 255), Uint8Array.of(7), Uint8Array.of(8)]
  await base.batch(neighbours.map((neighbour) => ({ key: neighbour, value: Uint8Array.of(0) })))
  return prefixed(base, Uint8Array.of(7, 1))
})

describe('overlay', () => {
  it('leaves its base alone and hands out one write per key', async () => {
    const base = openMemory()
    await base.batch(['a', 'b', 'c'].map((text) => ({ key: utf8ToBytes(text), value: key })))
    const above = overlay(base)
    await above.batch([
      { key: utf8ToBytes('d'), value: Uint8Array.of(1) },
      { key: utf8ToBytes('b'), value: null },
      { key: utf8ToBytes('a'), value: Uint8Array.of(1) },
      { key: utf8ToBytes('a'), value: Uint8Array.of(2) },
    ])
    const seen: string[] = []
    for await (const [found] of above.scan({ from: new Uint8Array(), to: Uint8Array.of(255) }))
      seen.push(new TextDecoder().decode(found))
    assert.equal(seen.join(''), 'acd')
    assert.deepEqual(await base.get(utf8ToBytes('b')), key)
    assert.equal(await above.get(utf8ToBytes('b')), null)

    await base.batch(above.writes())
    assert.deepEqual(above.writes(), [
      { key: utf8ToBytes('a'), value: Uint8Array.of(2) },
      { key: utf8ToBytes('b'), value: null },
      { key: utf8ToBytes('d'), value: Uint8Array.of(1) },
    ])
    assert.equal(await base.get(utf8ToBytes('b')), null)
    assert.deepEqual(await base.get(utf8ToBytes('a')), Uint8Array.of(2))
  })
})

describe('level', () => {
  it('keeps what it was given across a reopening', async () => {
    const path = nextPath()
    const first = await openLevel(path)
    await first.batch([{ key, value: Uint8Array.of(5) }], true)
    await first.close()
    const second = await openLevel(path, { readOnly: true })
    assert.deepEqual(await second.get(key), Uint8Array.of(5))
    await assert.rejects(second.batch([{ key, value: null }]), /read-only/)
    await second.close()
  })

  it('keeps a synced batch when the process is killed', async () => {
    const path = nextPath()
    const script = `
      const { openLevel } = await import(${JSON.stringify(join(import.meta.dirname, '../../storage/level.ts'))})
      const store = await openLevel(${JSON.stringify(path)})
      await store.batch([{ key: Uint8Array.of(107), value: Uint8Array.of(6) }], true)
      process.kill(process.pid, 'SIGKILL')`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script])
    assert.equal(child.signal, 'SIGKILL', String(child.stderr))
    const store = await openLevel(path)
    assert.deepEqual(await store.get(key), Uint8Array.of(6))
    await store.close()
  })

  it('names the folder that another process holds, and the one that is missing', async () => {
    const path = nextPath()
    const store = await openLevel(path)
    await assert.rejects(openLevel(path), new RegExp(`${path} is in use by another process`))
    await store.close()
    const missing = nextPath()
    await assert.rejects(openLevel(missing, { readOnly: true }), new RegExp(missing))
  })
})
