/**
 * The root of a Merkle tree (see `merkle.ts`) over leaves that arrive one by one, in memory that grows
 * with the logarithm of their number.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Hash, hashFromBytes } from './hash.ts'
import { merkleNode } from './merkle.ts'

export class MerkleStream {
  /** Roots of complete subtrees, largest first: one per set bit of `#count`. */
  readonly #peaks: Uint8Array[] = []
  #count = 0

  /** @param leaf - a leaf digest, from `merkleLeaf`. */
  add(leaf: Uint8Array): void {
    let digest = leaf
    // As in binary addition: every trailing one of the old count is a subtree to merge with.
    for (let carry = this.#count; carry % 2 === 1; carry = Math.floor(carry / 2))
      digest = merkleNode(this.#peaks.pop()!, digest)
    this.#peaks.push(digest)
    this.#count++
  }

  /** The root over the leaves so far. */
  root(): Hash {
    if (this.#count === 0) return hashFromBytes(sha256(Uint8Array.of(2)))
    return hashFromBytes(this.#peaks.reduceRight((right, left) => merkleNode(left, right)))
  }
}
