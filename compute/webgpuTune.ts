/**
 * Which tile is fastest on an adapter: measured once, then remembered in the user's cache folder.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { AdapterFacts } from './gpuAdapter.ts'
import { createWebGpu, type WebGpu } from './webgpuDevice.ts'
import { matrixConfigs, matrixLabel } from './webgpuMatrices.ts'
import type { Tile } from './webgpuShader.ts'

/** All tiles that pass for a device of WebGPU's default limits. */
const plainTiles: readonly Tile[] = [
  { side: 8, cells: 4 },
  { side: 16, cells: 4 },
  { side: 16, cells: 8 },
]

/** The tiles to try on an adapter; subgroup matrices where it lists a configuration that fits. */
export function tilesFor({
  subgroupMatrices,
  subgroup,
}: Pick<AdapterFacts, 'subgroupMatrices' | 'subgroup'>): readonly Tile[] {
  const matrices = matrixConfigs(subgroupMatrices, subgroup)
  return [...plainTiles, ...matrices.map((matrix) => ({ side: 16, cells: 4, matrix }))]
}

export function tileLabel({ side, cells, matrix }: Tile): string {
  return `${side}x${cells}${matrix === undefined ? '' : `/${matrixLabel(matrix)}`}`
}

/** Side of the product that is timed. */
const trialSide = 2_048
const runs = 5

/** A processor playing a GPU gains nothing from tiles; small ones waste the least on padding. */
export async function chooseTile(device: GPUDevice, facts: AdapterFacts): Promise<Tile> {
  const tiles = tilesFor(facts)
  if (facts.software) return tiles[0]!
  const file = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'waggle', 'gpu.json')
  const key = `tile/2/${facts.vendor}/${facts.architecture}/${facts.description}`
  const known = await readKnown(file)
  const isSound = async (tile: Tile) =>
    tile.matrix === undefined || (await isExact(createWebGpu(device, tile, facts.maxBinding)))
  const remembered = tiles.find((tile) => tileLabel(tile) === known[key])
  // A driver may have changed since.
  if (remembered !== undefined && (await isSound(remembered))) return remembered
  let best = tiles[0]!
  let shortest = Number.POSITIVE_INFINITY
  for (const tile of tiles) {
    if (!(await isSound(tile))) continue
    const ms = await timeTile(createWebGpu(device, tile, facts.maxBinding))
    if (ms < shortest) [best, shortest] = [tile, ms]
  }
  await remember(file, { ...known, [key]: tileLabel(best) })
  return best
}

/** Sides of the product that is checked; each has more than one tile. */
const checked = { rows: 128, columns: 192, inner: 256 }

/** Whether a tile's kernels compile and give the sums that they should, on random and extreme numbers. */
export async function isExact(gpu: WebGpu): Promise<boolean> {
  const { rows, columns, inner } = checked
  // Extremes in the first rows, else numbers without order.
  const cells = (length: number, factor: number) =>
    Int8Array.from({ length }, (_, i) =>
      i < inner ? 127 : i < 2 * inner ? -127 : ((Math.imul(i, factor) >>> 8) % 255) - 127,
    )
  const [a, b] = [cells(rows * inner, 0x9e3779b1), cells(columns * inner, 0x85ebca6b)]
  try {
    const [left, right] = [gpu.storage(a.length), gpu.storage(b.length)]
    const words = gpu.storage(4 * rows * columns)
    gpu.device.queue.writeBuffer(left, 0, a)
    gpu.device.queue.writeBuffer(right, 0, b)
    const fields = { leftStride: inner / 4, depth: inner / 4, outStride: columns }
    const buffers = { left, right, words }
    const encoder = gpu.device.createCommandEncoder()
    gpu.encode(encoder, [gpu.product({ entry: 'sums', fields, buffers, rows, columns })])
    gpu.device.queue.submit([encoder.finish()])
    const sums = new Int32Array(await gpu.read(words, 4 * rows * columns))
    for (const buffer of [left, right, words]) buffer.destroy()
    return sums.every((sum, at) => {
      const [m, n] = [Math.floor(at / columns), at % columns]
      let expected = 0
      for (let k = 0; k < inner; k++) expected += a[m * inner + k]! * b[n * inner + k]!
      return sum === expected
    })
  } catch {
    return false
  }
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
