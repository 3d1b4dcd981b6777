import assert from 'node:assert/strict'
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { chunkBytes, maxBlobBytes } from '../../params/protocol.ts'
import type { BlobFault } from '../../storage/blobFault.ts'
import { openBlobStore } from '../../storage/blobStore.ts'
import { soundBlobs } from '../../storage/soundBlobs.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-sound-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const bytes = new Uint8Array(chunkBytes + 5_000).fill(3)

async function stored(folder: string) {
  const disk = await openBlobStore(join(home, folder), { reserveBytes: 0 })
  const put = await disk.put(bytes)
  assert.ok(put.ok)
  const told: BlobFault['code'][] = []
  const store = soundBlobs(disk, ({ code }) => told.push(code))
  return { disk, store, hash: put.value, told }
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Uint8Array.of(99), 0, 1, at)
  await file.close()
}

describe('a store on a bad disk', () => {
  it('has what is whole, and reads it through once', async () => {
    const { disk, store, hash, told } = await stored('whole')
    assert.deepEqual(await Promise.all([store.has(hash), store.has(hash)]), [true, true])
    // What changes later is found where it is read, not by reading everything at each question.
    await flip(disk.path(hash), chunkBytes + 1)
    assert.equal(await store.has(hash), true)
    assert.deepEqual(told, [])
  })

  it('forgets what does not hash to its name, says so, and takes it anew', async () => {
    const { disk, store, hash, told } = await stored('flipped')
    await flip(disk.path(hash), chunkBytes + 1)
    assert.deepEqual(await Promise.all([store.has(hash), store.has(hash)]), [false, false])
    assert.deepEqual(told, ['blob/corrupt'])
    assert.equal(await disk.has(hash), false)
    assert.deepEqual(await store.put(bytes), { ok: true, value: hash })
    assert.equal(await store.has(hash), true)
    assert.deepEqual(told, ['blob/corrupt'])
  })

  it('forgets what is cut off, and what has lost its manifest', async () => {
    const cut = await stored('cut')
    await truncate(cut.disk.path(cut.hash), chunkBytes)
    assert.equal(await cut.store.has(cut.hash), false)
    assert.equal(await cut.disk.has(cut.hash), false)
    const lost = await stored('lost')
    await writeFile(join(lost.disk.path(lost.hash), '../manifest'), 'nothing of the kind')
    assert.equal(await lost.store.has(lost.hash), false)
    assert.equal(await lost.disk.has(lost.hash), false)
    assert.deepEqual([cut.told.length, lost.told.length], [1, 1])
  })

  it('finds it when it is read, and is missing it from then on', async () => {
    for (const read of ['readAll', 'readChunk'] as const) {
      const { disk, store, hash, told } = await stored(read)
      assert.equal(await store.has(hash), true)
      await flip(disk.path(hash), 10)
      const found = await (read === 'readAll'
        ? store.readAll(hash, maxBlobBytes)
        : store.readChunk(hash, 0))
      assert.equal(!found.ok && found.fault.code, 'blob/corrupt')
      assert.deepEqual([await store.has(hash), told], [false, ['blob/corrupt']])
    }
  })

  it('leaves alone what was asked for wrongly', async () => {
    const { store, hash, told } = await stored('asked')
    assert.equal((await store.readChunk(hash, 9)).ok, false)
    assert.equal((await store.readAll(hash, 10)).ok, false)
    assert.deepEqual([await store.has(hash), told], [true, []])
  })
})
