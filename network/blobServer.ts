/**
 * Gives out blobs: which are here, their manifests, their chunks; and the questions that ask for them.
 */
import { maxBlobBytes } from '../params/protocol.ts'
import { concatBytes } from '../primitives/bytes.ts'
import { decode, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import { chunkCount, encodeManifest } from '../storage/blobManifest.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { Host } from './host.ts'

/** Request topics. `has` and `manifest` are asked with a hash, `chunk` with a hash and an index. */
export const blobTopics = { has: 'blobHas', manifest: 'blobManifest', chunk: 'blobChunk' } as const

export type BlobServerModules = {
  readonly host: Pick<Host, 'serve'>
  readonly store: BlobStore
  /** Told when the disk has lost what it was given. */
  readonly report: (problem: unknown) => void
}

/** Answer the questions of peers from `store`. */
export function serveBlobs({ host, store, report }: BlobServerModules): void {
  host.serve(blobTopics.has, 32, async (_, question) => {
    const hash = readHash(question)
    return hash !== null && (await store.has(hash)) ? Uint8Array.of(1) : null
  })

  host.serve(blobTopics.manifest, 32, async (_, question) => {
    const hash = readHash(question)
    const manifest = hash === null ? null : take(await store.manifest(hash))
    return manifest === null ? null : encodeManifest(manifest)
  })

  host.serve(blobTopics.chunk, 36, async (_, question) => {
    const asked = decode(question, (reader) => ({
      hash: reader.hash(),
      index: reader.number(4, chunkCount(maxBlobBytes) - 1),
    }))
    return asked.ok ? take(await store.readChunk(asked.value.hash, asked.value.index)) : null
  })

  function take<T>(result: Result<T, Fault>): T | null {
    if (result.ok) return result.value
    if (result.fault.code === 'blob/corrupt') report(result.fault)
    return null
  }
}

export function hashQuestion(hash: Hash): Uint8Array {
  return hashBytes(hash)
}

export function chunkQuestion(hash: Hash, index: number): Uint8Array {
  return concatBytes(hashBytes(hash), new Writer().uint(index, 4).bytes())
}

function readHash(question: Uint8Array): Hash | null {
  const decoded = decode(question, (reader) => reader.hash())
  return decoded.ok ? decoded.value : null
}
