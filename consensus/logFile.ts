/**
 * An append-only file of records that tells a torn tail from damage.
 *
 * Every frame names how much of the file was already synced when it was written. A crash can only
 * spoil what was not synced, so a bad frame beyond every named mark is a torn tail and is cut off with
 * a report; a bad frame below a mark is damage that no crash explains, and the file is refused.
 */
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { concatBytes, plainBytes } from '../primitives/bytes.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { syncFolder } from '../storage/files.ts'

/** Magic, length, synced mark (8 bytes), CRC-32 of length, mark and payload. */
const headerBytes = 20
const magic = 0x5747_4c31
/** Bound on one record: a sidecar of the largest kind, and some. */
const maxRecordBytes = 80_000_000

export type LogFault = {
  readonly code: 'log/corrupt'
  readonly path: string
  /** Where the damage starts. */
  readonly offset: number
  /** Bytes known to have been on disk. */
  readonly synced: number
}

export type OpenLog = {
  readonly records: readonly Uint8Array[]
  /** Bytes of a torn tail that were cut off. */
  readonly cut: number
  /** Queue a record; it is written by the next `sync`. */
  readonly append: (record: Uint8Array) => void
  /** Resolves when every record so far survives a crash. */
  readonly sync: () => Promise<void>
  /** Syncs, then closes. */
  readonly close: () => Promise<void>
}

/**
 * Open or create the log at `path` and read all of it.
 *
 * @throws if the disk fails.
 */
export async function openLog(path: string): Promise<Result<OpenLog, LogFault>> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+', 0o600)
  try {
    const opened = await recover(file, path)
    if (!opened.ok) await file.close()
    return opened
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The sound records of the log at `path`, which may be in use and stays as it is; null if there is none. */
export async function readRecords(path: string): Promise<readonly Uint8Array[] | null> {
  const bytes = await readFile(path).catch((error: { readonly code?: string }) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return bytes === null ? null : scan(plainBytes(bytes)).records
}

async function recover(file: FileHandle, path: string): Promise<Result<OpenLog, LogFault>> {
  const bytes = plainBytes(await file.readFile())
  // A new file's records survive a power cut only if its name does.
  if (bytes.length === 0) await syncFolder(dirname(path))
  const { records, end } = scan(bytes)
  const synced = end === bytes.length ? end : highestMark(bytes, end)
  if (synced > end) return refuse({ code: 'log/corrupt', path, offset: end, synced })
  if (end < bytes.length) await file.truncate(end)
  return ok({ records, cut: bytes.length - end, ...writer(file, end) })
}

function writer(file: FileHandle, start: number): Pick<OpenLog, 'append' | 'sync' | 'close'> {
  let pending: Uint8Array[] = []
  let synced = start
  let turn: Promise<void> = Promise.resolve()

  async function flush(): Promise<void> {
    if (pending.length === 0) return
    const bytes = concatBytes(...pending)
    pending = []
    await file.appendFile(bytes)
    await file.datasync()
    synced += bytes.length
  }

  function sync(): Promise<void> {
    const result = turn.then(flush)
    turn = result.catch(() => {})
    return result
  }

  return {
    append: (record) => {
      pending.push(header(record, synced), record)
    },
    sync,
    close: async () => {
      try {
        await sync()
      } finally {
        await file.close()
      }
    },
  }
}

function header(record: Uint8Array, synced: number): Uint8Array {
  invariant(record.length <= maxRecordBytes, `log record of ${record.length} bytes`)
  const bytes = new Uint8Array(headerBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, record.length)
  view.setBigUint64(8, BigInt(synced))
  view.setUint32(16, crc32(record, crc32(bytes.subarray(4, 16))))
  return bytes
}

type Frame = { readonly record: Uint8Array; readonly synced: number; readonly end: number }

/** The frame at `offset`, or null if there is no whole and sound one. */
function frameAt(bytes: Uint8Array, offset: number): Frame | null {
  if (bytes.length - offset < headerBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, headerBytes)
  const end = offset + headerBytes + view.getUint32(4)
  if (view.getUint32(0) !== magic || end > bytes.length) return null
  const record = bytes.subarray(offset + headerBytes, end)
  if (crc32(record, crc32(bytes.subarray(offset + 4, offset + 16))) !== view.getUint32(16))
    return null
  return { record, synced: Number(view.getBigUint64(8)), end }
}

function scan(bytes: Uint8Array): {
  readonly records: readonly Uint8Array[]
  readonly end: number
} {
  const records: Uint8Array[] = []
  let end = 0
  for (let frame = frameAt(bytes, 0); frame !== null; frame = frameAt(bytes, end)) {
    records.push(frame.record)
    end = frame.end
  }
  return { records, end }
}

/** The highest synced mark of any sound frame at or after `from`; 0 if there is none. */
function highestMark(bytes: Uint8Array, from: number): number {
  let highest = 0
  for (let at = from; at + headerBytes <= bytes.length; ) {
    const frame = bytes[at] === magic >>> 24 ? frameAt(bytes, at) : null
    if (frame !== null) highest = Math.max(highest, frame.synced)
    at = frame?.end ?? at + 1
  }
  return highest
}
