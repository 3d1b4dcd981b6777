/**
 * Merkle trees over a power of two of leaves, and one proof for many of them: each sibling that cannot
 * be computed is sent once. Rules P-35 and P-36 of docs/spec/proof.md.
 */
import { hash } from 'node:crypto'
import { invariant } from '../primitives/result.ts'

const digestBytes = 32

/** Levels of digests end to end, leaves first, root last. */
export type MerkleTree = readonly Uint8Array[]

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** @param leaves - digests, end to end; their number is a power of two. */
export function merkleTree(leaves: Uint8Array): MerkleTree {
  const levels = [leaves]
  for (let level = leaves; level.length > digestBytes; ) {
    const above = new Uint8Array(level.length / 2)
    for (let i = 0; i < above.length; i += digestBytes)
      above.set(nodeOf(level, 2 * i, level, 2 * i + digestBytes), i)
    levels.push(above)
    level = above
  }
  return levels
}

const nodeInput = Uint8Array.of(1, ...new Uint8Array(2 * digestBytes))

function nodeOf(left: Uint8Array, l: number, right: Uint8Array, r: number): Uint8Array {
  nodeInput.set(left.subarray(l, l + digestBytes), 1)
  nodeInput.set(right.subarray(r, r + digestBytes), 1 + digestBytes)
  return sha256(nodeInput)
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
  positions: readonly number[],
  leaves: Uint8Array,
  siblings: Uint8Array,
  depth: number,
): Uint8Array {
  let level = new Map(
    positions.map((position, i) => [
      position,
      leaves.subarray(digestBytes * i, digestBytes * (i + 1)),
    ]),
  )
  let offset = 0
  const next = () => {
    offset += digestBytes
    return siblings.subarray(offset - digestBytes, offset)
  }
  for (let step = 0; step < depth; step++) {
    // Siblings come in the order of the positions that lack them.
    const missing = new Map<number, Uint8Array>()
    for (const position of level.keys())
      if (!level.has(position ^ 1)) missing.set(position ^ 1, next())
    const above = new Map<number, Uint8Array>()
    for (const position of level.keys()) {
      if (above.has(position >>> 1)) continue
      const left = level.get(position & ~1) ?? missing.get(position & ~1)!
      const right = level.get(position | 1) ?? missing.get(position | 1)!
      above.set(position >>> 1, nodeOf(left, 0, right, 0))
    }
    level = above
  }
  invariant(offset === siblings.length, 'rootOfMany: wrong number of siblings')
  return level.get(0)!
}
