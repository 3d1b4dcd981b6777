import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { readRefuseList } from '../../node/refuseList.ts'
import { openBlobStore } from '../../storage/blobStore.ts'
import { refusingBlobs } from '../../storage/refusedBlobs.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-refused-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const unwanted = new Uint8Array(3_000).fill(7)
const welcome = new Uint8Array(3_000).fill(8)

async function stored(folder: string) {
  const store = await openBlobStore(join(home, folder))
  const hash = await store.put(unwanted)
  const other = await store.put(welcome)
  assert.ok(hash.ok && other.ok)
  return { store, hash: hash.value, other: other.value }
}

describe('a store with refused blobs', () => {
  it('forgets what it has and keeps the rest', async () => {
    const { store, hash, other } = await stored('forgets')
    const guarded = await refusingBlobs(store, new Set([hash]))
    assert.equal(await guarded.has(hash), false)
    assert.equal(await guarded.has(other), true)
  })

  it('takes them back in no way', async () => {
    const { store, hash } = await stored('takes')
    const manifest = await store.manifest(hash)
    assert.ok(manifest.ok)
    const guarded = await refusingBlobs(store, new Set([hash]))
    const path = join(home, 'unwanted')
    await writeFile(path, unwanted)
    const tries = [
      guarded.put(unwanted),
      guarded.putFile(path),
      guarded.putStream([unwanted]),
      guarded.begin(hash, manifest.value),
      guarded.resume(hash),
    ]
    for (const refusal of await Promise.all(tries))
      assert.deepEqual(refusal, { ok: false, fault: { code: 'blob/refused', hash } })
    assert.equal(await guarded.has(hash), false)
  })

  it('discards one that was arriving', async () => {
    const { store, hash } = await stored('arriving')
    const manifest = await store.manifest(hash)
    assert.ok(manifest.ok)
    await store.delete(hash)
    const begun = await store.begin(hash, manifest.value)
    assert.ok(begun.ok)
    await refusingBlobs(store, new Set([hash]))
    assert.deepEqual(await store.partials(), [])
  })
})

describe('the list of refused blobs', () => {
  it('is hashes by line with remarks', async () => {
    const path = join(home, 'list')
    const hash = `0x${'ab'.repeat(32)}`
    await writeFile(path, `# asked by their owner\n${hash} # since May\n\n`)
    assert.deepEqual([...(await readRefuseList(path))], [hash])
  })

  it('names the line that is no hash', async () => {
    const path = join(home, 'wrong')
    await writeFile(path, '\n0x12\n')
    await assert.rejects(readRefuseList(path), /line 2: 0x12 is no blob's hash/)
  })
})
