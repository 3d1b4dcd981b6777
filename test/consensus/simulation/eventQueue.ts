/** Virtual time: what is to happen, in the order in which it does. Equal times keep the order of their making. */
export type EventQueue = {
  /** Milliseconds since the start. */
  readonly now: () => number
  /** Returns what calls it off. */
  readonly later: (delayMs: number, run: () => void) => () => void
  /** Go on to the next event and run it. */
  readonly advance: () => void
}

type Event = { readonly at: number; readonly order: number; readonly run: () => void }

export function createEventQueue(): EventQueue {
  /** Sorted with the next event last. */
  const queue: Event[] = []
  let now = 0
  let order = 0
  return {
    now: () => now,
    later: (delayMs, run) => {
      const event = { at: now + Math.max(0, delayMs), order: order++, run }
      let low = 0
      let high = queue.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (isEarlier(queue[middle]!, event)) high = middle
        else low = middle + 1
      }
      queue.splice(low, 0, event)
      return () => {
        const index = queue.indexOf(event)
        if (index >= 0) queue.splice(index, 1)
      }
    },
    advance: () => {
      const event = queue.pop()!
      now = event.at
      event.run()
    },
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
