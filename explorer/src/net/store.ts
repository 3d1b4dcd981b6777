/**
 * A value that many parts of the page read, and its changes.
 */
import { useEffect, useState } from 'preact/hooks'

export type Store<T> = {
  readonly get: () => T
  readonly set: (next: T) => void
  /** @returns what stops it. */
  readonly subscribe: (listener: () => void) => () => void
}

export function createStore<T>(initial: T): Store<T> {
  const listeners = new Set<() => void>()
  let value = initial
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return
      value = next
      for (const listener of [...listeners]) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** The store's value; the component is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.get)
  useEffect(() => {
    const read = () => setValue(store.get)
    read()
    return store.subscribe(read)
  }, [store])
  return value
}
