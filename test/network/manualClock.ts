import type { Clock } from '../../primitives/clock.ts'

/** A clock that stands still until it is told to advance. */
export type ManualClock = Clock & { readonly advance: (ms: number) => void }

export function manualClock(): ManualClock {
  let now = 0
  let timers: { readonly at: number; readonly action: () => void }[] = []

  function after(delayMs: number, action: () => void): () => void {
    const timer = { at: now + delayMs, action }
    timers.push(timer)
    return () => {
      timers = timers.filter((other) => other !== timer)
    }
  }

  function advance(ms: number): void {
    const until = now + ms
    for (;;) {
      const next = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      timers = timers.filter((other) => other !== next)
      now = next.at
      next.action()
    }
    now = until
  }

  return { now: () => now, after, advance }
}
