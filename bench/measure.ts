/**
 * Timing by medians: one slow run on a busy machine does not move the figure.
 */

/** Milliseconds of each call of `action`: warmed up, then at least `runs` times and `minMs` in all. */
export async function timeRuns(
  action: () => Promise<unknown> | unknown,
  { runs, minMs, warmUp = 2 }: { runs: number; minMs: number; warmUp?: number },
): Promise<readonly number[]> {
  for (let i = 0; i < warmUp; i++) await action()
  const times: number[] = []
  let total = 0
  while (times.length < runs || total < minMs) {
    const started = performance.now()
    await action()
    const ms = performance.now() - started
    times.push(ms)
    total += ms
  }
  return times
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
