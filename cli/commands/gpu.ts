/**
 * `waggle gpu`: what this machine trains on, and how fast.
 */
import { availableParallelism } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import type { Backend, BackendChoice, Rows } from '../../compute/backend.ts'
import { type AdapterFacts, describeAdapters } from '../../compute/gpuAdapter.ts'
import { initialState } from '../../compute/modelState.ts'
import { openBackend } from '../../compute/selfTest.ts'
import type { Recipe } from '../../compute/shifts.ts'
import { sha256Hash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { Bug } from '../../primitives/result.ts'
import { type Job, stepMacs } from '../../registry/job.ts'
import { bytesText } from '../format.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { fields } from '../table.ts'
import { backendOption } from './start.ts'

type Flags = { readonly backend: BackendChoice; readonly seconds: number; readonly json?: true }

const examples = `
Examples:
  $ waggle gpu                           the card, and what auto makes of it
  $ waggle gpu --backend gpujs --seconds 2
  $ waggle gpu --json

Trains a model of random numbers for the seconds given. The backend passed its trial first: it gave
the weights of the reference, bit for bit.`

/** The measured model is the first whose step takes this long, or the last. */
const longEnoughMs = 5
const models: readonly { readonly layers: readonly number[]; readonly batch: number }[] = [
  { layers: [64, 32, 10], batch: 32 },
  { layers: [784, 128, 64, 10], batch: 64 },
  { layers: [784, 1_120, 1_120, 10], batch: 256 },
  { layers: [4_096, 4_096, 4_096, 4_096, 10], batch: 1_024 },
]

type Measurement = {
  readonly layers: readonly number[]
  readonly batch: number
  readonly steps: number
  readonly seconds: number
  /** 10^9 multiply-accumulates of the step's products in a second. */
  readonly gmacs: number
}

export function addGpu(program: Command, io: Io): void {
  program
    .command('gpu')
    .description('tell what this machine trains on, and how fast')
    .addOption(backendOption())
    .option('--seconds <n>', 'how long to measure', seconds, 10)
    .option('--json', 'print a JSON line')
    .addHelpText('after', examples)
    .action((flags: Flags) => gpu(flags, io))
}

async function gpu(flags: Flags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const adapters = await describeAdapters()
  const threads = availableParallelism()
  const { backend, warning } = await openBackend(flags.backend, threads)
  if (warning !== null) report.warn(warning)
  report.note(`measuring for ${flags.seconds} s`)
  const measured = await measure(backend, flags.seconds, io)
  await backend.close()
  const { name, detail } = backend
  report.result({ adapters, backend: { name, kernels: detail }, warning, measured }, () =>
    textOf(adapters, `${name}: ${detail}`, measured, io),
  )
}

async function measure(backend: Backend, limit: number, io: Io): Promise<Measurement> {
  for (const [i, { layers, batch }] of models.entries()) {
    const recipe = recipeOf(layers, batch)
    const session = await backend.open(recipe, initialState(recipe, seed))
    const rows = randomRows(layers[0]!, batch)
    // The first step may compile.
    await session.step(0, rows)
    const began = io.clock.now()
    await session.step(1, rows)
    if (io.clock.now() - began < longEnoughMs && i < models.length - 1) {
      await session.close()
      continue
    }
    const from = io.clock.now()
    let steps = 0
    do await session.step(2 + steps++, rows)
    while (io.clock.now() - from < 1_000 * limit)
    const elapsed = Math.max(1, io.clock.now() - from) / 1_000
    await session.close()
    const gmacs = (Number(stepMacs(recipe as Job)) * steps) / elapsed / 1e9
    return { layers, batch, steps, seconds: elapsed, gmacs }
  }
  throw new Bug('gpu: the last model is always measured')
}

const seed = sha256Hash(new Uint8Array())

/** Shifts that pass for every model above; speed does not depend on them. */
function recipeOf(layers: readonly number[], batch: number): Recipe & { initBound: number } {
  const depth = layers.length - 1
  const times = (value: number, count: number) => Array.from({ length: count }, () => value)
  return {
    layers,
    batch,
    fractionBits: 16,
    forwardShifts: times(8, depth),
    schedule: [{ fromStep: 0, updateShifts: times(2, depth), backwardShifts: times(6, depth - 1) }],
    initBound: 16,
  }
}

function randomRows(features: number, count: number): Rows {
  const random = new SeededRandom('gpu', seed)
  return {
    count,
    features: Int8Array.from({ length: count * features }, () => random.below(255) - 127),
    labels: Uint32Array.from({ length: count }, () => random.below(10)),
  }
}

function textOf(
  adapters: readonly AdapterFacts[],
  kernels: string,
  m: Measurement,
  io: Io,
): string {
  const none = ['adapter', 'none'] as const
  const about = adapters.flatMap((adapter) => [
    ['adapter', `${adapter.description}${adapter.software ? ' (software)' : ''}`] as const,
    ['features', adapter.features.join(' ')] as const,
    ['int8 matrices', adapter.subgroupMatrices.join(' ') || 'none'] as const,
    ['one binding', bytesText(adapter.maxBinding)] as const,
  ])
  return fields(io, [
    ...(adapters.length === 0 ? [none] : about),
    ['backend', kernels],
    ['model', `${m.layers.join('-')}, batches of ${m.batch}`],
    ['steps', `${m.steps} in ${m.seconds.toFixed(1)} s`],
    ['speed', `${m.gmacs.toFixed(2)} GMAC/s`],
  ])
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 3_600)) throw new InvalidArgumentError('between 0 and 3600')
  return value
}
