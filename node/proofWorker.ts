/**
 * A proof worker: the program of a child process of the proof pool.
 */
import { holdBackend } from '../compute/backendHolder.ts'
import { createDatasetShelf } from '../compute/datasetShelf.ts'
import { serveTasks, warnParent } from '../compute/workerChild.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import type { Kernels } from '../proof/kernels.ts'
import { openKernelTeam } from '../proof/kernelTeam.ts'
import { withProofGpu } from './proofKernels.ts'
import type { ProofWorkerSettings } from './proofPool.ts'
import {
  commit,
  type ProofTask,
  type ProofTaskModules,
  prove,
  type Trained,
  verify,
} from './proofTask.ts'
import { type ShowTask, show } from './showTask.ts'

const settings = JSON.parse(process.argv[2]!) as ProofWorkerSettings
const datasets = createDatasetShelf()
const { kernels } = await openKernelTeam(settings.threads)
const backends = holdBackend(settings.backend, 1, warnParent)
/** Opened by the first task that proves: judges need no GPU. */
let prover: Promise<Kernels> | null = null

serveTasks<ProofTask | ShowTask, unknown, Trained>(async (task, { progress, cancelled }) => {
  if (task.kind !== 'verify') prover ??= withProofGpu(kernels, settings, warnParent)
  const modules = {
    withBackend: backends.use,
    kernels: task.kind === 'verify' ? kernels : await prover!,
    openDataset: datasets.open,
    now: () => performance.now(),
    trained: progress,
    cancelled,
  }
  return carryOut(task, modules)
})

async function carryOut(
  task: ProofTask | ShowTask,
  modules: ProofTaskModules,
): Promise<Result<object, Fault>> {
  switch (task.kind) {
    case 'prove':
      return prove(task, modules)
    case 'verify':
      return verify(task, modules)
    case 'commit':
      return commit(task, modules)
    case 'show':
      return show(task, modules)
    default:
      return ok(task satisfies never)
  }
}
