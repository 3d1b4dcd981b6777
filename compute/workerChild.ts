/**
 * The child's side of a worker pool: takes one task at a time from its parent and answers with a
 * verdict. Ends when the parent does.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type Fault, type Result, refuse } from '../primitives/result.ts'
import type { FromChild, PoolFault, ToChild } from './workerPool.ts'

export type TaskContext<P> = {
  readonly progress: (value: P) => void
  /** Lets messages in, then says whether the parent still wants the task. */
  readonly cancelled: () => Promise<boolean>
}

/** Has the parent warn its operator. */
export function warnParent(text: string): void {
  send({ type: 'warning', text })
}

/** Serve this process's parent until it disconnects. */
export function serveTasks<T, V, P>(
  carryOut: (task: T, context: TaskContext<P>) => Promise<Result<V, Fault>>,
): void {
  const unwanted = new Set<number>()

  async function perform(id: number, task: T): Promise<void> {
    const context: TaskContext<P> = {
      progress: (value) => send({ type: 'progress', id, value }),
      cancelled: async () => {
        await turn()
        return unwanted.has(id)
      },
    }
    const result = await carryOut(task, context).catch((error: unknown) => refuse(failed(error)))
    unwanted.delete(id)
    send({ type: 'done', id, result })
  }

  process.on('message', (message: ToChild) => {
    if (message.type === 'cancel') unwanted.add(message.id)
    else void perform(message.id, message.task as T)
  })
  process.on('disconnect', () => process.exit(0))
}

function failed(error: unknown): PoolFault {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'pool/failed', why: why.slice(0, 2_000) }
}

/** A message to a parent that is gone has no reader; `disconnect` ends this process. */
function send(message: FromChild): void {
  if (process.connected) process.send!(message)
}
