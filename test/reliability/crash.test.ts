import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it, vi } from 'vitest'
import { createDriver } from '../../consensus/driver.ts'
import { openSigner } from '../../consensus/signer.ts'
import { createWal } from '../../consensus/wal.ts'
import { disk, diskRoot, type Failure } from './failingDisk.ts'
import { createValidator, type Keeping, type Validator } from './life.ts'
import { type Mutation, withMutant } from './mutants.ts'

vi.mock('node:fs/promises', async (original) => {
  const { disk: ours } = await import('./failingDisk.ts')
  return ours.wrap(await original())
})

const real: Keeping = { createDriver, openSigner, createWal }
const folders: string[] = []

afterAll(async () => {
  await disk.restart()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function fresh(keeping: Keeping = real): Promise<Validator> {
  await disk.restart()
  const folder = await mkdtemp(join(tmpdir(), diskRoot))
  folders.push(folder)
  return createValidator(keeping, folder)
}

/** Heights of a life in which something fails, and of the life after it. */
const [first, second] = [2, 3]

/** Crash at an operation: by its number, or the first whose words begin so. Null where there is none. */
async function crashAt(
  at: number | string,
  how: Failure,
  keeping: Keeping = real,
): Promise<string | null> {
  const validator = await fresh(keeping)
  const shortly = (name: string) => name.replace(validator.folder, '')
  disk.failAt(typeof at === 'number' ? at : (name) => shortly(name).startsWith(at), how)
  await validator.live(first).catch(() => {})
  if (!disk.isDown()) return null
  const what = shortly(disk.done.at(-1)!)
  await disk.restart()
  const events = await validator.live(second)
  const where = `${how} at ${at} (${what})`
  assert.deepEqual(validator.contradictions, [], where)
  const odd = events.filter(({ type }) => type === 'abstain' || type === 'halt')
  assert.deepEqual(odd, [], where)
  assert.ok(validator.chain.blocks.size >= second, `${where}: no block after it`)
  return what
}

async function crashEverywhere(
  how: Failure,
  keeping: Keeping = real,
  stride = 1,
): Promise<readonly string[]> {
  const points: string[] = []
  for (let at = 0; ; at += stride) {
    const what = await crashAt(at, how, keeping)
    if (what === null) return points
    points.push(what)
  }
}

describe('a validator whose disk fails', { timeout: 60_000 }, () => {
  for (const how of ['torn', 'after', 'lost'] as const)
    it(`signs nothing twice, forgets no commit and goes on: ${how}`, async () => {
      const points = await crashEverywhere(how)
      // Each life is timed by the machine, so that the n-th operation is not the same one every time.
      for (const part of ['write /wal', 'sync /wal', 'write /last-signed', 'rename', 'batch'])
        if (!points.some((point) => point.startsWith(part)))
          assert.notEqual(await crashAt(part, how), null, `${part} in ${points.join(', ')}`)
      assert.ok(points.length > 40, `${points.length} points`)
      if (process.env.WAGGLE_FIGURES) process.stdout.write(`${how}: ${points.length} points\n`)
    })

  it('signs nothing twice and goes on once the disk has room again', async () => {
    const points = await crashEverywhere('ENOSPC', real, 3)
    assert.ok(points.length > 12, `${points.length} points`)
  })

  it('says why it stops when the disk is full or read-only, and has signed nothing by then', async () => {
    for (const how of ['ENOSPC', 'EROFS'] as const) {
      const validator = await fresh()
      disk.failAt(0, how)
      await assert.rejects(validator.live(1), { code: how })
      await disk.restart()
      // The guard's file cannot be written any more: the log could, so the height has begun.
      disk.failAt(4, how)
      const events = await validator.live(1)
      assert.ok(events.some(({ type }) => type === 'halt'))
      assert.ok(validator.chain.reports.some((error) => (error as { code?: string }).code === how))
      assert.ok(!events.some(({ type }) => type === 'vote'))
    }
  })

  it('contradicts nothing, whatever end of the log is lost', async () => {
    const { at, length } = await lastPoint()
    for (let kept = 0; kept <= length; kept += 97) {
      const validator = await fresh()
      disk.failAt(at, 'after')
      await validator.live(first).catch(() => {})
      await disk.restart()
      await truncate(join(validator.folder, 'wal', '1.inputs'), Math.min(kept, length))
      await validator.live(second, 60)
      assert.deepEqual(validator.contradictions, [], `${kept} of ${length} bytes`)
    }
  })
})

/** The operation before the first block is stored, and the bytes of the log by then. */
async function lastPoint() {
  const validator = await fresh()
  await validator.live(1)
  const at = disk.done.findIndex((name) => name.startsWith('batch')) - 1
  const { length } = await readFile(join(validator.folder, 'wal', '1.inputs'))
  return { at, length }
}

const mutants: readonly (readonly [Failure, Mutation])[] = [
  [
    'torn',
    {
      name: 'signs without storing what it signed',
      file: 'signer.ts',
      text: '    await writeDurably(path, encodeSigned(signed))\n',
      by: '',
    },
  ],
  [
    'lost',
    {
      name: 'renames the file of the guard without syncing it',
      file: 'signer.ts',
      text: '    await file.writeFile(bytes)\n    await file.sync()\n',
      by: '    await file.writeFile(bytes)\n',
    },
  ],
  [
    'after',
    {
      name: 'votes before the log is synced',
      file: 'voice.ts',
      text: `    await wal.sync()
    const unsigned`,
      by: '    const unsigned',
    },
  ],
  [
    'lost',
    {
      name: 'leaves the name of a new log to chance',
      file: 'logFile.ts',
      text: '  if (bytes.length === 0) await syncFolder(dirname(path))\n',
      by: '',
    },
  ],
]

describe('a planted bug in what is kept', { timeout: 60_000 }, () => {
  for (const [how, mutation] of mutants)
    it(`is found: ${mutation.name}`, () =>
      withMutant(mutation, async (load) => {
        const { createDriver: driver } = await load<Keeping>('driver.ts')
        const { openSigner: signer } = await load<Keeping>('signer.ts')
        const { createWal: wal } = await load<Keeping>('wal.ts')
        const keeping = { createDriver: driver, openSigner: signer, createWal: wal }
        await assert.rejects(crashEverywhere(how, keeping))
      }))
})
