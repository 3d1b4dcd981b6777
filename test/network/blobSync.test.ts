import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type BlobSync, createBlobSync } from '../../network/blobSync.ts'
import type { HostOptions } from '../../network/hostOptions.ts'
import { chunkBytes } from '../../params/protocol.ts'
import { equalBytes } from '../../primitives/bytes.ts'
import { type Hash, hashOf, zeroHash } from '../../primitives/hash.ts'
import { type BlobStore, openBlobStore } from '../../storage/blobStore.ts'
import {
  faultCodes,
  faultOf,
  makeHost,
  sample,
  stopHostsAfterEach,
  type TestHost,
  until,
  value,
  whenConnected,
} from './testHost.ts'

stopHostsAfterEach()

let folder = ''
let opened = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-blobsync-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

type Node = { readonly host: TestHost; readonly store: BlobStore; readonly blobs: BlobSync }

/** A running host with a store; `distort` is what it does to the chunks that it gives. */
async function startNode(
  name: string,
  options: Partial<HostOptions> = {},
  distort: (chunk: Uint8Array, index: number) => Promise<Uint8Array> = async (chunk) => chunk,
): Promise<Node> {
  const host = await makeHost(name, options)
  const store = await openBlobStore(join(folder, `store${opened++}`), { reserveBytes: 0 })
  const served: BlobStore = {
    ...store,
    readChunk: async (hash, index) => {
      const chunk = await store.readChunk(hash, index)
      return chunk.ok ? { ok: true, value: await distort(chunk.value, index) } : chunk
    },
  }
  const report = (problem: unknown) => assert.fail(String(problem))
  const blobs = createBlobSync({ host, store: served, report })
  await host.start()
  return { host, store, blobs }
}

const bytes = sample(5 * chunkBytes)

async function seed(...nodes: readonly Node[]): Promise<Hash> {
  const hashes = await Promise.all(nodes.map(({ store }) => store.put(bytes)))
  return value(hashes[0]!)
}

describe('blob sync', () => {
  it('fetches from two peers, of which one lies and is banned', async () => {
    const honest = await startNode('honest')
    const liar = await startNode('liar', {}, async (chunk) => {
      const wrong = Uint8Array.from(chunk)
      wrong[5]! ^= 1
      return wrong
    })
    const hash = await seed(honest, liar)
    const bootstrap = [...honest.host.addresses(), ...liar.host.addresses()]
    const reader = await startNode('reader', { bootstrap })
    await whenConnected(reader.host, honest.host)
    await whenConnected(reader.host, liar.host)

    const progress: number[] = []
    const fetched = await reader.blobs.fetchBlob(hash, {
      onProgress: (done, chunks) => {
        assert.equal(chunks, 5)
        progress.push(done)
      },
    })
    assert.equal(value(fetched), bytes.length)
    assert.ok(equalBytes(value(await reader.store.readAll(hash, bytes.length)), bytes))
    assert.deepEqual(progress, [1, 2, 3, 4, 5])
    assert.deepEqual(
      reader.host.bans().map(({ peer }) => peer),
      [liar.host.peerId],
    )
    assert.ok(faultCodes(reader.host).includes('peer/banned'))
    await until('the liar is cut off', () => reader.host.peers().length === 1)
  })

  it('goes on after its source is gone, from another, with what it has', async () => {
    let given = 0
    const first = await startNode('first', {}, async (chunk) => {
      if (++given > 2) await new Promise(() => {})
      return chunk
    })
    const hash = await seed(first)
    const second = await startNode('second')
    const bootstrap = [...first.host.addresses(), ...second.host.addresses()]
    const reader = await startNode('reader', { bootstrap })
    await whenConnected(reader.host, first.host)
    await whenConnected(reader.host, second.host)
    const fetching = reader.blobs.fetchBlob(hash)
    await until('two chunks were given', () => given > 2)
    await seed(second)
    await first.host.stop()
    assert.equal(value(await fetching), bytes.length)
  })

  it('resumes in a new process where an ended download stopped', async () => {
    let given = 0
    const source = await startNode('source', {}, async (chunk) => {
      if (++given > 3) await new Promise(() => {})
      return chunk
    })
    const hash = await seed(source)
    const reader = await startNode('reader', { bootstrap: source.host.addresses() })
    await whenConnected(reader.host, source.host)
    const ending = new AbortController()
    const arrived = Promise.withResolvers<void>()
    const ended = reader.blobs.fetchBlob(hash, {
      signal: ending.signal,
      onProgress: (done) => (done === 3 ? arrived.resolve() : undefined),
    })
    await arrived.promise
    ending.abort()
    assert.deepEqual(await ended, { ok: false, fault: { code: 'fetch/ended', hash, missing: 2 } })
    assert.deepEqual(await reader.store.partials(), [hash])
    given = -10
    const progress: number[] = []
    const fetched = await reader.blobs.fetchBlob(hash, {
      onProgress: (done) => progress.push(done),
    })
    assert.equal(value(fetched), bytes.length)
    assert.deepEqual(progress, [4, 5])
  })

  it('fetches once for all who ask at the same time', async () => {
    let given = 0
    const source = await startNode('source', {}, async (chunk) => {
      given++
      return chunk
    })
    const hash = await seed(source)
    const reader = await startNode('reader', { bootstrap: source.host.addresses() })
    await whenConnected(reader.host, source.host)
    const small = reader.blobs.fetchBlob(hash, { maxBytes: 10 })
    const all = await Promise.all([1, 2, 3].map(() => reader.blobs.fetchBlob(hash)))
    assert.deepEqual(all.map(value), [bytes.length, bytes.length, bytes.length])
    assert.deepEqual(await small, {
      ok: false,
      fault: { code: 'fetch/tooLarge', hash, maxBytes: 10, got: bytes.length },
    })
    assert.equal(given, 5)
    assert.equal(value(await reader.blobs.fetchBlob(hash)), bytes.length)
    assert.equal(faultOf(await reader.blobs.fetchBlob(hash, { maxBytes: 10 })), 'fetch/tooLarge')
  })

  it('waits for someone to have the blob, but not for ever', async () => {
    const source = await startNode('source')
    const reader = await startNode('reader', { bootstrap: source.host.addresses() })
    await whenConnected(reader.host, source.host)
    assert.deepEqual(await reader.blobs.fetchBlob(zeroHash, { timeoutMs: 100 }), {
      ok: false,
      fault: { code: 'fetch/ended', hash: zeroHash, missing: null },
    })
    const other = await startNode('other')
    const hash = await seed(other)
    const fetching = reader.blobs.fetchBlob(hash)
    reader.host.connect(other.host.addresses()[0]!)
    assert.equal(value(await fetching), bytes.length)
    await reader.blobs.stop()
  })

  it('fetches what is there, however many ask for what nobody has', async () => {
    const source = await startNode('source')
    const hash = await seed(source)
    const reader = await startNode('reader', { bootstrap: source.host.addresses() })
    await whenConnected(reader.host, source.host)
    const stop = new AbortController()
    const nowhere = Array.from({ length: 12 }, (_, i) =>
      reader.blobs.fetchBlob(hashOf('nowhere', Uint8Array.of(i)), { signal: stop.signal }),
    )
    const fetched = await reader.blobs.fetchBlob(hash, { timeoutMs: 20_000 })
    assert.deepEqual(fetched, { ok: true, value: bytes.length })
    stop.abort()
    assert.equal((await Promise.all(nowhere)).filter(({ ok }) => ok).length, 0)
  })

  it('bans who gives the manifest of another blob', async () => {
    const liar = await makeHost('liar')
    const store = await openBlobStore(join(folder, `store${opened++}`))
    const other = value(await store.put(sample(100)))
    const forged: BlobStore = { ...store, manifest: () => store.manifest(other) }
    createBlobSync({ host: liar, store: forged, report: liar.note })
    await liar.start()
    const reader = await startNode('reader', { bootstrap: liar.addresses() })
    await whenConnected(reader.host, liar)
    const fetched = await reader.blobs.fetchBlob(zeroHash, { timeoutMs: 2_000 })
    assert.equal(faultOf(fetched), 'fetch/ended')
    assert.deepEqual(
      reader.host.bans().map(({ peer }) => peer),
      [liar.peerId],
    )
  })

  it('refuses questions that make no sense', async () => {
    const source = await startNode('source')
    const hash = await seed(source)
    const reader = await startNode('reader', { bootstrap: source.host.addresses() })
    await whenConnected(reader.host, source.host)
    const limits = { timeoutMs: 10_000, maxBytes: chunkBytes }
    const ask = (topic: string, question: Uint8Array) =>
      reader.host.request(source.host.peerId, topic, question, limits)
    const name = Uint8Array.from({ length: 32 }, (_, i) =>
      Number.parseInt(hash.slice(2 + 2 * i, 4 + 2 * i), 16),
    )
    const index = (i: number) => Uint8Array.from([...name, i >>> 24, i >>> 16, i >>> 8, i])
    for (const question of [name, index(5), index(4_096), index(0xffffffff)])
      assert.equal(faultOf(await ask('blobChunk', question)), 'network/refused')
    for (const topic of ['blobHas', 'blobManifest'])
      assert.equal(faultOf(await ask(topic, Uint8Array.of(1))), 'network/refused')
    assert.equal(value(await ask('blobChunk', index(4))).length, chunkBytes)
  })
})
