/** Looks before a thread goes to sleep; about 10 µs, what waking one costs. */
const usualSpins = 4_000

/**
 * Blocks this thread until word `index` of shared memory is no longer `seen`, and gives its new value:
 * looks for a moment, then sleeps until notified. A notification may come late, for a change that was
 * found by looking: one that brings no change is slept over.
 */
export function waitChange(
  words: Int32Array,
  index: number,
  seen: number,
  spins: number = usualSpins,
): number {
  for (let i = 0; i < spins; i++) {
    const now = Atomics.load(words, index)
    if (now !== seen) return now
  }
  for (;;) {
    Atomics.wait(words, index, seen)
    const now = Atomics.load(words, index)
    if (now !== seen) return now
  }
}
