/**
 * The blobs that are arriving: each is begun once, and found again after a restart.
 */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { BlobFault } from './blobFault.ts'
import type { BlobFolder } from './blobFolder.ts'
import { type BlobManifest, blobHashOf, encodeManifest } from './blobManifest.ts'
import { checkRoom, unlessFull, unlessMissing, writeFileDurably } from './files.ts'
import { openPartial, type PartialBlob } from './partialBlob.ts'

export type BlobArrivals = {
  /**
   * Begin or resume the arrival of a blob. While it is open, every caller gets the same object.
   * Refused if `manifest` is not that of `hash`, if the blob is here already, or for want of space.
   */
  readonly begin: (hash: Hash, manifest: BlobManifest) => Promise<Result<PartialBlob, BlobFault>>
  /** Like `begin`, with the manifest that is on disk. */
  readonly resume: (hash: Hash) => Promise<Result<PartialBlob, BlobFault>>
  /** Blobs whose arrival was begun and neither completed nor discarded. */
  readonly partials: () => Promise<readonly Hash[]>
}

/** @param reserveBytes - refuse to begin what would leave less than this free. */
export function createArrivals(folder: BlobFolder, reserveBytes: number): BlobArrivals {
  const arriving = new Map<Hash, Promise<Result<PartialBlob, BlobFault>>>()

  async function begin(
    hash: Hash,
    manifest: BlobManifest,
  ): Promise<Result<PartialBlob, BlobFault>> {
    const got = blobHashOf(manifest)
    if (got !== hash) return refuse({ code: 'blob/manifest', expected: hash, got })
    return once(hash, () => start(hash, manifest))
  }

  function resume(hash: Hash): Promise<Result<PartialBlob, BlobFault>> {
    return once(hash, async () => {
      const known = await folder.manifest('partial', hash)
      return known.ok ? start(hash, known.value) : known
    })
  }

  async function once(
    hash: Hash,
    make: () => Promise<Result<PartialBlob, BlobFault>>,
  ): Promise<Result<PartialBlob, BlobFault>> {
    const running = arriving.get(hash)
    if (running !== undefined) return running
    const made = make()
    arriving.set(hash, made)
    let begun = false
    try {
      const result = await made
      begun = result.ok
      return result
    } finally {
      if (!begun) arriving.delete(hash)
    }
  }

  async function start(
    hash: Hash,
    manifest: BlobManifest,
  ): Promise<Result<PartialBlob, BlobFault>> {
    const home = folder.home('partial', hash)
    if ((await folder.size(hash)) !== null) {
      await folder.remove(home)
      return refuse({ code: 'blob/present', hash })
    }
    const fresh = (await unlessMissing(stat(home))) === undefined
    if (fresh) {
      const made = await lay(hash, manifest)
      if (!made.ok) return made
    }
    const partial = await openPartial(home, hash, manifest, fresh, {
      install: () => folder.install(home, 'blobs', hash),
      remove: () => folder.remove(home),
      released: () => {
        arriving.delete(hash)
      },
    })
    return ok(partial)
  }

  /** An empty arrival: its manifest, and a file of its full length without a byte in it. */
  async function lay(hash: Hash, manifest: BlobManifest): Promise<Result<void, BlobFault>> {
    const room = await checkRoom(folder.root, manifest.size, reserveBytes)
    if (!room.ok) return room
    return unlessFull(folder.root, manifest.size, async () => {
      const temp = await folder.newTemp()
      await writeFileDurably(join(temp, 'manifest'), encodeManifest(manifest))
      const data = await open(join(temp, 'data'), 'wx')
      await data.truncate(manifest.size).finally(() => data.close())
      await folder.install(temp, 'partial', hash)
    })
  }

  return { begin, resume, partials: () => folder.hashes('partial') }
}
