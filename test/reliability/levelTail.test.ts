import assert from 'node:assert/strict'
import { cp, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { openLevel } from '../../storage/level.ts'
import { advance, openTestChain } from '../chain/support.ts'

const roots: string[] = []
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true, force: true }))))

/** A chain of five blocks on disk, closed; and the path of the database's own log. */
async function closedChain(): Promise<{ readonly folder: string; readonly log: string }> {
  const root = await mkdtemp(join(tmpdir(), 'waggle-level-'))
  roots.push(root)
  const folder = join(root, 'chain')
  const store = await openLevel(folder)
  const { chain } = await openTestChain({}, store)
  for (let i = 0; i < 5; i++) await advance(chain)
  await store.close()
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  return { folder, log: logs.toSorted().at(-1)! }
}

/** The height of the chain in a copy of `folder` whose log was spoilt; null if it refuses to open. */
async function heightAfter(
  { folder, log }: Awaited<ReturnType<typeof closedChain>>,
  spoil: (path: string, size: number) => Promise<void>,
): Promise<bigint | null> {
  const copy = `${folder}-${Math.random()}`
  await cp(folder, copy, { recursive: true })
  const path = join(copy, log)
  await spoil(path, (await stat(path)).size)
  const store = await openLevel(copy).catch(() => null)
  if (store === null) return null
  try {
    const { chain } = await openTestChain({}, store)
    const { height } = chain.head()
    for (let at = 1n; at <= height; at++) assert.ok((await chain.blockAt(at)) !== null)
    await advance(chain)
    assert.equal(chain.head().height, height + 1n)
    return height
  } finally {
    await store.close()
  }
}

async function truncate(path: string, size: number): Promise<void> {
  const file = await open(path, 'r+')
  await file.truncate(Math.max(0, size))
  await file.close()
}

describe("a torn or damaged tail of the database's log", () => {
  it('leaves the chain at a whole earlier block, from where it goes on', async () => {
    const chain = await closedChain()
    const heights: (bigint | null)[] = []
    for (const part of [1, 0.999, 0.9, 0.7, 0.4, 0.1])
      heights.push(
        await heightAfter(chain, (path, size) => truncate(path, Math.floor(size * part))),
      )
    assert.equal(heights[0], 5n)
    for (const height of heights) assert.ok(height !== null && height <= 5n, `${heights}`)
    assert.ok(heights.some((height) => height !== null && height < 5n))
  })

  it('is never taken for blocks: flipped bytes lose the tail, or it does not open', async () => {
    const chain = await closedChain()
    for (const part of [0.95, 0.6, 0.3]) {
      const height = await heightAfter(chain, async (path, size) => {
        const file = await open(path, 'r+')
        await file.write(new Uint8Array(16).fill(0xa5), 0, 16, Math.floor(size * part))
        await file.close()
      })
      assert.ok(height === null || height <= 5n)
    }
  })
})
