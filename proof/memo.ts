/**
 * Remembered results of pure functions: shapes and their consequences recur with every proof of a job.
 */

/** Remembers the results of the last `limit` keys. */
export function remembering<T>(limit: number): (key: string, make: () => T) => T {
  const known = new Map<string, T>()
  return (key, make) => {
    const found = known.get(key)
    if (found !== undefined) return found
    const made = make()
    if (known.size === limit) known.delete(known.keys().next().value!)
    known.set(key, made)
    return made
  }
}

/** `make`, once for each object for as long as it lives. */
export function perObject<K extends object, T>(make: (of: K) => T): (of: K) => T {
  const known = new WeakMap<K, T>()
  return (of) => {
    const found = known.get(of)
    if (found !== undefined) return found
    const made = make(of)
    known.set(of, made)
    return made
  }
}
