/**
 * A seeded generator: the SHA-256 of a tag, a seed and a counter, read in 32-bit words. The same seed
 * gives the same numbers on every machine, which is what initial weights and batch orders need.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, uintBytes } from './bytes.ts'
import { type Hash, hashBytes, hashOf } from './hash.ts'
import { invariant } from './result.ts'

export class SeededRandom {
  readonly #key: Uint8Array
  #counter = 0n
  #block: DataView = new DataView(new ArrayBuffer(0))
  #used = 0

  /** @param role - what the numbers are for; different roles of one seed are independent. */
  constructor(role: string, seed: Hash) {
    this.#key = hashBytes(hashOf(`waggle/random/v1/${role}`, hashBytes(seed)))
  }

  /** The next word, uniform in [0, 2^32). */
  uint32(): number {
    if (this.#used === this.#block.byteLength) {
      const block = sha256(concatBytes(this.#key, uintBytes(this.#counter++, 8)))
      this.#block = new DataView(block.buffer, block.byteOffset, block.byteLength)
      this.#used = 0
    }
    this.#used += 4
    return this.#block.getUint32(this.#used - 4)
  }

  /** Uniform in [0, bound), by rejection: no modulo bias. */
  below(bound: number): number {
    invariant(Number.isInteger(bound) && bound > 0 && bound <= 2 ** 32, `below: ${bound}`)
    const limit = 2 ** 32 - (2 ** 32 % bound)
    for (;;) {
      const word = this.uint32()
      if (word < limit) return word % bound
    }
  }
}
