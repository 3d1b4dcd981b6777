/**
 * The real file system, except that it counts what is written below one folder and fails at a chosen
 * point: the process dies in the middle of a write, after it, or together with the machine, so that
 * whatever was not synced is gone; or the disk is full, or read-only.
 */
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

type Files = typeof import('node:fs/promises')

/** `torn` and `after` are deaths of the process, `lost` of the machine; the others are errors. */
export type Failure = 'torn' | 'after' | 'lost' | 'ENOSPC' | 'EROFS'

export type Disk = {
  /** Operations so far, in words. */
  readonly done: readonly string[]
  /** Fail at operation number `at`, or at the first whose words `at` accepts, and at all after it. */
  readonly failAt: (at: number | ((name: string) => boolean), how: Failure) => void
  readonly isDown: () => boolean
  /** Another operation that may fail, such as a batch of the database. */
  readonly pass: (name: string, act: () => Promise<void>) => Promise<void>
  /** Make what a dying machine loses lost, count from 0, and fail no more. */
  readonly restart: () => Promise<void>
  readonly wrap: (files: Files) => Files
}

export const diskRoot = 'waggle-crash-'

export function createDisk(): Disk {
  let real: Files
  let done: string[] = []
  let plan: {
    readonly hits: (at: number, name: string) => boolean
    readonly how: Failure
  } | null = null
  let failure: Failure | null = null
  /** Bytes of each written file that survive a power cut. */
  const durable = new Map<string, number>()
  /** What a name meant before its folder was last synced; null is nothing. */
  const before = new Map<string, Uint8Array | null>()

  async function run<T>(name: string, act: () => Promise<T>, half?: () => Promise<unknown>) {
    if (failure !== null) throw refusal(failure)
    const at = done.push(name) - 1
    if (plan === null || !plan.hits(at, name)) return act()
    failure = plan.how
    if (failure === 'torn') await half?.()
    if (failure === 'after' || failure === 'lost') await abandon(await act())
    throw refusal(failure)
  }

  async function remember(path: string): Promise<void> {
    if (before.has(path)) return
    before.set(path, await real.readFile(path).catch(() => null))
  }

  function wrapHandle(path: string, file: FileHandle): FileHandle {
    const written = async (bytes: Uint8Array) => {
      await file.appendFile(bytes)
    }
    const synced = async () => {
      const stat = await file.stat()
      durable.set(path, stat.size)
      if (stat.isDirectory())
        for (const name of [...before.keys()].filter((one) => dirname(one) === path))
          before.delete(name)
    }
    const write = (data: unknown) => {
      const bytes = data as Uint8Array
      return run(
        `write ${path}`,
        () => written(bytes),
        () => written(bytes.subarray(0, bytes.length >> 1)),
      )
    }
    const replaced: Partial<Record<keyof FileHandle, unknown>> = {
      appendFile: write,
      writeFile: write,
      sync: () => run(`sync ${path}`, synced),
      datasync: () => run(`sync ${path}`, synced),
      truncate: (length: number) => run(`truncate ${path}`, () => file.truncate(length)),
    }
    return new Proxy(file, {
      get: (target, name) => {
        const found = replaced[name as keyof FileHandle]
        if (found !== undefined) return found
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  function wrap(files: Files): Files {
    real = files
    const ours = (path: unknown): path is string =>
      typeof path === 'string' && path.includes(diskRoot)
    const open = async (path: string, flags = 'r', mode?: number) => {
      if (!ours(path)) return files.open(path, flags, mode)
      if (flags === 'r') return wrapHandle(path, await files.open(path, flags, mode))
      const act = async () => {
        await remember(path)
        const file = await files.open(path, flags, mode)
        if (!durable.has(path)) durable.set(path, (await file.stat()).size)
        return file
      }
      return wrapHandle(path, await run(`open ${path}`, act))
    }
    const rename = (from: string, to: string) => {
      if (!ours(from)) return files.rename(from, to)
      return run(`rename ${to}`, async () => {
        await remember(to)
        await files.rename(from, to)
        durable.set(to, durable.get(from) ?? 0)
        durable.delete(from)
        before.delete(from)
      })
    }
    const rm: Files['rm'] = (path, options) =>
      ours(path) ? run(`rm ${path}`, () => files.rm(path, options)) : files.rm(path, options)
    return { ...files, open: open as Files['open'], rename: rename as Files['rename'], rm }
  }

  async function losePower(): Promise<void> {
    for (const [path, size] of durable) {
      const stat = await real.stat(path).catch(() => null)
      if (stat?.isFile() && stat.size > size) await real.truncate(path, size)
    }
    for (const [path, bytes] of before)
      if (bytes === null) await real.rm(path, { force: true })
      else await real.writeFile(path, bytes)
  }

  return {
    get done() {
      return done
    },
    failAt: (at, how) => {
      const hits =
        typeof at === 'number' ? (n: number) => n === at : (_: number, name: string) => at(name)
      plan = { hits, how }
    },
    isDown: () => failure !== null,
    pass: (name, act) => run(name, act),
    restart: async () => {
      if (failure === 'lost') await losePower()
      plan = null
      failure = null
      done = []
      durable.clear()
      before.clear()
    },
    wrap,
  }
}

/** The dead hold no files open. */
async function abandon(result: unknown): Promise<void> {
  if (typeof result === 'object' && result !== null && 'close' in result)
    await (result as FileHandle).close()
}

function refusal(how: Failure): Error {
  const what = how === 'ENOSPC' || how === 'EROFS' ? how : 'EIO'
  return Object.assign(new Error(`${what}: the disk has failed (${how})`), { code: what })
}

/** The disk of the file that mocks `node:fs/promises` with it. */
export const disk = createDisk()
