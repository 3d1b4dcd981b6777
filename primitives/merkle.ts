/**
 * Binary Merkle trees over SHA-256 with separated roles: `leaf = H(0x00 | data)`,
 * `node = H(0x01 | left | right)`. A level of odd length passes its last node up unchanged, so no leaf
 * can be counted twice; the root of nothing is `H(0x02)`.
 *
 * Shape follows RFC 6962, section 2.1 (split at the largest power of two below n).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes } from './bytes.ts'
import { type Hash, hashBytes, hashFromBytes } from './hash.ts'
import { invariant } from './result.ts'

export function merkleLeaf(data: Uint8Array): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(0), data))
}

export function merkleNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(1), left, right))
}

/** All levels, leaves first, root last; for `n` leaves about `2n` digests. */
export function merkleLevels(leaves: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const levels = [leaves]
  for (let level = leaves; level.length > 1; ) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2)
      above.push(i + 1 < level.length ? merkleNode(level[i]!, level[i + 1]!) : level[i]!)
    levels.push(above)
    level = above
  }
  return levels
}

/** Root over leaf digests (see {@link merkleLeaf}). */
export function merkleRoot(leaves: readonly Uint8Array[]): Hash {
  if (leaves.length === 0) return hashFromBytes(sha256(Uint8Array.of(2)))
  return hashFromBytes(merkleLevels(leaves).at(-1)![0]!)
}

/** Sibling digests from the leaf at `index` up to the root; levels without a sibling give none. */
export function merklePath(
  levels: readonly (readonly Uint8Array[])[],
  index: number,
): readonly Uint8Array[] {
  invariant(index >= 0 && index < levels[0]!.length, `merklePath: leaf ${index}`)
  return levels.slice(0, -1).flatMap((level, depth) => {
    const sibling = level[(index >> depth) ^ 1]
    return sibling === undefined ? [] : [sibling]
  })
}

/** Whether `leaf` (a digest) is the leaf at `index` of the tree of `count` leaves with this `root`. */
export function checkMerklePath(
  root: Hash,
  count: number,
  index: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= count) return false
  let digest = leaf
  let used = 0
  let position = index
  for (let width = count; width > 1; width = (width + 1) >> 1) {
    const sibling = position ^ 1
    if (sibling < width) {
      const other = path[used++]
      if (other === undefined) return false
      digest = position & 1 ? merkleNode(other, digest) : merkleNode(digest, other)
    }
    position >>= 1
  }
  return used === path.length && equalBytes(digest, hashBytes(root))
}
