/**
 * A GPU for a thread that may not wait for promises: the device lives in a thread of its own, and calls
 * block until it has answered.
 */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Elements } from './extension.ts'
import { type CodePlan, type GpuCode, openGpuCode } from './gpuCode.ts'
import { type Cells, type ColumnCommand, openGpuColumns, type Placement } from './gpuColumns.ts'
import type { ProofGpu } from './gpuDevice.ts'
import { openGpuVectors, type VectorCommand } from './gpuVectors.ts'

/** What the thread of a GPU is started with. */
export type GpuThreadData = { readonly port: MessagePort; readonly answered: SharedArrayBuffer }

/** What it tells when it has started. */
export type GpuStart =
  | { readonly trouble: string }
  | { readonly trouble: null; readonly maxWords: number }

/** `code` names one that was opened. */
type CodeCommand =
  | { readonly kind: 'open'; readonly code: number; readonly plan: CodePlan }
  | {
      readonly kind: 'add'
      readonly code: number
      readonly cells: Cells
      readonly placement: Placement
      readonly codeRows: number
    }
  | { readonly kind: 'tree'; readonly code: number }
  | { readonly kind: 'pick'; readonly code: number; readonly positions: Uint32Array }
  | { readonly kind: 'combine'; readonly code: number; readonly weights: Elements }
  | { readonly kind: 'release'; readonly code: number }

export type GpuCommand = CodeCommand | ColumnCommand | VectorCommand

type GpuAnswer = { readonly words: Uint32Array } | { readonly trouble: string }

export type GpuLink = {
  /** Blocks. @throws {Error} if the device failed. */
  readonly call: (command: GpuCommand) => Uint32Array
  /** Of one vector or column. */
  readonly maxWords: number
  readonly close: () => Promise<void>
}

/** A device that works on one call for longer is given up. */
const patienceMs = 300_000

/**
 * @param script - of a thread that calls {@link serveGpu} and then posts a {@link GpuStart}.
 *
 * @throws {Error} if the thread has no device.
 */
export async function openGpuLink(script: URL): Promise<GpuLink> {
  const { port1: port, port2 } = new MessageChannel()
  const answered = new SharedArrayBuffer(4)
  const workerData: GpuThreadData = { port: port2, answered }
  const thread = new Worker(script, { workerData, transferList: [port2] })
  // As long as this thread lives, it is the one that waits.
  port.unref()
  const close = async () => {
    port.close()
    await thread.terminate()
  }
  const [start] = (await once(thread, 'message')) as [GpuStart]
  thread.unref()
  if (start.trouble !== null) {
    await close()
    throw new Error(start.trouble)
  }
  const count = new Int32Array(answered)

  function call(command: GpuCommand): Uint32Array {
    const before = Atomics.load(count, 0)
    port.postMessage(command)
    // A wake-up may be a late one, of the answer before.
    while (Atomics.load(count, 0) === before)
      if (Atomics.wait(count, 0, before, patienceMs) === 'timed-out')
        throw new Error(`the GPU did not answer in ${patienceMs / 1e3} s`)
    const { message: answer } = receiveMessageOnPort(port) as { readonly message: GpuAnswer }
    if ('trouble' in answer) throw new Error(answer.trouble)
    return answer.words
  }

  return { call, maxWords: start.maxWords, close }
}

/** Answers calls one after another, in the thread of the device. */
export function serveGpu(gpu: ProofGpu, { port, answered }: GpuThreadData): void {
  const codes = new Map<number, GpuCode>()
  const columns = openGpuColumns(gpu)
  const onVectors = openGpuVectors(gpu, columns)
  const count = new Int32Array(answered)

  async function onCode(command: CodeCommand): Promise<Uint32Array> {
    const code = codes.get(command.code)
    switch (command.kind) {
      case 'open':
        codes.set(command.code, openGpuCode(gpu, command.plan))
        return nothing
      case 'add':
        code!.add({ ...command, cells: columns.bring(command.cells) })
        return nothing
      case 'tree':
        return code!.tree()
      case 'pick':
        return code!.pick(command.positions)
      case 'combine':
        return code!.combine(command.weights)
      case 'release':
        code?.release()
        codes.delete(command.code)
        return nothing
      default:
        return command satisfies never
    }
  }

  async function carryOut(command: GpuCommand): Promise<Uint32Array> {
    if ('code' in command) return onCode(command)
    return 'column' in command ? columns.carryOut(command) : onVectors(command)
  }

  port.on('message', async (command: GpuCommand) => {
    const answer: GpuAnswer = await carryOut(command).then(
      (words) => ({ words }),
      (error: unknown) => ({ trouble: reasonOf(error) }),
    )
    port.postMessage(answer)
    Atomics.add(count, 0, 1)
    Atomics.notify(count, 0)
  })
}

/** A device that is gone refuses without a word; others tell it line by line, the cause first. */
function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n')[0]!
  return text === '' ? 'it no longer answers' : text
}

const nothing = new Uint32Array(0)
