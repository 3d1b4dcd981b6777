/**
 * Sidecars: the proofs that certificates are judged by. They travel beside blocks and are kept for a
 * while after inclusion, for nodes that ask late; by bytes and by height they are bounded.
 */
import type { Hash } from '../primitives/hash.ts'

type Held = { readonly bytes: Uint8Array; height: bigint | null }

export class SidecarShelf {
  readonly #maxBytes: number
  readonly #held = new Map<Hash, Held>()
  #bytes = 0

  /** @param maxBytes - of what blocks have already included; what waits is bounded by the pool. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(name: Hash): Uint8Array | null {
    return this.#held.get(name)?.bytes ?? null
  }

  /** Hold the sidecar of a waiting certificate, until {@link drop} or {@link included}. */
  hold(name: Hash, bytes: Uint8Array): void {
    if (!this.#held.has(name)) this.#held.set(name, { bytes, height: null })
  }

  /** The block at `height` has it: keep it for a while; the oldest make room. */
  included(name: Hash, bytes: Uint8Array, height: bigint): void {
    if (this.#held.get(name)?.height != null) return
    this.#held.delete(name)
    this.#held.set(name, { bytes, height })
    this.#bytes += bytes.length
    for (const [other, { height: since }] of this.#held) {
      if (this.#bytes <= this.#maxBytes) return
      if (since !== null) this.#forget(other)
    }
  }

  /** A waiting certificate is gone. */
  drop(name: Hash): void {
    if (this.#held.get(name)?.height === null) this.#held.delete(name)
  }

  /** Forget what blocks below `height` included. */
  prune(height: bigint): void {
    for (const [name, { height: since }] of this.#held)
      if (since !== null && since < height) this.#forget(name)
  }

  #forget(name: Hash): void {
    this.#bytes -= this.#held.get(name)?.bytes.length ?? 0
    this.#held.delete(name)
  }
}
