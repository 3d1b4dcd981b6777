/**
 * Training, evaluation and prediction in niced child processes.
 */
import type { Result } from '../primitives/result.ts'
import type { BackendChoice } from './backend.ts'
import type { Score } from './evaluate.ts'
import type {
  EvaluateTask,
  PredictResult,
  PredictTask,
  Progress,
  TaskFault,
  TrainingTask,
  TrainResult,
  TrainTask,
} from './trainingTask.ts'
import { createWorkerPool, type PoolFault, type TaskControl } from './workerPool.ts'

export type TrainingPoolOptions = {
  /** Children at most. @default 1 */
  readonly size?: number | undefined
  /** @default wasm */
  readonly backend?: BackendChoice | undefined
  /** Threads of each child's backend. @default 1 */
  readonly threads?: number | undefined
  /** Tasks that may wait. @default 64 */
  readonly maxQueue?: number | undefined
}

export type TrainingPoolModules = {
  /** Told when a child falls back to another backend. */
  readonly warn: (text: string) => void
}

type Verdict<V> = Promise<Result<V & Timed, TaskFault | PoolFault>>

/** How long the child worked on it. */
export type Timed = { readonly ms: number }

export type TrainingPool = {
  readonly train: (
    task: Untagged<TrainTask>,
    control?: TaskControl<Progress>,
  ) => Verdict<TrainResult>
  readonly evaluate: (
    task: Untagged<EvaluateTask>,
    control?: TaskControl<Progress>,
  ) => Verdict<Score>
  readonly predict: (
    task: Untagged<PredictTask>,
    control?: TaskControl<Progress>,
  ) => Verdict<PredictResult>
  readonly close: () => Promise<void>
}

type Untagged<T> = Omit<T, 'kind'>

/** What a child is told when it starts, as JSON in its first argument. */
export type WorkerSettings = { readonly backend: BackendChoice; readonly threads: number }

export function createTrainingPool(
  options: TrainingPoolOptions,
  modules: TrainingPoolModules,
): TrainingPool {
  const { size, maxQueue, backend = 'wasm', threads = 1 } = options
  const settings: WorkerSettings = { backend, threads }
  const script = new URL('./worker.ts', import.meta.url)
  const pool = createWorkerPool<TrainingTask, never, TaskFault, Progress>(
    { script, args: [JSON.stringify(settings)], size, maxQueue },
    modules,
  )
  return {
    train: (task, control) => pool.run({ ...task, kind: 'train' }, control),
    evaluate: (task, control) => pool.run({ ...task, kind: 'evaluate' }, control),
    predict: (task, control) => pool.run({ ...task, kind: 'predict' }, control),
    close: pool.close,
  }
}
