/**
 * The Merkle tree of a group's members: Poseidon, 2^20 places filled from the left, empty ones 0.
 *
 * Adding a member reads one node for each 1 among the bits of its place and writes one: the subtree
 * that it completes, which is a left child until its sibling is complete, too.
 */
import { poseidon } from '../primitives/poseidon.ts'

export const groupDepth = 20
export const maxGroupSize: number = 2 ** groupDepth

let zeros: readonly bigint[] | undefined

/** The root of an empty subtree at each level, leaves first; the last is the empty tree's. */
export function zeroNodes(): readonly bigint[] {
  if (zeros === undefined) {
    const nodes = [0n]
    for (let level = 0; level < groupDepth; level++)
      nodes.push(poseidon([nodes[level]!, nodes[level]!]))
    zeros = nodes
  }
  return zeros
}

/** Nodes of complete left subtrees by level, as they are kept. */
export type TreeNodes = {
  readonly get: (level: number) => Promise<bigint>
  readonly put: (level: number, node: bigint) => Promise<void>
}

/** Put `leaf` at place `index`, the first empty one; returns the new root. */
export async function appendLeaf(nodes: TreeNodes, index: number, leaf: bigint): Promise<bigint> {
  let node = leaf
  let complete = true
  for (let level = 0; level < groupDepth; level++) {
    if (((index >> level) & 1) === 1) {
      node = poseidon([await nodes.get(level), node])
      continue
    }
    if (complete) await nodes.put(level, node)
    complete = false
    node = poseidon([node, zeroNodes()[level]!])
  }
  return node
}
