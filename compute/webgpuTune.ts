/**
 * Which tile is fastest on an adapter: measured once, then remembered in the user's cache folder.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { AdapterFacts } from './gpuAdapter.ts'
import { createWebGpu, type WebGpu } from './webgpuDevice.ts'
import type { Tile } from './webgpuShader.ts'

/** All tiles that pass for a device of WebGPU's default limits. */
export const tiles: readonly Tile[] = [
  { side: 8, cells: 4 },
  { side: 16, cells: 4 },
  { side: 16, cells: 8 },
]

/** Side of the product that is timed. */
const trialSide = 2_048
const runs = 5

/** A processor playing a GPU gains nothing from tiles; small ones waste the least on padding. */
export async function chooseTile(device: GPUDevice, facts: AdapterFacts): Promise<Tile> {
  if (facts.software) return tiles[0]!
  const file = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'waggle', 'gpu.json')
  const key = `tile/1/${facts.vendor}/${facts.architecture}/${facts.description}`
  const known = await readKnown(file)
  const chosen = tiles.find(({ side, cells }) => `${side}x${cells}` === known[key])
  if (chosen !== undefined) return chosen
  let best = tiles[0]!
  let shortest = Number.POSITIVE_INFINITY
  for (const tile of tiles) {
    const ms = await timeTile(createWebGpu(device, tile, facts.maxBinding))
    if (ms < shortest) [best, shortest] = [tile, ms]
  }
  await remember(file, { ...known, [key]: `${best.side}x${best.cells}` })
  return best
}

/** Milliseconds of the fastest of a few products. */
async function timeTile(gpu: WebGpu): Promise<number> {
  const bytes = trialSide * trialSide
  const [left, right, words] = [gpu.storage(bytes), gpu.storage(bytes), gpu.storage(4 * bytes)]
  const fields = { leftStride: trialSide / 4, depth: trialSide / 4, outStride: trialSide }
  const buffers = { left, right, words }
  const sides = { rows: trialSide, columns: trialSide }
  const dispatch = gpu.product({ entry: 'sums', fields, buffers, ...sides })
  let shortest = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const began = performance.now()
    const encoder = gpu.device.createCommandEncoder()
    gpu.encode(encoder, [dispatch])
    gpu.device.queue.submit([encoder.finish()])
    await gpu.device.queue.onSubmittedWorkDone()
    shortest = Math.min(shortest, performance.now() - began)
  }
  gpu.check()
  for (const buffer of [left, right, words]) buffer.destroy()
  return shortest
}

/** What an earlier start measured; a file that is not there or not ours says nothing. */
async function readKnown(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const known: unknown = JSON.parse(await readFile(file, 'utf8'))
    return typeof known === 'object' && known !== null ? { ...known } : {}
  } catch {
    return {}
  }
}

/** A cache that cannot be written costs the measurement next time. */
async function remember(file: string, known: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `${JSON.stringify(known, null, 2)}\n`)
  } catch {
    return
  }
}
