/**
 * A blob store that does not trust its disk: what no longer hashes to its name is told of and forgotten,
 * so that it is missing and can be fetched again, rather than be there and useless.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import type { BlobFault } from './blobFault.ts'
import type { BlobStore } from './blobStore.ts'

/** Faults of what is stored; all others are of who asks, or of the machine. */
const spoilt: readonly BlobFault['code'][] = ['blob/corrupt', 'blob/manifest']

/**
 * Guard `store`. A blob is read whole when it is first asked for after a start, and again after a part
 * of it was found spoilt: children read its file without a look at its hash.
 *
 * @param report - told of each blob that was forgotten.
 */
export function soundBlobs(store: BlobStore, report: (fault: BlobFault) => void): BlobStore {
  /** Blobs that were whole, or that are being read. */
  const looks = new Map<Hash, Promise<boolean>>()

  async function forget(hash: Hash, fault: BlobFault): Promise<void> {
    looks.delete(hash)
    await store.delete(hash)
    report(fault)
  }

  async function judged<T>(
    hash: Hash,
    read: Promise<Result<T, BlobFault>>,
  ): Promise<Result<T, BlobFault>> {
    const result = await read
    if (!result.ok && spoilt.includes(result.fault.code)) await forget(hash, result.fault)
    return result
  }

  async function isWhole(hash: Hash): Promise<boolean> {
    const known = await store.manifest(hash)
    if (!known.ok) {
      await forget(hash, known.fault)
      return false
    }
    for (const index of known.value.leaves.keys()) {
      const chunk = await store.readChunk(hash, index)
      if (chunk.ok) continue
      // A file that is too short has no such range.
      await forget(hash, chunk.fault)
      return false
    }
    return true
  }

  async function has(hash: Hash): Promise<boolean> {
    if (!(await store.has(hash))) return false
    const look = looks.get(hash) ?? isWhole(hash)
    looks.set(hash, look)
    try {
      if (await look) return true
    } catch (error) {
      looks.delete(hash)
      throw error
    }
    looks.delete(hash)
    return false
  }

  return {
    ...store,
    has,
    readChunk: (hash, index) => judged(hash, store.readChunk(hash, index)),
    readAll: (hash, maxBytes) => judged(hash, store.readAll(hash, maxBytes)),
    delete: (hash) => {
      looks.delete(hash)
      return store.delete(hash)
    },
  }
}
