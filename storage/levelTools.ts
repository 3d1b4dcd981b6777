/**
 * What is done to a LevelDB folder while no node uses it.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
// biome-ignore lint/correctness/noUnresolvedImports: a CommonJS export that Biome does not see
import { ClassicLevel } from 'classic-level'
import { whyNotOpen } from './level.ts'

/** Rewrite the whole folder without what was deleted or written over. @throws {Error} if it is in use. */
export async function compactLevel(path: string): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: false,
  })
  await level.open().catch((error: unknown) => {
    throw new Error(whyNotOpen(path, error), { cause: error })
  })
  try {
    await level.compactRange(Uint8Array.of(0), new Uint8Array(33).fill(255))
  } finally {
    await level.close()
  }
}

/** Build the folder's index anew from the tables and logs that can be read; the rest is lost. */
export function repairLevel(path: string): Promise<void> {
  return ClassicLevel.repair(path)
}

/** Bytes of the folder's files. */
export async function levelBytes(path: string): Promise<number> {
  const names = await readdir(path)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
