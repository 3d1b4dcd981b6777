/**
 * A blob store that keeps nothing its operator refuses: what is there is deleted, what comes is not
 * taken, and so nothing of it is served.
 */
import type { Hash } from '../primitives/hash.ts'
import { type Result, refuse } from '../primitives/result.ts'
import type { BlobFault } from './blobFault.ts'
import type { BlobStore } from './blobStore.ts'

/** Forget the refused blobs of `store`, whole or arriving, and guard it against them. */
export async function refusingBlobs(
  store: BlobStore,
  refused: ReadonlySet<Hash>,
): Promise<BlobStore> {
  for (const hash of refused) if (await store.has(hash)) await store.delete(hash)
  for (const hash of await store.partials()) {
    if (!refused.has(hash)) continue
    const begun = await store.resume(hash)
    if (begun.ok) await begun.value.discard()
  }

  const fault = (hash: Hash) => refuse<BlobFault>({ code: 'blob/refused', hash })

  /** The name of what came without one is known only when all of it is here. */
  async function taken(put: Promise<Result<Hash, BlobFault>>): Promise<Result<Hash, BlobFault>> {
    const stored = await put
    if (!stored.ok || !refused.has(stored.value)) return stored
    await store.delete(stored.value)
    return fault(stored.value)
  }

  return {
    ...store,
    put: (bytes) => taken(store.put(bytes)),
    putFile: (path) => taken(store.putFile(path)),
    putStream: (source, maxBytes) => taken(store.putStream(source, maxBytes)),
    begin: async (hash, manifest) =>
      refused.has(hash) ? fault(hash) : store.begin(hash, manifest),
    resume: async (hash) => (refused.has(hash) ? fault(hash) : store.resume(hash)),
  }
}
