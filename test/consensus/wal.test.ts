import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type OpenLog, openLog } from '../../consensus/logFile.ts'
import { type Input, Step } from '../../consensus/machineState.ts'
import { VoteKind } from '../../consensus/messages.ts'
import { createWal } from '../../consensus/wal.ts'
import { Bug } from '../../primitives/result.ts'
import { fakeVote, nameOf } from './fixtures.ts'

let folder: string
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-wal-'))
})

afterAll(() => rm(folder, { recursive: true }))

const freshPath = () => join(folder, `log-${files++}`)
const record = (i: number) => new Uint8Array(10 + i).fill(i)

/** Write records, `synced` of them with a sync each; the rest with one sync at the end. */
async function written(count: number, synced: number): Promise<string> {
  const path = freshPath()
  const log = await opened(path)
  for (let i = 0; i < count; i++) {
    log.append(record(i))
    if (i < synced) await log.sync()
  }
  await log.close()
  return path
}

async function opened(path: string): Promise<OpenLog> {
  const log = await openLog(path)
  assert.ok(log.ok, JSON.stringify(log))
  return log.value
}

async function recordsOf(path: string): Promise<readonly Uint8Array[]> {
  const log = await opened(path)
  await log.close()
  return log.records
}

describe('a log file', () => {
  it('gives back what was synced, and goes on from there', async () => {
    const path = await written(3, 3)
    const log = await opened(path)
    assert.deepEqual(log.records, [0, 1, 2].map(record))
    assert.equal(log.cut, 0)
    log.append(record(3))
    await log.close()
    assert.deepEqual(await recordsOf(path), [0, 1, 2, 3].map(record))
  })

  it('cuts off a torn tail of any length, and says so', async () => {
    const path = await written(3, 3)
    const whole = await readFile(path)
    const kept = whole.length - (20 + 12)
    for (let length = kept + 1; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length))
      const log = await opened(path)
      assert.deepEqual(log.records, [0, 1].map(record))
      assert.equal(log.cut, length - kept)
      log.append(record(9))
      await log.close()
      assert.deepEqual(await recordsOf(path), [record(0), record(1), record(9)])
    }
  })

  it('cuts off a last record whose bytes did not all reach the disk', async () => {
    const path = await written(3, 3)
    const bytes = await readFile(path)
    bytes[bytes.length - 5]! ^= 1
    await writeFile(path, bytes)
    const log = await opened(path)
    assert.deepEqual(log.records, [0, 1].map(record))
    await log.close()
  })

  it('cuts off writes that reached the disk out of order before any sync', async () => {
    const path = await written(4, 1)
    const bytes = await readFile(path)
    bytes.fill(0, 30 + 5, 30 + 25)
    await writeFile(path, bytes)
    const log = await opened(path)
    assert.deepEqual(log.records, [record(0)])
    assert.equal(log.cut, bytes.length - 30)
    await log.close()
  })

  it('refuses damage in what was synced, saying where', async () => {
    const path = await written(4, 4)
    const whole = await readFile(path)
    // Frames start at 0, 30, 61, 93; the last one vouches for the 93 bytes before it.
    for (const [at, offset] of [
      [3, 0],
      [25, 0],
      [35, 30],
      [38, 30],
      [92, 61],
    ] as const) {
      const bytes = Uint8Array.from(whole)
      bytes[at]! ^= 0x40
      await writeFile(path, bytes)
      assert.deepEqual(await openLog(path), {
        ok: false,
        fault: { code: 'log/corrupt', path, offset, synced: 93 },
      })
    }
  })

  it('is empty if it is new, and cut to nothing if it is garbage', async () => {
    assert.deepEqual(await recordsOf(freshPath()), [])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const path = freshPath()
        await writeFile(path, bytes)
        assert.deepEqual(await recordsOf(path), [])
      }),
      { numRuns: 30 },
    )
  })
})

const inputs: readonly Input[] = [
  { type: 'vote', vote: fakeVote(VoteKind.Prevote, 1, 0, nameOf('a')) },
  { type: 'complete', value: nameOf('a') },
  { type: 'timeout', step: Step.Propose, round: 0 },
]

describe('the write-ahead log', () => {
  it('gives back the inputs and values of its height', async () => {
    const path = freshPath()
    const wal = createWal(path)
    await wal.open(7n)
    wal.appendEnvelope(Uint8Array.of(1, 2))
    wal.appendSidecar(Uint8Array.of(3))
    for (const input of inputs) wal.appendInput(input)
    await wal.close()
    assert.deepEqual(await wal.open(7n), {
      ok: true,
      value: {
        inputs,
        envelopes: [Uint8Array.of(1, 2)],
        sidecars: [Uint8Array.of(3)],
        cut: 0,
      },
    })
    await wal.close()
  })

  it('turns at each height: values go at once, inputs after some heights', async () => {
    const path = freshPath()
    const wal = createWal(path, { keepHeights: 2 })
    for (const height of [9n, 10n, 11n]) {
      const opening = await wal.open(height)
      assert.ok(opening.ok && opening.value.inputs.length === 0)
      for (const input of inputs) wal.appendInput(input)
      await wal.sync()
    }
    await wal.close()
    assert.deepEqual((await readdir(path)).toSorted(), ['10.inputs', '11.inputs', '11.values'])
  })

  it('reports a torn tail, and hands on the fault of damage', async () => {
    const path = freshPath()
    const wal = createWal(path)
    await wal.open(1n)
    for (const input of inputs) {
      wal.appendInput(input)
      await wal.sync()
    }
    await wal.close()
    const file = join(path, '1.inputs')
    const { length } = await readFile(file)
    await truncate(file, length - 1)
    const torn = await wal.open(1n)
    assert.ok(torn.ok && torn.value.cut > 0)
    assert.deepEqual(torn.value.inputs, inputs.slice(0, 2))
    await wal.close()
    const bytes = await readFile(file)
    bytes[22]! ^= 1
    await writeFile(file, bytes)
    const damaged = await wal.open(1n)
    assert.ok(!damaged.ok && damaged.fault.code === 'log/corrupt')
  })

  it('is not used before it is opened', () => {
    assert.throws(() => createWal(freshPath()).appendInput(inputs[0]!), Bug)
  })
})
