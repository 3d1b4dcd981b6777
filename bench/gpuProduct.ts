/**
 * `product.int8.N`: one exact product of two `N × N` int8 matrices that are on the device already, the sums
 * left there. A trillion operations a second count a multiplication and an addition each.
 */
import { adapterFacts, findAdapter, requestDevice } from '../compute/gpuAdapter.ts'
import { createWebGpu } from '../compute/webgpuDevice.ts'
import { chooseTile } from '../compute/webgpuTune.ts'
import { type Hash, sha256Hash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { median, timeRuns } from './measure.ts'

export type ProductFigures = { readonly tops: number; readonly isExact: boolean }

/** Cells of the result that are computed again, at random places. */
const checkedCells = 256
/** Products of one submission, so that its cost does not count. */
const repeats = 4

const seed: Hash = sha256Hash(new Uint8Array())

/** `side` a multiple of 128. */
export async function measureProduct(side: number): Promise<ProductFigures> {
  const adapter = await findAdapter()
  if (adapter === null) throw new Error('there is no WebGPU adapter')
  const facts = adapterFacts(adapter)
  const device = await requestDevice(adapter)
  const gpu = createWebGpu(device, await chooseTile(device, facts), facts.maxBinding)
  const [a, b] = [randomMatrix('a', side), randomMatrix('b', side)]
  const [left, right] = [gpu.storage(side * side), gpu.storage(side * side)]
  const words = gpu.storage(4 * side * side)
  device.queue.writeBuffer(left, 0, a)
  device.queue.writeBuffer(right, 0, b)
  const fields = { leftStride: side / 4, depth: side / 4, outStride: side }
  const buffers = { left, right, words }
  const dispatch = gpu.product({ entry: 'sums', fields, buffers, rows: side, columns: side })
  const count = facts.software ? 1 : repeats
  const submit = async () => {
    const encoder = device.createCommandEncoder()
    gpu.encode(
      encoder,
      Array.from({ length: count }, () => dispatch),
    )
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
  }
  const times = await timeRuns(submit, { runs: 5, minMs: facts.software ? 0 : 1_000, warmUp: 1 })
  const sums = new Int32Array(await gpu.read(words, 4 * side * side))
  gpu.close()
  const tops = (2 * side ** 3 * count) / median(times) / 1e9
  return { tops, isExact: isExact(a, b, sums, side) }
}

function randomMatrix(name: string, side: number): Int8Array<ArrayBuffer> {
  const random = new SeededRandom(`product/${name}`, seed)
  const values = new Int8Array(side * side)
  for (let i = 0; i < values.length; i++) values[i] = random.below(255) - 127
  return values
}

function isExact(a: Int8Array, b: Int8Array, sums: Int32Array, side: number): boolean {
  const random = new SeededRandom('product/cells', seed)
  for (let cell = 0; cell < checkedCells; cell++) {
    const [m, n] = [random.below(side), random.below(side)]
    let sum = 0
    for (let k = 0; k < side; k++) sum += a[m * side + k]! * b[n * side + k]!
    if (sums[m * side + n] !== sum) return false
  }
  return true
}
