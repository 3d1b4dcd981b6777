/**
 * Takes a stream of bytes into a folder as a blob: one pass, one chunk of memory.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { chunkBytes } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { BlobFault } from './blobFault.ts'
import { type BlobManifest, chunkLeaf, encodeManifest } from './blobManifest.ts'
import { writeAt, writeFileDurably } from './files.ts'

/** Where bytes come from, in pieces of any size. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Write `source` to `temp/data`, and what it turned out to be to `temp/manifest`; both synced. */
export async function takeBlob(
  source: ByteSource,
  temp: string,
  maxBytes: number,
): Promise<Result<BlobManifest, BlobFault>> {
  const leaves: Uint8Array[] = []
  const chunk = new Uint8Array(chunkBytes)
  let filled = 0
  let size = 0
  const data = await open(join(temp, 'data'), 'wx')
  const flush = async () => {
    const part = chunk.subarray(0, filled)
    leaves.push(chunkLeaf(part))
    await writeAt(data, part, size - filled)
    filled = 0
  }
  try {
    for await (const bytes of source) {
      if (size + bytes.length > maxBytes)
        return refuse({ code: 'blob/tooLarge', maxBytes, got: size + bytes.length })
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + chunkBytes - filled)
        chunk.set(part, filled)
        filled += part.length
        size += part.length
        at += part.length
        if (filled === chunkBytes) await flush()
      }
    }
    if (filled > 0) await flush()
    await data.sync()
  } finally {
    await data.close()
  }
  await writeFileDurably(join(temp, 'manifest'), encodeManifest({ size, leaves }))
  return ok({ size, leaves })
}
