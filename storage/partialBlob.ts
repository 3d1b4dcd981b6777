/**
 * A blob that is still arriving, chunk by chunk and in any order. Every chunk is checked against the
 * manifest before it is written, and again after a restart, so a torn write is merely missing.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { chunkBytes } from '../params/protocol.ts'
import { equalBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type BlobFault, chunkFault } from './blobFault.ts'
import { type BlobManifest, chunkLeaf, chunkLength } from './blobManifest.ts'
import { readAt, unlessFull, writeAt } from './files.ts'

export type PartialBlob = {
  readonly hash: Hash
  readonly manifest: BlobManifest
  /** One bit per chunk, least significant bit of the first byte first; set while it is missing. */
  readonly missing: () => Uint8Array
  readonly missingCount: () => number
  /** Check and write one chunk; a chunk that is already here is accepted and ignored. */
  readonly putChunk: (index: number, bytes: Uint8Array) => Promise<Result<'stored', BlobFault>>
  /** Move it among the whole blobs, durably. Refused while a chunk is missing. */
  readonly complete: () => Promise<Result<Hash, BlobFault>>
  /** Let go of the file; what has arrived stays for the next `begin`. */
  readonly close: () => Promise<void>
  /** Let go and forget what has arrived. */
  readonly discard: () => Promise<void>
}

/** What the store does when a partial blob ends. */
export type PartialModules = {
  readonly install: (folder: string, hash: Hash) => Promise<void>
  readonly remove: (folder: string) => Promise<void>
  /** Called once, last of all. */
  readonly released: () => void
}

/**
 * Open the partial blob in `folder`, whose file `data` has its full length already.
 *
 * @param fresh - nothing has arrived yet: spares reading the whole file.
 */
export async function openPartial(
  folder: string,
  hash: Hash,
  manifest: BlobManifest,
  fresh: boolean,
  modules: PartialModules,
): Promise<PartialBlob> {
  const path = join(folder, 'data')
  const { size, leaves } = manifest
  const file = await open(path, 'r+')
  const absent = fresh ? new Set(leaves.keys()) : await findAbsent(file, manifest)
  let isOpen = true

  function missing(): Uint8Array {
    const bits = new Uint8Array(Math.ceil(leaves.length / 8))
    for (const index of absent) bits[index >> 3]! |= 1 << (index & 7)
    return bits
  }

  async function putChunk(index: number, bytes: Uint8Array): Promise<Result<'stored', BlobFault>> {
    if (!isOpen) return refuse({ code: 'blob/closed', hash })
    const leaf = Number.isInteger(index) ? leaves[index] : undefined
    if (leaf === undefined)
      return refuse({ code: 'blob/chunkIndex', chunks: leaves.length, got: index })
    const expected = chunkLength(size, index)
    if (bytes.length !== expected)
      return refuse({ code: 'blob/chunkSize', expected, got: bytes.length })
    const got = chunkLeaf(bytes)
    if (!equalBytes(got, leaf)) return refuse(chunkFault(index, leaf, got))
    if (!absent.has(index)) return ok('stored')
    const written = await unlessFull(path, bytes.length, () =>
      writeAt(file, bytes, index * chunkBytes),
    )
    if (!written.ok) return written
    absent.delete(index)
    return ok('stored')
  }

  async function complete(): Promise<Result<Hash, BlobFault>> {
    if (!isOpen) return refuse({ code: 'blob/closed', hash })
    if (absent.size > 0) return refuse({ code: 'blob/incomplete', missing: absent.size })
    const synced = await unlessFull(path, size, () => file.sync())
    if (!synced.ok) return synced
    await end(() => modules.install(folder, hash))
    return ok(hash)
  }

  /** Later calls, and those that come while `last` runs, find it closed. */
  async function end(last: () => Promise<void>): Promise<void> {
    if (!isOpen) return
    isOpen = false
    try {
      await file.close()
      await last()
    } finally {
      modules.released()
    }
  }

  return {
    hash,
    manifest,
    missing,
    missingCount: () => absent.size,
    putChunk,
    complete,
    close: () => end(async () => {}),
    discard: () => end(() => modules.remove(folder)),
  }
}

/** Indices of the chunks whose bytes in `file` do not have their digest. */
async function findAbsent(file: FileHandle, manifest: BlobManifest): Promise<Set<number>> {
  const absent = new Set<number>()
  const buffer = new Uint8Array(chunkBytes)
  for (const [index, leaf] of manifest.leaves.entries()) {
    const chunk = buffer.subarray(0, chunkLength(manifest.size, index))
    const whole = await readAt(file, chunk, index * chunkBytes)
    if (!whole || !equalBytes(chunkLeaf(chunk), leaf)) absent.add(index)
  }
  return absent
}
