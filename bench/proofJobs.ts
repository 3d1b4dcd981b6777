/**
 * The jobs that `bench/proof.ts` proves leases of, and their rows.
 */
import type { Rows } from '../compute/backend.ts'
import { type CalibratedRecipe, calibrate } from '../compute/calibration.ts'
import { openWasmBackend } from '../compute/wasmBackend.ts'
import { zeroAddress } from '../primitives/address.ts'
import { type Hash, sha256Hash, zeroHash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { type Job, ProofKind } from '../registry/job.ts'

export type ProofCase = {
  readonly name: string
  readonly layers: readonly number[]
  readonly batch: number
  readonly leaseSteps: number
  readonly kernels: 'wasm' | 'reference' | 'webgpu'
}

export const seed: Hash = sha256Hash(new Uint8Array())

const models: Readonly<Record<string, readonly number[]>> = {
  'mlp-784-128-64-10': [784, 128, 64, 10],
  'mlp-8x1120': Array.from({ length: 9 }, () => 1120),
}

/** Every case, quick ones first; a quick run has the small model at batch 64 alone. */
export function proofCases(quick: boolean): readonly ProofCase[] {
  const of = (model: string, batch: number, leaseSteps: number): ProofCase => ({
    name: `${leaseSteps === 1 ? '' : `lease-${leaseSteps}/`}${model}/b${batch}`,
    layers: models[model]!,
    batch,
    leaseSteps,
    kernels: 'wasm',
  })
  const leases = [1, 4, 16]
  const small = leases.map((steps) => of('mlp-784-128-64-10', 64, steps))
  const reference = {
    ...small[0]!,
    name: `${small[0]!.name}/reference`,
    kernels: 'reference',
  } as const
  if (quick) return small
  const rest = leases.flatMap((steps) => [
    of('mlp-784-128-64-10', 1024, steps),
    of('mlp-8x1120', 64, steps),
    of('mlp-8x1120', 1024, steps),
  ])
  return [...small, reference, ...growth, ...rest]
}

/** The same with a GPU; one case where a processor plays it. */
export function gpuCases(card: boolean, quick: boolean): readonly ProofCase[] {
  const cases = proofCases(quick).filter(({ kernels }) => kernels === 'wasm')
  return cases
    .slice(0, card ? cases.length : 1)
    .map((given) => ({ ...given, name: `${given.name}/webgpu`, kernels: 'webgpu' }))
}

/** Square models by the cells that a step commits to, about. */
const growth: readonly ProofCase[] = [16, 18, 20, 22, 24].map((bits) => {
  const side = Math.round(Math.sqrt(2 ** bits / 8))
  return {
    name: `growth/2^${bits}`,
    layers: [side, side, side],
    batch: 64,
    leaseSteps: 1,
    kernels: 'wasm',
  }
})

/** Calibrated where depth needs it: errors of a deep model would vanish under any one rule. */
export async function jobOf({ layers, batch, leaseSteps }: ProofCase): Promise<Job> {
  const deep = layers.length - 1 > 4
  return {
    chainId: 1,
    owner: zeroAddress,
    nonce: 0n,
    proofKind: ProofKind.StepProof,
    dataset: zeroHash,
    layers,
    batch,
    steps: 1_000_000,
    leaseSteps,
    pricePerMac: 1n,
    ...(deep ? await calibrated(layers, batch) : staticRecipe(layers.length - 1)),
  }
}

async function calibrated(layers: readonly number[], batch: number): Promise<CalibratedRecipe> {
  const backend = await openWasmBackend({ threads: 1 })
  const rows = sampleRows(layers[0]!, 512, 0)
  const recipe = await calibrate({ layers, batch, seed, rows, backend })
  await backend.close()
  return recipe
}

function staticRecipe(depth: number): CalibratedRecipe {
  const of = (value: number, length: number) => Array.from({ length }, () => value)
  return {
    fractionBits: 16,
    forwardShifts: of(6, depth),
    schedule: [{ fromStep: 0, updateShifts: of(0, depth), backwardShifts: of(5, depth - 1) }],
    initBound: 16,
  }
}

/** Rows in the manner of MNIST: a fifth of the pixels lit, one of ten classes. */
export function sampleRows(features: number, count: number, step: number): Rows {
  const random = new SeededRandom(`rows/${count}/${step}`, seed)
  const pixel = () => (random.below(5) === 0 ? random.below(128) : 0)
  return {
    count,
    features: Int8Array.from({ length: count * features }, pixel),
    labels: Uint32Array.from({ length: count }, () => random.below(10)),
  }
}
