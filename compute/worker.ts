/**
 * A training worker: the program of a child process of the training pool.
 */
import type { Fault, Result } from '../primitives/result.ts'
import { holdBackend } from './backendHolder.ts'
import { createDatasetShelf } from './datasetShelf.ts'
import type { WorkerSettings } from './trainingPool.ts'
import {
  evaluate,
  type Progress,
  predict,
  type TaskModules,
  type TrainingTask,
  train,
} from './trainingTask.ts'
import { serveTasks, warnParent } from './workerChild.ts'

const settings = JSON.parse(process.argv[2]!) as WorkerSettings
const backends = holdBackend(settings.backend, settings.threads, warnParent)
const datasets = createDatasetShelf()

serveTasks<TrainingTask, unknown, Progress>(async (task, { progress, cancelled }) => {
  const started = performance.now()
  const result = await backends.use((backend) =>
    carryOut(task, { backend, openDataset: datasets.open, progress, cancelled }),
  )
  if (!result.ok) return result
  return { ok: true, value: { ...result.value, ms: performance.now() - started } }
})

function carryOut(task: TrainingTask, modules: TaskModules): Promise<Result<object, Fault>> {
  switch (task.kind) {
    case 'train':
      return train(task, modules)
    case 'evaluate':
      return evaluate(task, modules)
    case 'predict':
      return predict(task, modules)
    default:
      return task satisfies never
  }
}
