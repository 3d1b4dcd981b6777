/**
 * Speed of whole training steps (forward, both backward products, element-wise rules and update), in
 * work units per second: one unit is one multiply-accumulate of a product.
 *
 * Models, as unit counts from input to output:
 *   mlp-784-128-64-10   784, 128, 64, 10
 *   mlp-8x1120          784, then 7 of 1120, then 10: eight weight layers
 *
 * Backends: `reference` (TypeScript), `wasm` (one thread), `wasm-threads` (a thread per core), and
 * `tfjs` (@tensorflow/tfjs-backend-wasm, float32, its own choice of threads) as its gradients do it, and
 * `tfjs-copies`, with transposed operands copied first, the fastest way found.
 * `exact` is 1 if the weights after the first steps are the reference's; tfjs rounds, so it has none.
 * The jobs are calibrated: `zeroErrors` is the largest share of zero errors of any layer.
 */
import { availableParallelism } from 'node:os'
import type { Backend, Rows } from '../compute/backend.ts'
import { calibrate } from '../compute/calibration.ts'
import { commitState, initialState, type ModelState } from '../compute/modelState.ts'
import { referenceBackend } from '../compute/reference.ts'
import { openWasmBackend } from '../compute/wasmBackend.ts'
import { zeroAddress } from '../primitives/address.ts'
import { type Hash, sha256Hash, zeroHash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { type Job, ProofKind, stepMacs } from '../registry/job.ts'
import type { Benchmark, Row } from './main.ts'
import { median, timeRuns } from './measure.ts'
import { openTfjsTrainer, type TfjsStyle } from './tfjsTrainer.ts'

type Shape = {
  readonly name: string
  readonly layers: readonly number[]
  readonly batch: number
  /** Steps that the reference repeats to judge exactness; it is slow. */
  readonly checkedSteps: number
}

const small = [784, 128, 64, 10]
const wide = [784, ...Array.from({ length: 7 }, () => 1120), 10]

const shapes: readonly Shape[] = [
  { name: 'mlp-784-128-64-10/b64', layers: small, batch: 64, checkedSteps: 8 },
  { name: 'mlp-784-128-64-10/b1024', layers: small, batch: 1024, checkedSteps: 2 },
  { name: 'mlp-8x1120/b64', layers: wide, batch: 64, checkedSteps: 1 },
]

const seed: Hash = sha256Hash(new Uint8Array())

export const benchmark: Benchmark = {
  summary: 'speed and exactness of training steps on each backend',
  async run(report, wanted) {
    for (const shape of shapes) await runShape(shape, report, wanted)
  },
}

async function runShape(
  shape: Shape,
  report: (row: Row) => void,
  wanted: (name: string) => boolean,
): Promise<void> {
  const names = ['reference', 'wasm', 'wasm-threads', 'tfjs', 'tfjs-copies'].filter((backend) =>
    wanted(`${shape.name}/${backend}`),
  )
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

function openNamed(name: string): Promise<Backend> {
  if (name === 'reference') return Promise.resolve(referenceBackend)
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
  const session = await referenceBackend.open(job, state)
  for (let step = 0; step < shape.checkedSteps; step++) await session.step(step, rows)
  return commitState(job, await session.state())
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
