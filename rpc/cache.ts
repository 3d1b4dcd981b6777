/**
 * What was read lately, up to a bound of weight: committed blocks never change, so nothing is ever stale.
 */
export type Cache<K, V> = {
  /** Undefined: not kept. */
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
  readonly drop: (key: K) => void
}

/** @param weigh - of one value, at least 1; one heavier than `maxWeight` is not kept. */
export function createCache<K, V>(maxWeight: number, weigh: (value: V) => number): Cache<K, V> {
  const kept = new Map<K, V>()
  let weight = 0

  function drop(key: K): void {
    const value = kept.get(key)
    if (value === undefined) return
    kept.delete(key)
    weight -= weigh(value)
  }

  return {
    drop,
    get: (key) => {
      const value = kept.get(key)
      if (value !== undefined) {
        // A Map keeps the order of insertion: what was used last goes to the end.
        kept.delete(key)
        kept.set(key, value)
      }
      return value
    },
    set: (key, value) => {
      drop(key)
      if (weigh(value) > maxWeight) return
      kept.set(key, value)
      weight += weigh(value)
      while (weight > maxWeight) drop(kept.keys().next().value!)
    },
  }
}
