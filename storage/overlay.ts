/**
 * An overlay: reads fall through to a base store, writes stay in memory until someone takes them.
 *
 * A candidate block is executed on an overlay, so a refused block costs nothing to forget and an
 * accepted one becomes a single batch.
 */
import { plainBytes } from '../primitives/bytes.ts'
import type { KeyValue, Range, Write } from './keyValue.ts'
import { compareKeys, OrderedMap } from './orderedMap.ts'

export type Overlay = KeyValue & {
  /** Everything written so far, one write per key, in key order; copies. */
  readonly writes: () => readonly Write[]
}

type Pair = readonly [key: Uint8Array, value: Uint8Array]

/** An empty overlay. Closing it forgets its writes and leaves `base` open. */
export function overlay(base: KeyValue): Overlay {
  const changes = new OrderedMap<Uint8Array | null>()

  async function get(key: Uint8Array): Promise<Uint8Array | null> {
    const changed = changes.get(key)
    if (changed === undefined) return base.get(key)
    return changed === null ? null : plainBytes(changed)
  }

  async function batch(writes: readonly Write[]): Promise<void> {
    for (const { key, value } of writes) changes.set(key, value === null ? null : plainBytes(value))
  }

  async function* scan(range: Range): AsyncIterable<Pair> {
    const { from, to, reverse, limit = Number.POSITIVE_INFINITY } = range
    if (limit <= 0) return
    let count = 0
    // The base is read without a limit: some of what it yields may be deleted here.
    for await (const pair of merge(base.scan({ from, to, reverse }), changedIn(range), reverse)) {
      yield pair
      if (++count >= limit) return
    }
  }

  function changedIn({ from, to, reverse }: Range): Change[] {
    return changes.range({ from, to, reverse }).map(({ key, value }) => [key, value])
  }

  function writes(): readonly Write[] {
    return changes.all().map(({ key, value }) => ({
      key: plainBytes(key),
      value: value === null ? null : plainBytes(value),
    }))
  }

  async function close(): Promise<void> {
    changes.clear()
  }

  return { get, batch, scan, close, writes }
}

type Change = readonly [key: Uint8Array, value: Uint8Array | null]

/** Both sequences in one order; where a key is in both, the change wins. */
async function* merge(
  below: AsyncIterable<Pair>,
  changes: readonly Change[],
  reverse = false,
): AsyncIterable<Pair> {
  const direction = reverse ? -1 : 1
  let next = 0
  for await (const pair of below) {
    let order = 1
    while (next < changes.length) {
      order = direction * compareKeys(changes[next]![0], pair[0])
      if (order > 0) break
      yield* present(changes[next++]!)
      if (order === 0) break
    }
    if (order !== 0) yield pair
  }
  for (const change of changes.slice(next)) yield* present(change)
}

function* present([key, value]: Change): Iterable<Pair> {
  if (value !== null) yield [plainBytes(key), plainBytes(value)]
}
