/**
 * A training worker: the program of a child process of the training pool.
 */
import type { Fault, Result } from '../primitives/result.ts'
import { createDatasetShelf } from './datasetShelf.ts'
import { openBackend } from './selfTest.ts'
import type { WorkerSettings } from './trainingPool.ts'
import {
  evaluate,
  type Progress,
  predict,
  type TaskModules,
  type TrainingTask,
  train,
} from './trainingTask.ts'
import { serveTasks } from './workerChild.ts'

const settings = JSON.parse(process.argv[2]!) as WorkerSettings
const { backend, warning } = await openBackend(settings.backend, settings.threads)
const datasets = createDatasetShelf()

serveTasks<TrainingTask, unknown, Progress>(async (task, { progress, cancelled }) => {
  const started = performance.now()
  const modules = { backend, openDataset: datasets.open, progress, cancelled }
  const result = await carryOut(task, modules)
  if (!result.ok) return result
  return { ok: true, value: { ...result.value, ms: performance.now() - started } }
}, warning)

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
