/**
 * Proving and judging in child processes: the node keeps answering meanwhile. Provers take what the
 * machine has left; judges go before them, since votes wait for them.
 */
import type { BackendChoice } from '../compute/backend.ts'
import { createWorkerPool, type PoolFault, type TaskControl } from '../compute/workerPool.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { Part } from '../registry/challenges.ts'
import type {
  CommitTask,
  Committed,
  Judged,
  ProofTask,
  Proven,
  ProveTask,
  Trained,
  VerifyTask,
} from './proofTask.ts'
import type { ShowTask } from './showTask.ts'

export type ProofPoolOptions = {
  /** Children at most. @default 1 */
  readonly size?: number | undefined
  readonly backend: BackendChoice
  /** Threads of each child's kernels. @default 1 */
  readonly threads?: number | undefined
  /** Nice value of the children; the pool's own if absent. */
  readonly nice?: number | undefined
  /** Words of the smallest work that a GPU is given. @default what is worth the way there */
  readonly sendFrom?: number | undefined
}

export type ProofPoolModules = { readonly warn: (text: string) => void }

type Untagged<T> = Omit<T, 'kind'>
type Verdict<V> = Promise<Result<V, Fault | PoolFault>>

type Cancel = { readonly signal?: AbortSignal | undefined }

export type ProofPool = {
  readonly prove: (task: Untagged<ProveTask>, control?: TaskControl<Trained>) => Verdict<Proven>
  readonly verify: (task: Untagged<VerifyTask>, control?: Cancel) => Verdict<Judged>
  readonly commit: (task: Untagged<CommitTask>, control?: Cancel) => Verdict<Committed>
  readonly show: (task: Untagged<ShowTask>, control?: Cancel) => Verdict<Part>
  readonly close: () => Promise<void>
}

/** What a child is told when it starts, as JSON in its first argument. */
export type ProofWorkerSettings = Pick<ProofPoolOptions, 'backend' | 'sendFrom'> & {
  readonly threads: number
}

export function createProofPool(options: ProofPoolOptions, modules: ProofPoolModules): ProofPool {
  const { size, nice, backend, threads = 1, sendFrom } = options
  const settings: ProofWorkerSettings = { backend, threads, sendFrom }
  const script = new URL('./proofWorker.ts', import.meta.url)
  const pool = createWorkerPool<ProofTask | ShowTask, never, Fault, Trained>(
    { script, args: [JSON.stringify(settings)], size, nice },
    modules,
  )
  return {
    prove: (task, control) => pool.run({ ...task, kind: 'prove' }, control),
    verify: (task, control) => pool.run({ ...task, kind: 'verify' }, control),
    commit: (task, control) => pool.run({ ...task, kind: 'commit' }, control),
    show: (task, control) => pool.run({ ...task, kind: 'show' }, control),
    close: pool.close,
  }
}
