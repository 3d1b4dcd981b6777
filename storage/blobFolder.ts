/**
 * The folder of a blob store: `blobs/HASH/{data,manifest}` are whole, `partial/HASH/{data,manifest}`
 * are arriving, `temp/` is emptied at opening. Things move between them by rename, so `kill -9` at
 * any moment leaves each blob whole, partial or absent.
 */
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { plainBytes } from '../primitives/bytes.ts'
import { type Hash, parseHash } from '../primitives/hash.ts'
import { type Result, refuse } from '../primitives/result.ts'
import type { BlobFault } from './blobFault.ts'
import { type BlobManifest, blobHashOf, decodeManifest } from './blobManifest.ts'
import { syncFolder, unlessMissing } from './files.ts'

/** Which of the two shelves a blob is on. */
type Shelf = 'blobs' | 'partial'

export type BlobFolder = {
  readonly root: string
  /** The folder of one blob. */
  readonly home: (shelf: Shelf, hash: Hash) => string
  /** Bytes of a whole blob, or null. */
  readonly size: (hash: Hash) => Promise<number | null>
  readonly hashes: (shelf: Shelf) => Promise<readonly Hash[]>
  readonly manifest: (shelf: Shelf, hash: Hash) => Promise<Result<BlobManifest, BlobFault>>
  /** A new empty folder that does not survive a restart. */
  readonly newTemp: () => Promise<string>
  /** Make the folder `from`, whose files are synced, the blob's; a second copy is dropped. */
  readonly install: (from: string, shelf: Shelf, hash: Hash) => Promise<void>
  /** Out of sight in one step, then file by file. Fine if it is not there. */
  readonly remove: (what: string) => Promise<void>
}

/** Times that a blob is moved into place while others put and remove the same one. */
const maxTries = 8

/** @throws {Error} if `root` cannot be made. */
export async function openBlobFolder(root: string): Promise<BlobFolder> {
  const temps = join(root, 'temp')
  await rm(temps, { recursive: true, force: true })
  for (const part of ['blobs', 'partial', 'temp'])
    await mkdir(join(root, part), { recursive: true })

  const home = (shelf: Shelf, hash: Hash) => join(root, shelf, hash.slice(2))

  async function size(hash: Hash): Promise<number | null> {
    return (await unlessMissing(stat(join(home('blobs', hash), 'data'))))?.size ?? null
  }

  async function hashes(shelf: Shelf): Promise<readonly Hash[]> {
    const names = (await readdir(join(root, shelf))).toSorted((a, b) => (a < b ? -1 : 1))
    return names.flatMap((name) => {
      const parsed = parseHash(`0x${name}`)
      return parsed.ok ? [parsed.value] : []
    })
  }

  async function manifest(shelf: Shelf, hash: Hash): Promise<Result<BlobManifest, BlobFault>> {
    const bytes = await unlessMissing(readFile(join(home(shelf, hash), 'manifest')))
    if (bytes === undefined) return refuse({ code: 'blob/missing', hash })
    const decoded = decodeManifest(plainBytes(bytes))
    if (!decoded.ok) return decoded
    const got = blobHashOf(decoded.value)
    return got === hash ? decoded : refuse({ code: 'blob/manifest', expected: hash, got })
  }

  async function newTemp(): Promise<string> {
    const temp = join(temps, crypto.randomUUID())
    await mkdir(temp)
    return temp
  }

  async function install(from: string, shelf: Shelf, hash: Hash): Promise<void> {
    const to = home(shelf, hash)
    for (let tries = 1; ; tries++) {
      try {
        await rename(from, to)
        break
      } catch (error) {
        if ((await unlessMissing(stat(to))) !== undefined) {
          await remove(from)
          break
        }
        // What was in the way may have been removed meanwhile.
        if (tries === maxTries) throw error
      }
    }
    await syncFolder(join(root, shelf))
  }

  async function remove(what: string): Promise<void> {
    const grave = join(temps, crypto.randomUUID())
    const moved = await unlessMissing(rename(what, grave).then(() => 'moved'))
    if (moved !== undefined) await rm(grave, { recursive: true, force: true })
  }

  return { root, home, size, hashes, manifest, newTemp, install, remove }
}
