/**
 * The key-value store on disk: LevelDB.
 */
// biome-ignore lint/correctness/noUnresolvedImports: a CommonJS export that Biome does not see
import { ClassicLevel } from 'classic-level'
import { plainBytes } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import type { KeyValue, Range, Write } from './keyValue.ts'

export type LevelOptions = {
  /** Refuse batches, and refuse to create what is not there. LevelDB locks the folder all the same. */
  readonly readOnly?: boolean | undefined
  /** LevelDB's own cache of blocks. @default 32 MiB */
  readonly cacheBytes?: number | undefined
}

/**
 * Open, or create, the store in the folder `path`.
 *
 * @throws {Error} naming `path` if another process holds it, if it is missing and `readOnly`, or if
 * the disk refuses; `cause` is the underlying error.
 */
export async function openLevel(path: string, options: LevelOptions = {}): Promise<KeyValue> {
  const { readOnly = false, cacheBytes = 33_554_432 } = options
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing: !readOnly,
    cacheSize: cacheBytes,
  })
  try {
    await level.open()
  } catch (error) {
    throw new Error(whyNotOpen(path, error), { cause: error })
  }

  async function get(key: Uint8Array): Promise<Uint8Array | null> {
    const value = await level.get(key)
    return value === undefined ? null : plainBytes(value)
  }

  async function batch(writes: readonly Write[], sync = false): Promise<void> {
    invariant(!readOnly, `level store ${path}: batch on a read-only store`)
    await level.batch(
      writes.map(({ key, value }) =>
        value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
      ),
      { sync },
    )
  }

  async function* scan(range: Range): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const { from, to, reverse = false, limit = -1 } = range
    for await (const [key, value] of level.iterator({ gte: from, lt: to, reverse, limit }))
      yield [plainBytes(key), plainBytes(value)]
  }

  return { get, batch, scan, close: () => level.close() }
}

/** Why LevelDB did not open the folder, for people. */
export function whyNotOpen(path: string, error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED')
    return `the database at ${path} is in use by another process`
  const why = cause instanceof Error ? cause.message : String(error)
  return `could not open the database at ${path}: ${why}`
}
