/**
 * A mailbox: tasks of one driver, one after another in the order of arrival. The driver's state is
 * touched by tasks alone, so nothing it does is interleaved with anything else it does.
 */

type Task = () => void | Promise<void>

export type Mailbox = {
  /** Queue a task; dropped once the mailbox is closed. */
  readonly post: (task: Task) => void
  /** Queue a task and await it. Rejects with the task's error, which also goes to `onError`. */
  readonly call: (task: Task) => Promise<void>
  /** Resolves when the running task, if any, has ended; later ones never start. */
  readonly close: () => Promise<void>
}

/** @param onError - a task failed: our own bug, or the disk's. */
export function createMailbox(onError: (error: unknown) => void): Mailbox {
  let tail: Promise<void> = Promise.resolve()
  let closed = false

  function call(task: Task): Promise<void> {
    const run = tail.then(() => (closed ? undefined : task()))
    tail = run.catch(onError)
    return run
  }

  return {
    call,
    post: (task) => {
      if (!closed) call(task).catch(() => {})
    },
    close: () => {
      closed = true
      return tail
    },
  }
}
