/**
 * What a proof worker does: train and prove a lease, judge a proof, or commit to weights. Tasks and
 * results are plain data that cross a process boundary.
 */
import type { Backend } from '../compute/backend.ts'
import { type Dataset, type DatasetFault, rowLeaves } from '../compute/dataset.ts'
import { joinRows, type RowFiles } from '../compute/jointRows.ts'
import { decodeState, encodeState, initialState, type ModelState } from '../compute/modelState.ts'
import type { TrainResult } from '../compute/trainingTask.ts'
import type { Address } from '../primitives/address.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { merkleRoot } from '../primitives/merkle.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { Kernels } from '../proof/kernels.ts'
import { commitWeights, proveLease } from '../proof/prover.ts'
import type { ProofStatement } from '../proof/statement.ts'
import { verifyStepProof } from '../proof/verifier.ts'
import { decodeJob, type Job, rowSpan } from '../registry/job.ts'
import { jointName } from '../registry/jointName.ts'
import { leaseRows, traceLease } from './leaseTrace.ts'

/** Rows on disk, and the root that they must have. */
export type DatasetFile = {
  readonly path: RowFiles
  readonly root: Hash
  /** Where the rows are those of several datasets: their own roots, and what their name is salted with. */
  readonly joint?: { readonly salt: Hash; readonly roots: readonly Hash[] }
}

export type ProveTask = {
  readonly kind: 'prove'
  /** Canonical bytes of an admitted job. */
  readonly job: Uint8Array
  readonly seed: Hash
  readonly range: number
  readonly worker: Address
  /** Canonical state before the range; null: the job's initial one. */
  readonly state: Uint8Array | null
  readonly dataset: DatasetFile
}

/** What is known as soon as the steps are trained, long before the proof. */
export type Trained = TrainResult & { readonly trainMs: number }

export type Proven = { readonly proof: Uint8Array; readonly proveMs: number }

export type VerifyTask = {
  readonly kind: 'verify'
  readonly job: Uint8Array
  readonly statement: Omit<ProofStatement, 'job'>
  readonly proof: Uint8Array
  readonly dataset: DatasetFile
}

/** `fault` is about the claim; a refused task is about this machine. */
export type Judged = { readonly fault: Fault | null; readonly verifyMs: number }

export type CommitTask = {
  readonly kind: 'commit'
  readonly job: Uint8Array
  /** Canonical state, or the seed of the job's initial one. */
  readonly state: Uint8Array | Hash
}

export type Committed = { readonly commitment: Hash }

export type ProofTask = ProveTask | VerifyTask | CommitTask

export type ProofTaskModules = {
  /** Runs the work on the backend of this process; again from its start if a device fails under it. */
  readonly withBackend: <T>(work: (backend: Backend) => Promise<T>) => Promise<T>
  readonly kernels: Kernels
  readonly openDataset: (path: string) => Result<Dataset, DatasetFault>
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  readonly trained: (trained: Trained) => void
  /** Lets messages in, then says whether the task is still wanted. */
  readonly cancelled: () => Promise<boolean>
}

export async function prove(
  task: ProveTask,
  modules: ProofTaskModules,
): Promise<Result<Proven, Fault>> {
  const { kernels, now, cancelled } = modules
  const opened = openModel(task.job, task.state ?? task.seed)
  if (!opened.ok) return opened
  const { job, state: before } = opened.value
  const dataset = openChecked(task.dataset, job, modules)
  if (!dataset.ok) return dataset
  const { seed, range, worker } = task
  const began = now()
  const wanted = async () => !(await cancelled())
  const traced = await modules.withBackend(({ products }) =>
    traceLease(products, job, seed, range, before, dataset.value, wanted),
  )
  if (!traced.ok) return traced
  const { steps, batches } = traced.value
  const after = steps.at(-1)!.state
  modules.trained({
    before: commitWeights(job, before, kernels),
    state: encodeState(job, after),
    commitment: commitWeights(job, after, kernels),
    losses: steps.map(({ report }) => report.loss),
    saturated: steps.reduce((sum, { report }) => sum + report.saturated, 0),
    trainMs: now() - began,
  })
  if (await cancelled()) return refuse({ code: 'task/cancelled', done: steps.length })
  const proving = now()
  const { proof } = proveLease({ job, seed, range, worker }, before, steps, batches, kernels)
  return ok({ proof, proveMs: now() - proving })
}

export function verify(task: VerifyTask, modules: ProofTaskModules): Result<Judged, Fault> {
  const job = decodeJob(task.job)
  if (!job.ok) return job
  const dataset = openChecked(task.dataset, job.value, modules)
  if (!dataset.ok) return dataset
  const { seed, range } = task.statement
  const batches = leaseRows(job.value, seed, range, dataset.value)
  if (!batches.ok) return batches
  const began = modules.now()
  const statement = { ...task.statement, job: job.value }
  const verdict = verifyStepProof(statement, batches.value, task.proof, modules.kernels)
  return ok({ fault: verdict.ok ? null : verdict.fault, verifyMs: modules.now() - began })
}

export function commit(task: CommitTask, { kernels }: ProofTaskModules): Result<Committed, Fault> {
  const opened = openModel(task.job, task.state)
  if (!opened.ok) return opened
  const { job, state } = opened.value
  return ok({ commitment: commitWeights(job, state, kernels) })
}

function openModel(
  bytes: Uint8Array,
  from: Uint8Array | Hash,
): Result<{ readonly job: Job; readonly state: ModelState }, Fault> {
  const job = decodeJob(bytes)
  if (!job.ok) return job
  const state =
    typeof from === 'string' ? ok(initialState(job.value, from)) : decodeState(job.value, from)
  return state.ok ? ok({ job: job.value, state: state.value }) : state
}

/** Roots of datasets seen to be theirs: hashing all rows again would cost more than the proof. */
const checked = new Set<string>()
const maxChecked = 64

/** The dataset, if it fits the job and its rows hash to the root that names it. */
function openChecked(
  file: DatasetFile,
  job: Job,
  { openDataset }: ProofTaskModules,
): Result<Dataset, Fault> {
  const dataset = openNamed(file, openDataset)
  if (!dataset.ok) return dataset
  const { features, rows } = dataset.value
  if (features !== job.layers[0])
    return refuse({ code: 'task/features', expected: job.layers[0]!, got: features })
  const { first, count } = rowSpan(job, rows)
  if (first < 0 || count < job.batch)
    return refuse({ code: 'task/rows', batch: job.batch, got: Math.min(rows, count) })
  return dataset
}

/** The rows, if they hash to the root that names them, or the parts' to theirs and these to theirs all. */
function openNamed(
  { path, root, joint }: DatasetFile,
  open: ProofTaskModules['openDataset'],
): Result<Dataset, Fault> {
  if (typeof path === 'string') return openRooted(path, root, open)
  const { salt, roots } = joint ?? { salt: zeroHash, roots: [] }
  const parts: Dataset[] = []
  for (const [i, file] of path.entries()) {
    const part = openRooted(file, roots[i] ?? zeroHash, open)
    if (!part.ok) return part
    parts.push(part.value)
  }
  const named = parts.map(({ rows }, i) => ({ root: roots[i]!, rows }))
  const got = jointName(salt, named)
  if (got !== root) return refuse({ code: 'dataset/root', expected: root, got })
  return joinRows(parts)
}

function openRooted(
  path: string,
  root: Hash,
  open: ProofTaskModules['openDataset'],
): Result<Dataset, Fault> {
  const dataset = open(path)
  if (!dataset.ok) return dataset
  const name = `${path} ${root}`
  if (checked.has(name)) return dataset
  const got = merkleRoot(rowLeaves(dataset.value))
  if (got !== root) return refuse({ code: 'dataset/root', expected: root, got })
  if (checked.size >= maxChecked) checked.clear()
  checked.add(name)
  return dataset
}
