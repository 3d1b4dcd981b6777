import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { chunkBytes, maxBlobBytes } from '../../params/protocol.ts'
import { equalBytes, toHex, uintBytes, utf8ToBytes } from '../../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf, zeroHash } from '../../primitives/hash.ts'
import { merkleLeaf, merkleRoot } from '../../primitives/merkle.ts'
import type { Fault, Result } from '../../primitives/result.ts'
import {
  blobHashOf,
  chunkLeaf,
  decodeManifest,
  encodeManifest,
  maxManifestBytes,
} from '../../storage/blobManifest.ts'
import { type BlobStore, openBlobStore } from '../../storage/blobStore.ts'

let folder = ''
let opened = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-blobs-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const nextRoot = () => join(folder, `store${opened++}`)
const openNext = () => openBlobStore(nextRoot(), { reserveBytes: 0 })

/** `size` bytes in which every chunk differs. */
function sample(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 20) * 7 + 1
  return bytes
}

const chunkOf = (bytes: Uint8Array, index: number) =>
  bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)

function value<T>(result: Result<T, Fault>): T {
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

function faultOf(result: Result<unknown, Fault>): string {
  assert.ok(!result.ok)
  return result.fault.code
}

describe('blob manifest', () => {
  it('names a blob by its size and the Merkle root of its chunks', () => {
    const bytes = sample(chunkBytes + 5)
    const leaves = [0, 1].map((index) => merkleLeaf(chunkOf(bytes, index)))
    const expected = hashOf(
      'waggle/blob/v1',
      uintBytes(bytes.length, 8),
      hashBytes(merkleRoot(leaves)),
    )
    const manifest = { size: bytes.length, leaves: [0, 1].map((i) => chunkLeaf(chunkOf(bytes, i))) }
    assert.equal(blobHashOf(manifest), expected)
    assert.deepEqual(value(decodeManifest(encodeManifest(manifest))), manifest)
  })

  it('gives the names that another implementation gave', () => {
    const small = { size: 3, leaves: [chunkLeaf(utf8ToBytes('abc'))] }
    assert.equal(
      toHex(encodeManifest(small)),
      '0x0000000000000003609f6e36d2405585188d5cfd761f407c7cc46a7d3f314c88270469dde315fcd1',
    )
    assert.equal(
      blobHashOf({ size: 0, leaves: [] }),
      '0x2676c1ff7f87c7e0d16a4a957101e7b7bf68670fccbf603554a2bd7b34513276',
    )
    const leaves = [new Uint8Array(chunkBytes), utf8ToBytes('abc')].map(chunkLeaf)
    assert.equal(
      blobHashOf({ size: chunkBytes + 3, leaves }),
      '0xb1a8bcfd2be5315610a61af1aff5b28d6b6a2af5adfccd88baaf60d71a469733',
    )
  })

  it('gives a verdict on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodeManifest(bytes)
        if (decoded.ok) assert.deepEqual(encodeManifest(decoded.value), bytes)
      }),
    )
    assert.equal(faultOf(decodeManifest(uintBytes(maxBlobBytes + 1, 8))), 'codec/bound')
    assert.equal(maxManifestBytes, 8 + 32 * 4_096)
  })
})

describe('blob store', () => {
  it.each([0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes + 77])(
    'gives back a blob of %i bytes',
    async (size) => {
      const store = await openNext()
      const bytes = sample(size)
      const hash = value(await store.put(bytes))
      assert.equal(await store.has(hash), true)
      assert.equal(await store.size(hash), size)
      assert.ok(equalBytes(value(await store.readAll(hash, size)), bytes))
      assert.ok(equalBytes(await readFile(store.path(hash)), bytes))
      assert.equal(blobHashOf(value(await store.manifest(hash))), hash)
      assert.deepEqual(await store.list(), [{ hash, size }])
      assert.equal(value(await store.put(bytes)), hash, 'a second put changes nothing')
      await store.delete(hash)
      await store.delete(hash)
      assert.equal(await store.has(hash), false)
      assert.equal(faultOf(await store.readAll(hash, size)), 'blob/missing')
      assert.deepEqual(await store.list(), [])
    },
  )

  it('names a file, a stream and bytes alike, however they are cut', async () => {
    const store = await openNext()
    const bytes = sample(chunkBytes + 1_000)
    const hash = value(await store.put(bytes))
    const path = join(folder, 'input')
    await writeFile(path, bytes)
    assert.equal(value(await store.putFile(path)), hash)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
        const pieces = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
        assert.equal(value(await store.putStream(pieces)), hash)
      }),
      { numRuns: 10 },
    )
  })

  it('refuses a stream that is longer than it may be and keeps nothing of it', async () => {
    const root = nextRoot()
    const store = await openBlobStore(root)
    assert.equal(faultOf(await store.putStream([sample(10), sample(10)], 19)), 'blob/tooLarge')
    assert.deepEqual(await readdir(join(root, 'temp')), [])
    assert.deepEqual(await store.list(), [])
  })

  it('keeps nothing of a stream that breaks', async () => {
    const root = nextRoot()
    const store = await openBlobStore(root)
    async function* broken(): AsyncIterable<Uint8Array> {
      yield sample(10)
      throw new Error('the source broke')
    }
    await assert.rejects(store.putStream(broken()), /the source broke/)
    assert.deepEqual(await readdir(join(root, 'temp')), [])
  })

  it('reads within a blob and refuses to read past it', async () => {
    const store = await openNext()
    const bytes = sample(1_000)
    const hash = value(await store.put(bytes))
    const part = value(await store.read(hash, { offset: 990, length: 10 }))
    assert.deepEqual(part, bytes.slice(990))
    for (const [offset, length] of [
      [990, 11],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const)
      assert.equal(faultOf(await store.read(hash, { offset, length })), 'blob/range')
    assert.equal(faultOf(await store.read(zeroHash, { offset: 0, length: 0 })), 'blob/missing')
    assert.equal(faultOf(await store.readAll(hash, 999)), 'blob/tooLarge')
    assert.equal(faultOf(await store.readChunk(hash, 1)), 'blob/chunkIndex')
  })

  it('notices what the disk has lost', async () => {
    const store = await openNext()
    const hash = value(await store.put(sample(chunkBytes + 9)))
    const file = await open(store.path(hash), 'r+')
    await file.write(Uint8Array.of(255, 255), 0, 2, chunkBytes + 1)
    await file.close()
    assert.deepEqual(await store.readChunk(hash, 1), {
      ok: false,
      fault: { code: 'blob/corrupt', hash, index: 1 },
    })
    assert.equal(faultOf(await store.readAll(hash, maxBlobBytes)), 'blob/corrupt')
    assert.ok((await store.readChunk(hash, 0)).ok)
  })

  it('says when the disk is too full', async () => {
    const store = await openBlobStore(nextRoot(), { reserveBytes: 2 ** 50 })
    const path = join(folder, 'small')
    await writeFile(path, sample(10))
    assert.equal(faultOf(await store.putFile(path)), 'disk/full')
    const manifest = { size: 3, leaves: [chunkLeaf(sample(3))] }
    const begun = await store.begin(blobHashOf(manifest), manifest)
    assert.equal(faultOf(begun), 'disk/full')
  })

  it('ignores strangers in its folder and clears what a crash left in temp', async () => {
    const root = nextRoot()
    await mkdir(join(root, 'temp', 'torn'), { recursive: true })
    await mkdir(join(root, 'blobs', 'lost+found'), { recursive: true })
    const store = await openBlobStore(root)
    assert.deepEqual(await store.list(), [])
    assert.deepEqual(await readdir(join(root, 'temp')), [])
  })
})

describe('partial blob', () => {
  const bytes = sample(3 * chunkBytes + 500)
  let hash: Hash
  let source: BlobStore
  beforeAll(async () => {
    source = await openNext()
    hash = value(await source.put(bytes))
  })
  const manifestOf = async () => value(await source.manifest(hash))

  it('takes chunks in any order and becomes a blob', async () => {
    const store = await openNext()
    const partial = value(await store.begin(hash, await manifestOf()))
    assert.deepEqual(partial.missing(), Uint8Array.of(0b1111))
    for (const index of [3, 0, 2]) value(await partial.putChunk(index, chunkOf(bytes, index)))
    assert.deepEqual(partial.missing(), Uint8Array.of(0b0010))
    assert.equal(faultOf(await partial.complete()), 'blob/incomplete')
    assert.equal(await store.has(hash), false)
    value(await partial.putChunk(1, chunkOf(bytes, 1)))
    value(await partial.putChunk(1, chunkOf(bytes, 1)))
    assert.equal(value(await partial.complete()), hash)
    assert.ok(equalBytes(value(await store.readAll(hash, bytes.length)), bytes))
    assert.deepEqual(await store.partials(), [])
    assert.equal(faultOf(await partial.putChunk(1, chunkOf(bytes, 1))), 'blob/closed')
    assert.equal(faultOf(await partial.complete()), 'blob/closed')
    assert.equal(faultOf(await store.begin(hash, await manifestOf())), 'blob/present')
  })

  it("refuses a manifest that is not the blob's", async () => {
    const store = await openNext()
    const manifest = await manifestOf()
    const wrong = [
      { ...manifest, size: manifest.size - 1 },
      { ...manifest, leaves: manifest.leaves.toReversed() },
      { ...manifest, leaves: [...manifest.leaves, manifest.leaves[0]!] },
    ]
    for (const forged of wrong)
      assert.equal(faultOf(await store.begin(hash, forged)), 'blob/manifest')
    assert.deepEqual(await store.partials(), [])
  })

  it('refuses chunks that are wrong, misplaced, short, long or not there', async () => {
    const store = await openNext()
    const partial = value(await store.begin(hash, await manifestOf()))
    const flipped = Uint8Array.from(chunkOf(bytes, 0))
    flipped[77]! ^= 1
    assert.equal(faultOf(await partial.putChunk(0, flipped)), 'blob/chunk')
    assert.equal(faultOf(await partial.putChunk(1, chunkOf(bytes, 0))), 'blob/chunk')
    assert.equal(faultOf(await partial.putChunk(3, chunkOf(bytes, 0))), 'blob/chunkSize')
    assert.equal(faultOf(await partial.putChunk(0, new Uint8Array())), 'blob/chunkSize')
    for (const index of [4, -1, 0.5, Number.NaN])
      assert.equal(faultOf(await partial.putChunk(index, chunkOf(bytes, 0))), 'blob/chunkIndex')
    assert.equal(partial.missingCount(), 4)
    await partial.discard()
    assert.deepEqual(await store.partials(), [])
  })

  it('gives concurrent callers the same arrival', async () => {
    const store = await openNext()
    const manifest = await manifestOf()
    const [one, other] = await Promise.all([
      store.begin(hash, manifest),
      store.begin(hash, manifest),
    ])
    assert.equal(value(one), value(other))
    await value(one).close()
    const later = value(await store.resume(hash))
    assert.notEqual(later, value(one))
    await later.discard()
    assert.equal(faultOf(await store.resume(hash)), 'blob/missing')
  })

  it('treats a torn chunk as missing when it resumes', async () => {
    const root = nextRoot()
    const store = await openBlobStore(root)
    const partial = value(await store.begin(hash, await manifestOf()))
    for (const index of [0, 1, 3]) value(await partial.putChunk(index, chunkOf(bytes, index)))
    await partial.close()
    const data = join(root, 'partial', hash.slice(2), 'data')
    const file = await open(data, 'r+')
    await file.write(new Uint8Array(100), 0, 100, chunkBytes + 5_000)
    await file.close()
    const again = await openBlobStore(root)
    assert.deepEqual(await again.partials(), [hash])
    const resumed = value(await again.resume(hash))
    assert.deepEqual(resumed.missing(), Uint8Array.of(0b0110))
    await resumed.close()
    await appendFile(join(root, 'partial', hash.slice(2), 'manifest'), 'x')
    assert.equal(faultOf(await again.resume(hash)), 'codec/trailing')
  })

  it('resumes after kill -9 with every chunk it had taken', async () => {
    const root = nextRoot()
    const module = join(import.meta.dirname, '../../storage/blobStore.ts')
    const script = `
      const { openBlobStore } = await import(${JSON.stringify(module)})
      const source = await openBlobStore(${JSON.stringify(join(source.path(hash), '../../..'))})
      const store = await openBlobStore(${JSON.stringify(root)})
      const hash = ${JSON.stringify(hash)}
      const partial = (await store.begin(hash, (await source.manifest(hash)).value)).value
      for (const index of [0, 2])
        await partial.putChunk(index, (await source.readChunk(hash, index)).value)
      process.stdout.write('ready')
      setInterval(() => {}, 1_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await openBlobStore(root)
    const partial = value(await store.resume(hash))
    assert.deepEqual(partial.missing(), Uint8Array.of(0b1010))
    for (const index of [1, 3]) value(await partial.putChunk(index, chunkOf(bytes, index)))
    assert.equal(value(await partial.complete()), hash)
  })

  it('completes an empty blob at once', async () => {
    const store = await openNext()
    const manifest = { size: 0, leaves: [] }
    const partial = value(await store.begin(blobHashOf(manifest), manifest))
    assert.equal(partial.missing().length, 0)
    value(await partial.complete())
    assert.equal(await store.size(blobHashOf(manifest)), 0)
  })

  it('drops what is left of an arrival when the blob came another way', async () => {
    const store = await openNext()
    const manifest = await manifestOf()
    await value(await store.begin(hash, manifest)).close()
    value(await store.put(bytes))
    assert.equal(faultOf(await store.begin(hash, manifest)), 'blob/present')
    assert.deepEqual(await store.partials(), [])
  })
})
