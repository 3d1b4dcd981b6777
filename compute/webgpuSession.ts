/**
 * A model on a WebGPU device, from one step to the next. A step uploads its rows, is one submission, and
 * reads back nothing but the counters of its report.
 */
import { invariant } from '../primitives/result.ts'
import type { Rows, Session, StepReport } from './backend.ts'
import { fitsShape, type ModelState } from './modelState.ts'
import { assertRecipe, type Recipe, shiftsAt } from './shifts.ts'
import { type Dispatch, padMatrix, type WebGpu } from './webgpuDevice.ts'
import { createDeviceModel, type DeviceModel, loadState, readState } from './webgpuLayers.ts'
import { firstZeroWord, lossWord, saturatedWord } from './webgpuShader.ts'
import { forwardDispatches, trainDispatches } from './webgpuSteps.ts'

/** The label of padding, and of labels that no output stands for. */
const noLabel = -1

export async function openWebGpuSession(
  gpu: WebGpu,
  job: Recipe,
  state: ModelState,
): Promise<Session> {
  assertRecipe(job)
  invariant(fitsShape(job, state), 'webgpu: state of another job')
  const { device } = gpu
  const errors = watchErrors(device)
  const model = createDeviceModel(gpu, job, firstZeroWord + job.layers.length - 1)
  loadState(gpu, model, job, state)
  const forward = forwardDispatches(gpu, model, shiftsAt(job, 0))
  const train = job.schedule.map(({ fromStep }) =>
    trainDispatches(gpu, model, shiftsAt(job, fromStep)),
  )
  const trouble = await errors()
  if (trouble !== null) {
    model.release()
    throw new Error(trouble)
  }
  const { MAP_READ, COPY_DST } = GPUBufferUsage
  const report = device.createBuffer({ size: model.counterBytes, usage: MAP_READ | COPY_DST })

  async function step(number: number, rows: Rows): Promise<StepReport> {
    invariant(rows.count === job.batch, `webgpu: step of ${rows.count} rows`)
    const phase = job.schedule.findLastIndex(({ fromStep }) => fromStep <= number)
    loadRows(gpu, model, job, rows)
    await submit(train[Math.max(0, phase)]!)
    await report.mapAsync(GPUMapMode.READ)
    gpu.check()
    const counters = new Uint32Array(report.getMappedRange().slice(0))
    report.unmap()
    return readReport(model, job, counters)
  }

  async function submit(dispatches: readonly Dispatch[]): Promise<void> {
    const encoder = device.createCommandEncoder()
    encoder.clearBuffer(model.counters)
    gpu.encode(encoder, dispatches)
    encoder.copyBufferToBuffer(model.counters, 0, report, 0, model.counterBytes)
    device.queue.submit([encoder.finish()])
  }

  async function outputs(rows: Rows): Promise<Int8Array> {
    const features = job.layers[0]!
    const classes = job.layers.at(-1)!
    const { output, width } = model.layers.at(-1)!
    const all = new Int8Array(rows.count * classes)
    for (let from = 0; from < rows.count; from += model.batch) {
      const count = Math.min(model.batch, rows.count - from)
      loadRows(gpu, model, job, {
        count,
        features: rows.features.subarray(from * features, (from + count) * features),
        labels: rows.labels.subarray(from, from + count),
      })
      await submit(forward)
      const cells = new Int8Array(await gpu.read(output.along, model.batch * width))
      for (let row = 0; row < count; row++)
        all.set(cells.subarray(row * width, row * width + classes), (from + row) * classes)
    }
    return all
  }

  return {
    step,
    outputs,
    state: () => readState(gpu, model, job),
    close: async () => {
      model.release()
      report.destroy()
    },
  }
}

/** What goes wrong from now until the returned function is called; null if nothing does. */
function watchErrors(device: GPUDevice): () => Promise<string | null> {
  const filters = ['out-of-memory', 'internal', 'validation'] as const
  for (const filter of filters) device.pushErrorScope(filter)
  return async () => {
    const errors = await Promise.all(filters.map(() => device.popErrorScope()))
    // The last is about memory: what lacks it is invalid as well.
    return errors.findLast((error) => error !== null)?.message ?? null
  }
}

function loadRows({ device }: WebGpu, model: DeviceModel, job: Recipe, rows: Rows): void {
  const features = job.layers[0]!
  const classes = job.layers.at(-1)!
  const sides = [model.batch, model.layers[0]!.inner] as const
  const cells = padMatrix(rows.features, [rows.count, features], sides)
  device.queue.writeBuffer(model.features.along, 0, cells)
  const labels = new Int32Array(model.batch).fill(noLabel)
  for (let b = 0; b < rows.count; b++) if (rows.labels[b]! < classes) labels[b] = rows.labels[b]!
  device.queue.writeBuffer(model.labels, 0, labels)
}

function readReport(model: DeviceModel, job: Recipe, counters: Uint32Array): StepReport {
  const zeroErrors = model.layers.map(({ width }, i) => {
    // Every padded cell counted as a zero error.
    const padding = model.batch * width - job.batch * job.layers[i + 1]!
    return counters[firstZeroWord + i]! - padding
  })
  const loss = (BigInt(counters[lossWord + 1]!) << 32n) | BigInt(counters[lossWord]!)
  return { loss, zeroErrors, saturated: counters[saturatedWord]! }
}
