/**
 * Merkle trees over a power of two of leaves, and one proof for many of them: each sibling that cannot
 * be computed is sent once. Rules P-35 and P-36 of docs/spec/proof.md.
 */
import { invariant } from '../primitives/result.ts'
import { sha256 } from './sha256.ts'

const digestBytes = 32

/** Levels of digests end to end, leaves first, root last. */
export type MerkleTree = readonly Uint8Array[]

/** The digest of each pair of digests, all end to end. */
export type HashPairs = (digests: Uint8Array) => Uint8Array

/** @param leaves - digests, end to end; their number is a power of two. */
export function merkleTree(hashAll: HashPairs, leaves: Uint8Array): MerkleTree {
  const levels = [leaves]
  for (let level = leaves; level.length > digestBytes; ) {
    level = hashAll(level)
    levels.push(level)
  }
  return levels
}

/** `SHA256(0x01 ‖ left ‖ right)` of each pair. */
export function hashPairs(digests: Uint8Array): Uint8Array {
  const above = new Uint8Array(digests.length / 2)
  const input = Uint8Array.of(1, ...new Uint8Array(2 * digestBytes))
  for (let i = 0; i < above.length; i += digestBytes) {
    input.set(digests.subarray(2 * i, 2 * i + 2 * digestBytes), 1)
    above.set(sha256(input), i)
  }
  return above
}

/** Positions that a level's siblings must be sent for, level by level from the leaves. */
function walk(
  positions: readonly number[],
  depth: number,
  visit: (level: number, missing: number) => void,
): void {
  let known = positions
  for (let level = 0; level < depth; level++) {
    const present = new Set(known)
    for (const position of known) if (!present.has(position ^ 1)) visit(level, position ^ 1)
    known = [...new Set(known.map((position) => position >>> 1))]
  }
}

/** Number of digests in the proof of `positions` (ascending, distinct). */
export function siblingCount(positions: readonly number[], depth: number): number {
  let total = 0
  walk(positions, depth, () => total++)
  return total
}

/** The digests that complete the leaves at `positions` (ascending, distinct) to the root. */
export function openMany(tree: MerkleTree, positions: readonly number[]): Uint8Array {
  const depth = tree.length - 1
  const siblings = new Uint8Array(digestBytes * siblingCount(positions, depth))
  let offset = 0
  walk(positions, depth, (level, missing) => {
    const from = digestBytes * missing
    siblings.set(tree[level]!.subarray(from, from + digestBytes), offset)
    offset += digestBytes
  })
  return siblings
}

/**
 * The root that `leaves` (digests, end to end) at `positions` (ascending, distinct) and `siblings`
 * make. The caller has checked the number of siblings with {@link siblingCount}.
 */
export function rootOfMany(
  hashAll: HashPairs,
  positions: readonly number[],
  leaves: Uint8Array,
  siblings: Uint8Array,
  depth: number,
): Uint8Array {
  let level = { positions, digests: leaves }
  let offset = 0
  // Siblings come in the order of the positions that lack them.
  const next = () => {
    offset += digestBytes
    return siblings.subarray(offset - digestBytes, offset)
  }
  for (let step = 0; step < depth; step++) {
    const { above, pairs } = pairUp(level.positions, level.digests, next)
    level = { positions: above, digests: hashAll(pairs) }
  }
  invariant(offset === siblings.length, 'rootOfMany: wrong number of siblings')
  return level.digests
}

/** Both children of every node above known ones, left before right. */
function pairUp(positions: readonly number[], digests: Uint8Array, next: () => Uint8Array) {
  const above = [...new Set(positions.map((position) => position >>> 1))]
  const pairs = new Uint8Array(2 * digestBytes * above.length)
  const known = new Set(positions)
  let node = -1
  let previous = -1
  for (const [i, position] of positions.entries()) {
    if (position >>> 1 !== previous) node++
    previous = position >>> 1
    const place = (of: number) => digestBytes * (2 * node + (of & 1))
    pairs.set(digests.subarray(digestBytes * i, digestBytes * (i + 1)), place(position))
    if (!known.has(position ^ 1)) pairs.set(next(), place(position ^ 1))
  }
  return { above, pairs }
}
