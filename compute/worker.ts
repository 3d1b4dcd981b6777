/**
 * A training worker: the program of a child process of the training pool.
 */
import { statSync } from 'node:fs'
import type { Fault, Result } from '../primitives/result.ts'
import type { Dataset, DatasetFault } from './dataset.ts'
import { openDataset } from './datasetFile.ts'
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

/** Datasets kept open; the least recently opened is closed first. */
const maxOpen = 8

const settings = JSON.parse(process.argv[2]!) as WorkerSettings
const { backend, warning } = await openBackend(settings.backend, settings.threads)
const opened = new Map<string, Dataset>()

serveTasks<TrainingTask, unknown, Progress>(async (task, { progress, cancelled }) => {
  const started = performance.now()
  const modules = { backend, openDataset: openCached, progress, cancelled }
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

/** An open dataset, or a new opening if the file was replaced. */
function openCached(path: string): Result<Dataset, DatasetFault> {
  const key = `${path} ${stampOf(path)}`
  const known = opened.get(key)
  if (known !== undefined) return { ok: true, value: known }
  const dataset = openDataset(path)
  if (!dataset.ok) return dataset
  opened.set(key, dataset.value)
  const [oldest] = opened.keys()
  if (opened.size > maxOpen) {
    opened.get(oldest!)!.close()
    opened.delete(oldest!)
  }
  return dataset
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}
