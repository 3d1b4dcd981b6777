/**
 * Cost of step proofs: time to prove and to verify, and bytes, by shape and number of steps in a lease.
 *
 * Cases `MODEL/bBATCH/kSTEPS/KERNELS`: 784-128-64-10 at batch 64 with leases of 1 and 4 steps, proved by
 * WebAssembly or by the TypeScript reference. Figures are for one thread; `prove` does not include training, `macs` are those of the lease.
 */

import type { Rows } from '../compute/backend.ts'
import { initialState } from '../compute/modelState.ts'
import { referenceBackend } from '../compute/reference.ts'
import { type StepTrace, traceStep } from '../compute/step.ts'
import { zeroAddress } from '../primitives/address.ts'
import { sha256Hash, zeroHash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import type { Kernels } from '../proof/kernels.ts'
import { proveLease } from '../proof/prover.ts'
import { referenceKernels } from '../proof/referenceKernels.ts'
import { verifyStepProof } from '../proof/verifier.ts'
import { openWasmKernels } from '../proof/wasmKernels.ts'
import { type Job, ProofKind, stepMacs } from '../registry/job.ts'
import type { Benchmark, Row } from './main.ts'
import { median, timeRuns } from './measure.ts'

const seed = sha256Hash(new Uint8Array())
const leases = [1, 4] as const

export const benchmark: Benchmark = {
  summary: 'time and bytes of step proofs',
  async run(report, wanted) {
    for (const leaseSteps of leases) {
      const name = `mlp-784-128-64-10/b64/k${leaseSteps}`
      const job = jobOf([784, 128, 64, 10], 64, leaseSteps)
      for (const kernels of [openWasmKernels(), referenceKernels]) {
        const full = `${name}/${kernels.name}`
        if (wanted(full)) await runCase(full, job, kernels, report)
      }
    }
  },
}

async function runCase(
  name: string,
  job: Job,
  kernels: Kernels,
  report: (row: Row) => void,
): Promise<void> {
  const row = (metric: string, value: number, unit: string) =>
    report({ case: name, metric, value, unit })
  const before = initialState(job, seed)
  const batches = Array.from({ length: job.leaseSteps }, (_, step) => sampleRows(job, step))
  const steps: StepTrace[] = []
  for (const [step, rows] of batches.entries()) {
    const state = steps.at(-1)?.state ?? before
    steps.push(await traceStep(referenceBackend.products, job, state, step, rows))
  }
  const claim = { job, seed, range: 0, worker: zeroAddress }
  const prove = () => proveLease(claim, before, steps, batches, kernels)
  const { statement, proof } = prove()
  const proving = median(await timeRuns(prove, { runs: 3, minMs: 0, warmUp: 1 }))
  const verify = () => verifyStepProof(statement, batches, proof)
  const verifying = median(await timeRuns(verify, { runs: 15, minMs: 500 }))
  row('valid', verify().ok ? 1 : 0, 'bool')
  row('prove', proving, 'ms')
  row('verify', verifying, 'ms')
  row('bytes', proof.length / 1024 / job.leaseSteps, 'KiB/step')
  row('proven', (Number(stepMacs(job)) * job.leaseSteps) / proving / 1e6, 'GMAC/s')
}

function jobOf(layers: readonly number[], batch: number, leaseSteps: number): Job {
  const depth = layers.length - 1
  const of = (value: number, length: number) => Array.from({ length }, () => value)
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
    fractionBits: 16,
    forwardShifts: of(6, depth),
    schedule: [{ fromStep: 0, updateShifts: of(0, depth), backwardShifts: of(5, depth - 1) }],
    initBound: 16,
    pricePerMac: 1n,
  }
}

/** Rows in the manner of MNIST: a fifth of the pixels lit, one of ten classes. */
function sampleRows({ layers, batch }: Job, step: number): Rows {
  const random = new SeededRandom(`rows/${step}`, seed)
  const pixel = () => (random.below(5) === 0 ? random.below(128) : 0)
  return {
    count: batch,
    features: Int8Array.from({ length: batch * layers[0]! }, pixel),
    labels: Uint32Array.from({ length: batch }, () => random.below(10)),
  }
}
