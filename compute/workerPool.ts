/**
 * A pool of niced child processes that carry out tasks: the node keeps answering while they compute,
 * and a crash (of a GPU driver, say) costs one task, not the node.
 *
 * Children start when first needed and stay. A child that dies is replaced when the next task needs
 * one, so a child that cannot start fails one task each time instead of spinning.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { type Clock, systemClock } from '../primitives/clock.ts'
import { type Fault, type Result, refuse } from '../primitives/result.ts'

export type WorkerPoolOptions = {
  /** Module that calls `serveTasks`. */
  readonly script: URL
  /** Arguments of the script. @default none */
  readonly args?: readonly string[] | undefined
  /** Children at most. @default 1 */
  readonly size?: number | undefined
  /** Tasks that may wait; more are refused. @default 64 */
  readonly maxQueue?: number | undefined
  /** Nice value of the children. @default 19: they take what is left */
  readonly nice?: number | undefined
  /** A child that ignores a cancel this long is killed. @default 10,000 */
  readonly cancelTimeoutMs?: number | undefined
}

export type WorkerPoolModules = {
  /** Told of a child's warning; `null` is never passed. */
  readonly warn: (text: string) => void
  /** @default the system's */
  readonly clock?: Clock | undefined
}

export type TaskControl<P> = {
  readonly onProgress?: ((progress: P) => void) | undefined
  /** Aborting it cancels the task. */
  readonly signal?: AbortSignal | undefined
}

export type WorkerPool<T, V, F extends Fault, P> = {
  /** Carry out `task`; never rejects. */
  readonly run: (task: T, control?: TaskControl<P>) => Promise<Result<V, F | PoolFault>>
  /** Ends the children and refuses what they had not finished. */
  readonly close: () => Promise<void>
}

export type PoolFault =
  | { readonly code: 'pool/full'; readonly limit: number }
  | { readonly code: 'pool/closed' }
  | { readonly code: 'pool/cancelled' }
  /** The child died; `why` holds its exit and the end of what it wrote to stderr. */
  | { readonly code: 'pool/crashed'; readonly why: string }
  /** The task threw: a bug, or the machine failed. */
  | { readonly code: 'pool/failed'; readonly why: string }

export type ToChild =
  | { readonly type: 'task'; readonly id: number; readonly task: unknown }
  | { readonly type: 'cancel'; readonly id: number }

export type FromChild =
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'progress'; readonly id: number; readonly value: unknown }
  | { readonly type: 'done'; readonly id: number; readonly result: Result<unknown, Fault> }

type Pending = {
  readonly id: number
  readonly task: unknown
  readonly control: TaskControl<unknown>
  readonly settle: (result: Result<unknown, Fault>) => void
}

type Child = {
  readonly process: ChildProcess
  busy: Pending | null
  errors: string
  /** Stops the countdown to the kill of a child that ignores a cancel. */
  spare: () => void
}

/** Longest end of a child's stderr that a fault carries. */
const errorChars = 2_000

export function createWorkerPool<T, V, F extends Fault, P>(
  options: WorkerPoolOptions,
  modules: WorkerPoolModules,
): WorkerPool<T, V, F, P> {
  const { script, args = [], size = 1, maxQueue = 64, cancelTimeoutMs = 10_000 } = options
  const { warn, clock = systemClock } = modules
  const nice = options.nice ?? constants.priority.PRIORITY_LOW
  const children = new Set<Child>()
  const queue: Pending[] = []
  let nextId = 0
  let closed = false

  function run(task: T, control: TaskControl<P> = {}): Promise<Result<V, F | PoolFault>> {
    if (closed) return Promise.resolve(refuse({ code: 'pool/closed' }))
    if (control.signal?.aborted) return Promise.resolve(refuse({ code: 'pool/cancelled' }))
    if (queue.length >= maxQueue)
      return Promise.resolve(refuse({ code: 'pool/full', limit: maxQueue }))
    return new Promise((resolve) => {
      const { signal } = control
      const onAbort = () => cancel(pending)
      const pending: Pending = {
        id: nextId++,
        task,
        control: control as TaskControl<unknown>,
        settle: (result) => {
          signal?.removeEventListener('abort', onAbort)
          resolve(result as Result<V, F | PoolFault>)
        },
      }
      signal?.addEventListener('abort', onAbort)
      queue.push(pending)
      dispatch()
    })
  }

  /** Hand waiting tasks to idle children, starting children while there may be more. */
  function dispatch(): void {
    while (queue.length > 0) {
      const child = [...children].find(({ busy }) => busy === null) ?? start()
      if (child === null) return
      const pending = queue.shift()!
      child.busy = pending
      child.process.send({ type: 'task', id: pending.id, task: pending.task } satisfies ToChild)
    }
  }

  function start(): Child | null {
    if (children.size >= size) return null
    const child: Child = {
      process: fork(script, args, {
        serialization: 'advanced',
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      }),
      busy: null,
      errors: '',
      spare: () => {},
    }
    children.add(child)
    lowerPriority(child)
    child.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      child.errors = (child.errors + text).slice(-errorChars)
    })
    child.process.on('message', (message: FromChild) => receive(child, message))
    // A send to a child that just died fails here; its exit settles the task.
    child.process.on('error', (error) => {
      child.errors = (child.errors + error.message).slice(-errorChars)
      if (child.process.pid === undefined) bury(child, 'could not start')
    })
    child.process.on('close', (code, signal) => bury(child, `exit ${code ?? signal}`))
    return child
  }

  /** Before the child starts threads, which inherit it. A system that refuses leaves it as it was. */
  function lowerPriority({ process: { pid } }: Child): void {
    try {
      if (pid !== undefined) setPriority(pid, nice)
    } catch (error) {
      warn(`a worker keeps its priority: ${(error as Error).message}`)
    }
  }

  function receive(child: Child, message: FromChild): void {
    switch (message.type) {
      case 'warning':
        warn(message.text)
        return
      case 'progress':
        if (child.busy?.id === message.id) child.busy.control.onProgress?.(message.value)
        return
      case 'done':
        release(child, message.result)
        dispatch()
        return
      default:
        message satisfies never
    }
  }

  function release(child: Child, result: Result<unknown, Fault>): void {
    const { busy } = child
    child.spare()
    child.busy = null
    busy?.settle(busy.control.signal?.aborted ? refuse({ code: 'pool/cancelled' }) : result)
  }

  function bury(child: Child, how: string): void {
    if (!children.delete(child)) return
    const why = [how, child.errors.trim()].filter((text) => text !== '').join(': ')
    release(child, refuse({ code: closed ? 'pool/closed' : 'pool/crashed', why }))
    if (!closed) dispatch()
  }

  function cancel(pending: Pending): void {
    const place = queue.indexOf(pending)
    if (place !== -1) {
      queue.splice(place, 1)
      pending.settle(refuse({ code: 'pool/cancelled' }))
      return
    }
    const child = [...children].find(({ busy }) => busy === pending)
    if (child === undefined) return
    child.process.send({ type: 'cancel', id: pending.id } satisfies ToChild)
    child.spare = clock.after(cancelTimeoutMs, () => child.process.kill('SIGKILL'))
  }

  async function close(): Promise<void> {
    closed = true
    for (const pending of queue.splice(0)) pending.settle(refuse({ code: 'pool/closed' }))
    await Promise.all(
      [...children].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.process.once('close', () => resolve())
            child.process.kill('SIGKILL')
          }),
      ),
    )
  }

  return { run, close }
}
