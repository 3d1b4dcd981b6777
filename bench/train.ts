/**
 * Speed of whole training steps (forward, both backward products, element-wise rules and update), in
 * work units per second: one unit is one multiply-accumulate of a product.
 *
 * Models, as unit counts from input to output:
 *   mlp-784-128-64-10   784, 128, 64, 10
 *   mlp-8x1120          784, then 7 of 1120, then 10: eight weight layers
 *   mlp-4x4096          five of 4096: 67 million weights, with a card only
 *
 * `product.int8.N` is one product on the device, see `gpuProduct.ts`.
 *
 * Backends: `reference` (TypeScript), `wasm` (one thread), `wasm-threads` (a thread per core), and
 * `tfjs` (@tensorflow/tfjs-backend-wasm, float32, its own choice of threads) as its gradients do it, and
 * `tfjs-copies`, with transposed operands copied first, the fastest way found. `webgpu` and `gpujs` run on
 * a card; without one `webgpu` runs on SwiftShader and `gpujs` on WebAssembly, on small models only. With
 * a card and PyTorch, `torch-fp32` and `torch-bf16` train the same shapes.
 * `exact` is 1 if the weights after the first steps are the reference's; tfjs rounds, so it has none.
 * The jobs are calibrated: `zeroErrors` is the largest share of zero errors of any layer, below 95 %.
 */
import { availableParallelism } from 'node:os'
import type { Backend, Rows } from '../compute/backend.ts'
import { calibrate } from '../compute/calibration.ts'
import { commitState, initialState, type ModelState } from '../compute/modelState.ts'
import { referenceBackend } from '../compute/reference.ts'
import { hasCard, openBackend } from '../compute/selfTest.ts'
import { openWasmBackend } from '../compute/wasmBackend.ts'
import { zeroAddress } from '../primitives/address.ts'
import { type Hash, sha256Hash, zeroHash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { type Job, ProofKind, stepMacs } from '../registry/job.ts'
import { useSoftwareGpu } from '../scripts/softwareGpu.ts'
import { measureProduct } from './gpuProduct.ts'
import type { Benchmark, Row } from './main.ts'
import { median, timeRuns } from './measure.ts'
import { openTfjsTrainer, type TfjsStyle } from './tfjsTrainer.ts'
import { runTorch, type TorchCases } from './torchCases.ts'

type Shape = {
  readonly name: string
  readonly layers: readonly number[]
  readonly batch: number
  /** Steps that the reference repeats to judge exactness; it is slow. */
  readonly checkedSteps: number
  /** Weights that the reference would take hours for are judged by wasm, its equal. @default reference */
  readonly judge?: 'wasm'
  /** Where it is measured: what a processor takes minutes for waits for a card. @default any */
  readonly needs?: 'card'
}

const small = [784, 128, 64, 10]
const wide = [784, ...Array.from({ length: 7 }, () => 1120), 10]

const shapes: readonly Shape[] = [
  { name: 'mlp-784-128-64-10/b64', layers: small, batch: 64, checkedSteps: 8 },
  { name: 'mlp-784-128-64-10/b1024', layers: small, batch: 1024, checkedSteps: 2 },
  { name: 'mlp-8x1120/b64', layers: wide, batch: 64, checkedSteps: 1 },
  {
    name: 'mlp-4x4096/b1024',
    layers: [4096, 4096, 4096, 4096, 4096],
    batch: 1024,
    checkedSteps: 1,
    judge: 'wasm',
    needs: 'card',
  },
]

/** Shapes that a software GPU trains in seconds. */
const softwareShapes = new Set(['mlp-784-128-64-10/b64'])
const softwareProducts = [256, 512]
const cardProducts = [1024, 4096, 8192]

/** A layer whose errors vanish more than this is not being trained. */
const mostZeros = 0.95

const seed: Hash = sha256Hash(new Uint8Array())

export const benchmark: Benchmark = {
  summary: 'speed and exactness of training steps on each backend',
  async run(report, wanted) {
    const card = await hasCard()
    if (!card) await useSoftwareGpu()
    for (const shape of shapes) await runShape(shape, card, report, wanted)
    const products = card ? cardProducts : softwareProducts
    for (const side of products) {
      const name = `product.int8.${side}/webgpu`
      if (!wanted(name)) continue
      const { tops, isExact } = await measureProduct(side)
      report({ case: name, metric: 'tops', value: tops, unit: 'TOPS' })
      report({ case: name, metric: 'exact', value: isExact ? 1 : 0, unit: 'bool' })
    }
    if (card && wanted('torch')) for (const row of runTorch(torchCases())) report(row)
  },
}

function torchCases(): TorchCases {
  const steps = shapes.map(({ name, layers, batch }) => {
    const macs = Number(stepMacs({ layers, batch } as unknown as Job))
    return { name, layers, batch, macs }
  })
  return { steps, products: cardProducts.slice(1) }
}

/** Names of the backends that a shape is measured on. */
function backendsOf({ name, needs }: Shape, card: boolean): readonly string[] {
  if (needs === 'card') return card ? ['wasm-threads', 'gpujs', 'webgpu'] : []
  const processors = ['reference', 'wasm', 'wasm-threads', 'tfjs', 'tfjs-copies']
  return card || softwareShapes.has(name) ? [...processors, 'gpujs', 'webgpu'] : processors
}

async function runShape(
  shape: Shape,
  card: boolean,
  report: (row: Row) => void,
  wanted: (name: string) => boolean,
): Promise<void> {
  const names = backendsOf(shape, card).filter((name) => wanted(`${shape.name}/${name}`))
  if (names.length === 0) return
  const job = await calibratedJob(shape)
  const rows = sampleRows(shape, shape.batch)
  const state = initialState(job, seed)
  let expected = ''
  for (const backend of names) {
    const row = (metric: string, value: number, unit: string) =>
      report({ case: `${shape.name}/${backend}`, metric, value, unit })
    if (backend.startsWith('tfjs')) {
      const times = await timeTfjs(shape, backend === 'tfjs' ? 'flags' : 'copies')
      row('gmacs', speed(job, times), 'GMAC/s')
      continue
    }
    if (expected === '') expected = await referenceCommitment(shape, job, state, rows)
    const opened = await openNamed(backend)
    const measured = await measureBackend(opened, shape, job, state, rows)
    await opened.close()
    row('gmacs', speed(job, measured.times), 'GMAC/s')
    row('exact', measured.commitment === expected ? 1 : 0, 'bool')
    row('zeroErrors', measured.zeroErrors, 'share')
  }
}

async function openNamed(name: string): Promise<Backend> {
  if (name === 'reference') return referenceBackend
  if (name === 'gpujs' || name === 'webgpu') {
    const { backend, warning } = await openBackend(name, availableParallelism())
    if (warning !== null) throw new Error(warning)
    return backend
  }
  return openWasmBackend({ threads: name === 'wasm-threads' ? availableParallelism() : 1 })
}

type Measured = {
  readonly times: readonly number[]
  readonly commitment: Hash
  readonly zeroErrors: number
}

/** Checks the first steps, then times further ones. */
async function measureBackend(
  backend: Backend,
  shape: Shape,
  job: Job,
  state: ModelState,
  rows: Rows,
): Promise<Measured> {
  const session = await backend.open(job, state)
  let shares: number[] = []
  for (let step = 0; step < shape.checkedSteps; step++) {
    const { zeroErrors } = await session.step(step, rows)
    shares = zeroErrors.map((zeros, i) => zeros / (job.batch * job.layers[i + 1]!))
  }
  for (const [layer, share] of shares.entries())
    if (share >= mostZeros) throw new Error(`${shape.name}: ${share} of layer ${layer} are zero`)
  const commitment = commitState(job, await session.state())
  const effort =
    backend.name === 'reference' ? { runs: 1, minMs: 0, warmUp: 0 } : { runs: 7, minMs: 2_000 }
  const times = await timeRuns(() => session.step(0, rows), effort)
  await session.close()
  return { times, commitment, zeroErrors: Math.max(...shares) }
}

async function referenceCommitment(
  shape: Shape,
  job: Job,
  state: ModelState,
  rows: Rows,
): Promise<Hash> {
  const judge =
    shape.judge === 'wasm'
      ? await openWasmBackend({ threads: availableParallelism() })
      : referenceBackend
  const session = await judge.open(job, state)
  for (let step = 0; step < shape.checkedSteps; step++) await session.step(step, rows)
  const commitment = commitState(job, await session.state())
  await session.close()
  await judge.close()
  return commitment
}

async function timeTfjs({ layers, batch }: Shape, style: TfjsStyle): Promise<readonly number[]> {
  const trainer = await openTfjsTrainer(layers, batch, style)
  const times = await timeRuns(trainer.step, { runs: 7, minMs: 2_000 })
  trainer.close()
  return times
}

function speed(job: Job, times: readonly number[]): number {
  return Number(stepMacs(job)) / median(times) / 1e6
}

/** A job whose errors do not vanish: random numbers would make a deep network train zeros. */
async function calibratedJob(shape: Shape): Promise<Job> {
  const { layers, batch } = shape
  const rows = sampleRows(shape, 512)
  const recipe = await calibrate({ layers, batch, seed, rows, backend: await openWasmBackend() })
  return {
    chainId: 1,
    owner: zeroAddress,
    nonce: 0n,
    proofKind: ProofKind.Replay,
    dataset: zeroHash,
    layers,
    batch,
    steps: 1_000_000,
    leaseSteps: 1,
    pricePerMac: 1n,
    ...recipe,
  }
}

/** Rows in the manner of MNIST: a fifth of the pixels lit, one of ten classes. */
function sampleRows({ layers }: Shape, count: number): Rows {
  const random = new SeededRandom(`rows/${count}`, seed)
  const pixel = () => (random.below(5) === 0 ? random.below(128) : 0)
  return {
    count,
    features: Int8Array.from({ length: count * layers[0]! }, pixel),
    labels: Uint32Array.from({ length: count }, () => random.below(10)),
  }
}
