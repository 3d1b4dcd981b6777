/**
 * Taking turns on the main thread: work that never waits for anything outside keeps requests waiting.
 */

/** Lets what is waiting run: requests, messages, timers. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Says every `every`th time that it is others' turn. */
export function createTurns(every: number): () => Promise<void> | null {
  let count = 0
  return () => {
    count = (count + 1) % every
    return count === 0 ? breathe() : null
  }
}
