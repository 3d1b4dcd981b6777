/**
 * Time as a thing that is handed in: consensus tests run on a clock of their own.
 */

export type Clock = {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Run `action` once, `delayMs` from now; the returned function cancels it. */
  readonly after: (delayMs: number, action: () => void) => () => void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Resolves after `delayMs` of `clock`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}
