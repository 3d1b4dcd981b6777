/**
 * A key-value store in memory: for tests, and for chains that need not outlive their process.
 */
import { plainBytes } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import type { KeyValue, Range, Write } from './keyValue.ts'
import { OrderedMap } from './orderedMap.ts'

/** An empty store; nothing of it survives `close`. */
export function openMemory(): KeyValue {
  const entries = new OrderedMap<Uint8Array>()
  let open = true

  function mustBeOpen(): void {
    invariant(open, 'memory store: used after close')
  }

  async function get(key: Uint8Array): Promise<Uint8Array | null> {
    mustBeOpen()
    const value = entries.get(key)
    return value === undefined ? null : plainBytes(value)
  }

  async function batch(writes: readonly Write[]): Promise<void> {
    mustBeOpen()
    for (const { key, value } of writes)
      if (value === null) entries.delete(key)
      else entries.set(key, plainBytes(value))
  }

  async function* scan(range: Range): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    mustBeOpen()
    for (const { key, value } of entries.range(range)) yield [plainBytes(key), plainBytes(value)]
  }

  async function close(): Promise<void> {
    open = false
    entries.clear()
  }

  return { get, batch, scan, close }
}
