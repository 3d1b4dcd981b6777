/**
 * A map from byte keys to values that can be walked in key order: the heart of the in-memory stores.
 */
import type { Range } from './keyValue.ts'

/** One entry; `key` is the map's own array and must not be handed out. */
export type Entry<V> = { readonly key: Uint8Array; readonly value: V }

export class OrderedMap<V> {
  /** Keys as text with one character per byte: text order is byte order. */
  readonly #entries = new Map<string, Entry<V>>()
  readonly #order: string[] = []

  get size(): number {
    return this.#order.length
  }

  get(key: Uint8Array): V | undefined {
    return this.#entries.get(textOf(key))?.value
  }

  /** Set `value` under a copy of `key`. */
  set(key: Uint8Array, value: V): void {
    const text = textOf(key)
    if (!this.#entries.has(text)) this.#order.splice(this.#rank(text), 0, text)
    this.#entries.set(text, { key: Uint8Array.from(key), value })
  }

  delete(key: Uint8Array): void {
    const text = textOf(key)
    if (this.#entries.delete(text)) this.#order.splice(this.#rank(text), 1)
  }

  /** Entries of `range`, in its direction, as they are now; later changes do not show. */
  range({ from, to, reverse = false, limit = Number.POSITIVE_INFINITY }: Range): Entry<V>[] {
    const first = this.#rank(textOf(from))
    const end = Math.max(first, this.#rank(textOf(to)))
    const keys = reverse
      ? this.#order.slice(Math.max(first, end - limit), end).reverse()
      : this.#order.slice(first, Math.min(end, first + limit))
    return keys.map((key) => this.#entries.get(key)!)
  }

  all(): Entry<V>[] {
    return this.#order.map((key) => this.#entries.get(key)!)
  }

  clear(): void {
    this.#entries.clear()
    this.#order.length = 0
  }

  /** How many keys are below `text`. */
  #rank(text: string): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#order[middle]! < text) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Byte strings compare as their texts do: negative, zero or positive. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

function textOf(key: Uint8Array): string {
  let text = ''
  for (let at = 0; at < key.length; at += 4_096)
    text += String.fromCharCode(...key.subarray(at, at + 4_096))
  return text
}
