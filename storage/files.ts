/**
 * File operations that survive `kill -9` and say clearly when the disk is full.
 */
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { ok, type Result, refuse } from '../primitives/result.ts'

/** `needed` and `free` in bytes; `free` is -1 where the disk refused before it could be asked. */
export type DiskFault = {
  readonly code: 'disk/full'
  readonly path: string
  readonly needed: number
  readonly free: number
}

/** Run `action`; a full disk or quota is a verdict, any other I/O failure an exception. */
export async function unlessFull<T>(
  path: string,
  needed: number,
  action: () => Promise<T>,
): Promise<Result<T, DiskFault>> {
  try {
    return ok(await action())
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    return refuse({ code: 'disk/full', path, needed, free: -1 })
  }
}

/** Whether `needed` bytes fit on the disk of `path` and leave `reserve` free. */
export async function checkRoom(
  path: string,
  needed: number,
  reserve: number,
): Promise<Result<'room', DiskFault>> {
  const { bavail, bsize } = await statfs(path)
  const free = bavail * bsize
  return free >= needed + reserve ? ok('room') : refuse({ code: 'disk/full', path, needed, free })
}

/** The outcome of `reading`, or undefined where there is no such file. */
export async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Fill `target` from `position` on; false if the file ends before. */
export async function readAt(
  file: FileHandle,
  target: Uint8Array,
  position: number,
): Promise<boolean> {
  let done = 0
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done)
    if (bytesRead === 0) return false
    done += bytesRead
  }
  return true
}

export async function writeAt(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0
  while (done < bytes.length)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
}

/** Make the file `path`, which must not exist yet, with its bytes on disk. */
export async function writeFileDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await writeAt(file, bytes, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A rename is on disk once its folder is. Windows has no such call and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path)
  await folder.sync().finally(() => folder.close())
}
