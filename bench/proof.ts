/**
 * Cost of step proofs: time to prove and to verify, and bytes, by shape and number of steps in a lease.
 *
 * Cases `MODEL/bBATCH`, one step, and `lease-4/MODEL/bBATCH`, by the WebAssembly kernels; the same with
 * `/reference` at the end by plain TypeScript. Times are medians on one thread. `prove_s` does not
 * include training (`train_s`, with every intermediate value kept); `macs` are those of the lease;
 * `peak_mb` is the most memory the process has held so far.
 */

import type { Rows } from '../compute/backend.ts'
import { initialState } from '../compute/modelState.ts'
import { type StepTrace, traceStep } from '../compute/step.ts'
import { openWasmBackend } from '../compute/wasmBackend.ts'
import { zeroAddress } from '../primitives/address.ts'
import { sha256Hash, zeroHash } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { soundnessInputs } from '../proof/circuit.ts'
import type { Kernels } from '../proof/kernels.ts'
import { maxSaturated, shapeOf } from '../proof/parameters.ts'
import { proveLease } from '../proof/prover.ts'
import { referenceKernels } from '../proof/referenceKernels.ts'
import { soundnessBits } from '../proof/security.ts'
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
    for (const kernels of [openWasmKernels(), referenceKernels])
      for (const leaseSteps of leases) {
        const lease = leaseSteps === 1 ? '' : `lease-${leaseSteps}/`
        const style = kernels.name === 'reference' ? '/reference' : ''
        const name = `${lease}mlp-784-128-64-10/b64${style}`
        const job = jobOf([784, 128, 64, 10], 64, leaseSteps)
        if (wanted(name)) await runCase(name, job, kernels, report)
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
  const backend = await openWasmBackend({ threads: 1 })
  const train = async () => {
    const traces: StepTrace[] = []
    for (const [step, rows] of batches.entries()) {
      const state = traces.at(-1)?.state ?? before
      traces.push(await traceStep(backend.products, job, state, step, rows))
    }
    return traces
  }
  const steps = await train()
  const training = median(await timeRuns(train, { runs: 5, minMs: 0, warmUp: 1 }))
  await backend.close()
  const claim = { job, seed, range: 0, worker: zeroAddress }
  const prove = () => proveLease(claim, before, steps, batches, kernels)
  const { statement, proof } = prove()
  const proving = median(await timeRuns(prove, { runs: 5, minMs: 0, warmUp: 2 }))
  const verify = () => verifyStepProof(statement, batches, proof, kernels)
  const verifying = median(await timeRuns(verify, { runs: 15, minMs: 500 }))
  const macs = Number(stepMacs(job)) * job.leaseSteps
  row('valid', verify().ok ? 1 : 0, 'bool')
  row('prove_s', proving / 1e3, 's')
  row('verify_ms', verifying, 'ms')
  row('proof_bytes', proof.length, 'B')
  row('bytes_per_step', proof.length / job.leaseSteps, 'B')
  row('macs', macs, 'MAC')
  row('proven_gmacs', macs / proving / 1e6, 'GMAC/s')
  row('peak_mb', process.resourceUsage().maxRSS / 1024, 'MiB')
  row('soundness_bits', soundnessBits(soundnessInputs(shapeOf(job, 0, false), maxSaturated)), 'bit')
  row('train_s', training / 1e3, 's')
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
