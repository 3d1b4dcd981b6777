/**
 * Blobs (datasets, weights) by content hash, as plain files that child processes may read.
 */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { chunkBytes, maxBlobBytes } from '../params/protocol.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type BlobArrivals, createArrivals } from './blobArrivals.ts'
import type { BlobFault } from './blobFault.ts'
import { openBlobFolder } from './blobFolder.ts'
import { type ByteSource, takeBlob } from './blobIntake.ts'
import { type BlobManifest, blobHashOf, chunkLeaf, chunkLength } from './blobManifest.ts'
import { checkRoom, readAt, unlessFull } from './files.ts'

export type BlobStoreOptions = {
  /** Refuse to begin what would leave less than this free. @default 64 MiB */
  readonly reserveBytes?: number | undefined
}

export type BlobStore = BlobArrivals & {
  readonly put: (bytes: Uint8Array) => Promise<Result<Hash, BlobFault>>
  /** Copy the file at `path` in. @throws {Error} if it cannot be read. */
  readonly putFile: (path: string) => Promise<Result<Hash, BlobFault>>
  /** Refuses as soon as `source` has given more than `maxBytes`. @default maxBlobBytes */
  readonly putStream: (source: ByteSource, maxBytes?: number) => Promise<Result<Hash, BlobFault>>
  readonly has: (hash: Hash) => Promise<boolean>
  /** Bytes of a whole blob, or null. */
  readonly size: (hash: Hash) => Promise<number | null>
  /** Where the bytes of a whole blob are; never written again, but gone after `delete`. */
  readonly path: (hash: Hash) => string
  /** Some bytes, as the disk gives them. */
  readonly read: (hash: Hash, part: BlobPart) => Promise<Result<Uint8Array, BlobFault>>
  /** One chunk, checked against the manifest: safe to send on. */
  readonly readChunk: (hash: Hash, index: number) => Promise<Result<Uint8Array, BlobFault>>
  /** The whole blob, checked against its hash; refused if it is larger than `maxBytes`. */
  readonly readAll: (hash: Hash, maxBytes: number) => Promise<Result<Uint8Array, BlobFault>>
  readonly manifest: (hash: Hash) => Promise<Result<BlobManifest, BlobFault>>
  readonly list: () => Promise<readonly { readonly hash: Hash; readonly size: number }[]>
  /** Forget a whole blob, if there is one. */
  readonly delete: (hash: Hash) => Promise<void>
}

type BlobPart = { readonly offset: number; readonly length: number }

/** Manifests kept in memory; the largest takes about 400 KiB. */
const manifestsKept = 16

/** @throws {Error} if the folder `root` cannot be made or read. */
export async function openBlobStore(
  root: string,
  options: BlobStoreOptions = {},
): Promise<BlobStore> {
  const { reserveBytes = 67_108_864 } = options
  const folder = await openBlobFolder(root)
  const arrivals = createArrivals(folder, reserveBytes)
  const manifests = new Map<Hash, BlobManifest>()
  const path = (hash: Hash) => join(folder.home('blobs', hash), 'data')

  async function putStream(
    source: ByteSource,
    maxBytes: number = maxBlobBytes,
  ): Promise<Result<Hash, BlobFault>> {
    const temp = await folder.newTemp()
    try {
      const written = await unlessFull(temp, chunkBytes, () => takeBlob(source, temp, maxBytes))
      const taken = written.ok ? written.value : written
      if (!taken.ok) return taken
      const hash = blobHashOf(taken.value)
      await folder.install(temp, 'blobs', hash)
      return ok(hash)
    } finally {
      await folder.remove(temp)
    }
  }

  async function putFile(from: string): Promise<Result<Hash, BlobFault>> {
    const room = await checkRoom(root, (await stat(from)).size, reserveBytes)
    return room.ok ? putStream(createReadStream(from, { highWaterMark: chunkBytes })) : room
  }

  async function read(
    hash: Hash,
    { offset, length }: BlobPart,
  ): Promise<Result<Uint8Array, BlobFault>> {
    const size = await folder.size(hash)
    if (size === null) return refuse({ code: 'blob/missing', hash })
    const range = { code: 'blob/range', size, offset, length } as const
    const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length)
    if (!whole || offset < 0 || length < 0 || offset + length > size) return refuse(range)
    const file = await open(path(hash))
    try {
      const bytes = new Uint8Array(length)
      return (await readAt(file, bytes, offset)) ? ok(bytes) : refuse(range)
    } finally {
      await file.close()
    }
  }

  async function readChunk(hash: Hash, index: number): Promise<Result<Uint8Array, BlobFault>> {
    const known = await manifest(hash)
    if (!known.ok) return known
    const { size, leaves } = known.value
    const leaf = Number.isInteger(index) ? leaves[index] : undefined
    if (leaf === undefined)
      return refuse({ code: 'blob/chunkIndex', chunks: leaves.length, got: index })
    const length = chunkLength(size, index)
    const chunk = await read(hash, { offset: index * chunkBytes, length })
    if (!chunk.ok) return chunk
    return equalBytes(chunkLeaf(chunk.value), leaf)
      ? chunk
      : refuse({ code: 'blob/corrupt', hash, index })
  }

  async function readAll(hash: Hash, maxBytes: number): Promise<Result<Uint8Array, BlobFault>> {
    const known = await manifest(hash)
    if (!known.ok) return known
    const { size, leaves } = known.value
    if (size > maxBytes) return refuse({ code: 'blob/tooLarge', maxBytes, got: size })
    const bytes = new Uint8Array(size)
    for (const index of leaves.keys()) {
      const chunk = await readChunk(hash, index)
      if (!chunk.ok) return chunk
      bytes.set(chunk.value, index * chunkBytes)
    }
    return ok(bytes)
  }

  async function manifest(hash: Hash): Promise<Result<BlobManifest, BlobFault>> {
    const cached = manifests.get(hash)
    if (cached !== undefined) return ok(cached)
    const found = await folder.manifest('blobs', hash)
    if (!found.ok) return found
    if (manifests.size >= manifestsKept) manifests.delete(manifests.keys().next().value!)
    manifests.set(hash, found.value)
    return found
  }

  async function list(): Promise<readonly { readonly hash: Hash; readonly size: number }[]> {
    const found: { readonly hash: Hash; readonly size: number }[] = []
    for (const hash of await folder.hashes('blobs')) {
      const size = await folder.size(hash)
      if (size !== null) found.push({ hash, size })
    }
    return found
  }

  async function forget(hash: Hash): Promise<void> {
    manifests.delete(hash)
    await folder.remove(folder.home('blobs', hash))
  }

  return {
    ...arrivals,
    put: (bytes) => putStream([bytes]),
    putFile,
    putStream,
    has: async (hash) => (await folder.size(hash)) !== null,
    size: folder.size,
    path,
    read,
    readChunk,
    readAll,
    manifest,
    list,
    delete: forget,
  }
}
