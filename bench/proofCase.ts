/**
 * One case of `bench/proof.ts`, in a process of its own: `node bench/proofCase.ts CASE` with the case as
 * JSON. Writes its rows as JSON lines, and what it is at to stderr.
 */
import { availableParallelism } from 'node:os'
import { argv, cpuUsage, resourceUsage, stderr, stdout } from 'node:process'
import { initialState } from '../compute/modelState.ts'
import { hasCard } from '../compute/selfTest.ts'
import { type StepTrace, traceStep } from '../compute/step.ts'
import { openWasmBackend } from '../compute/wasmBackend.ts'
import { withProofGpu } from '../node/proofKernels.ts'
import { zeroAddress } from '../primitives/address.ts'
import { invariant } from '../primitives/result.ts'
import { soundnessInputs } from '../proof/circuit.ts'
import type { Kernels } from '../proof/kernels.ts'
import { openKernelTeam } from '../proof/kernelTeam.ts'
import { maxSaturated, shapeOf } from '../proof/parameters.ts'
import { proveLease } from '../proof/prover.ts'
import { referenceKernels } from '../proof/referenceKernels.ts'
import { soundnessBits } from '../proof/security.ts'
import { verifyStepProof } from '../proof/verifier.ts'
import { type Job, stepMacs } from '../registry/job.ts'
import { useSoftwareGpu } from '../scripts/softwareGpu.ts'
import { median, timeRuns } from './measure.ts'
import { jobOf, type ProofCase, sampleRows, seed } from './proofJobs.ts'

/** A deep trace with more zero errors than this in some layer would be a proof of nothing. */
const maxZeroErrors = 0.95

/** What took longer to prove once is not proven again. */
const patienceMs = 60_000
/** Of verifications; before they count, a process has verified as often as it takes to compile the code. */
const manyRuns = { runs: 50, minMs: 500, warmUp: 20 }
const fewRuns = { runs: 11, minMs: 0, warmUp: 2 }

const [, , argument] = argv
invariant(argument !== undefined, 'proofCase: a case as JSON')
await measure(JSON.parse(argument))

async function measure(given: ProofCase): Promise<void> {
  const row = (metric: string, value: number, unit: string) =>
    stdout.write(`${JSON.stringify({ case: given.name, metric, value, unit })}\n`)
  const tell = teller(given.name)
  const job = await jobOf(given)
  const macs = Number(stepMacs(job)) * job.leaseSteps
  const large = macs > 2e9
  tell(`training ${job.leaseSteps} steps`)
  const { steps, batches, before, trainS } = await train(job, large ? 1 : 3)
  const zeros = zeroErrors(job, steps)
  invariant(zeros < maxZeroErrors, `${given.name}: ${zeros} of a layer's errors are zero`)
  const team = given.kernels === 'reference' ? null : await openKernelTeam(availableParallelism())
  const kernels = await onDevice(given, team?.kernels ?? referenceKernels)
  const claim = { job, seed, range: 0, worker: zeroAddress }
  const prove = () => proveLease(claim, before, steps, batches, kernels)
  tell(`proving ${(macs / 1e9).toFixed(1)} GMAC`)
  const started = performance.now()
  const idle = cpuUsage()
  const { statement, proof } = prove()
  const first = performance.now() - started
  const { user, system } = cpuUsage(idle)
  const effort = { runs: large ? 3 : 5, minMs: 0, warmUp: 0 }
  const proving = first > patienceMs ? first : median(await timeRuns(prove, effort))
  const verify = () => verifyStepProof(statement, batches, proof, kernels)
  tell('verifying')
  const cold = performance.now()
  const valid = verify().ok
  const firstVerify = performance.now() - cold
  const verifying = median(await timeRuns(verify, large ? fewRuns : manyRuns))
  const shape = shapeOf(job, 0, proof[0] === 1)
  row('valid', valid ? 1 : 0, 'bool')
  row('prove_s', proving / 1e3, 's')
  row('prove_first_s', first / 1e3, 's')
  row('prove_cpu_s', (user + system) / 1e6, 's')
  row('verify_ms', verifying, 'ms')
  row('verify_first_ms', firstVerify, 'ms')
  row('proof_bytes', proof.length, 'B')
  row('bytes_per_step', proof.length / job.leaseSteps, 'B')
  row('rows_bytes', rowsBytes(batches), 'B')
  row('macs', macs, 'MAC')
  row('proven_gmacs', macs / proving / 1e6, 'GMAC/s')
  row(
    'committed',
    shape.columns.reduce((sum, { rows, cols }) => sum + rows * cols, 0),
    'cell',
  )
  row('peak_mb', resourceUsage().maxRSS / 1024, 'MiB')
  row('soundness_bits', soundnessBits(soundnessInputs(shape, maxSaturated)), 'bit')
  row('zero_errors', zeros, 'share')
  row('train_s', trainS, 's')
  await team?.close()
}

/** Says what is being done, and how long after the start. */
function teller(name: string): (what: string) => void {
  const started = performance.now()
  return (what) => {
    const seconds = ((performance.now() - started) / 1e3).toFixed(0)
    stderr.write(`${name}: ${what}, after ${seconds} s\n`)
  }
}

/** A GPU that does not serve is no figure of it. */
async function onDevice(given: ProofCase, kernels: Kernels): Promise<Kernels> {
  if (given.kernels !== 'webgpu') return kernels
  if (!(await hasCard())) await useSoftwareGpu()
  const fail = (text: string): never => {
    throw new Error(text)
  }
  const withGpu = await withProofGpu(kernels, { backend: 'webgpu' }, fail)
  invariant(withGpu !== kernels, `${given.name}: there is no WebGPU adapter`)
  return withGpu
}

/** With every intermediate value kept, on one thread. */
async function train(job: Job, runs: number) {
  const backend = await openWasmBackend({ threads: 1 })
  const before = initialState(job, seed)
  const batches = Array.from({ length: job.leaseSteps }, (_, step) =>
    sampleRows(job.layers[0]!, job.batch, step),
  )
  let steps: StepTrace[] = []
  const run = async () => {
    const traces: StepTrace[] = []
    for (const [step, rows] of batches.entries())
      traces.push(
        await traceStep(backend.products, job, traces.at(-1)?.state ?? before, step, rows),
      )
    steps = traces
  }
  const trainS = median(await timeRuns(run, { runs, minMs: 0, warmUp: 0 })) / 1e3
  await backend.close()
  return { steps, batches, before, trainS }
}

/** The largest share of zeros among the errors of any layer and step. */
function zeroErrors(job: Job, steps: readonly StepTrace[]): number {
  const shares = steps.flatMap(({ layers }) =>
    layers.map(({ error }) => error.filter((value) => value === 0).length / error.length),
  )
  invariant(shares.length === steps.length * (job.layers.length - 1), 'errors of every layer')
  return Math.max(...shares)
}

function rowsBytes(
  batches: readonly { readonly features: Int8Array; readonly labels: Uint32Array }[],
): number {
  return batches.reduce((sum, { features, labels }) => sum + features.length + labels.length, 0)
}
