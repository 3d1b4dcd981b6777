/**
 * The key-value contract: ordered byte keys, atomic batches. Meaning of keys belongs to the callers.
 */

/** One change of a batch; `value: null` deletes. */
export type Write = { readonly key: Uint8Array; readonly value: Uint8Array | null }

/** Keys in `[from, to)`, ascending unless `reverse`. */
export type Range = {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly reverse?: boolean | undefined
  readonly limit?: number | undefined
}

export type KeyValue = {
  /** The last value written, or null. What is handed out is the caller's own copy. */
  readonly get: (key: Uint8Array) => Promise<Uint8Array | null>
  /** All or nothing, also across `kill -9`; with `sync` it is on disk when the promise resolves. */
  readonly batch: (writes: readonly Write[], sync?: boolean) => Promise<void>
  readonly scan: (range: Range) => AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  readonly close: () => Promise<void>
}
