/**
 * What the prover of the fraction tree keeps of it. A tree has some 20 bytes of nodes for each leaf on
 * every second level: those of large leases fit in no memory, so their lower levels are made again from
 * the leaves whenever they are needed, group by group.
 */
import type { Segment, SegmentTree } from './circuit.ts'
import { degree } from './extension.ts'
import { countsOne } from './segmentGroups.ts'

/** Words that a proof may take. */
export type Budget = {
  /** Of the kernels' own memory: trees up to this size lie there as a whole. */
  readonly near: number
  /** For the levels of a larger tree, and as many for the layer that is being proved. */
  readonly kept: number
  /** Of another device, if there is one: for the levels of a tree, and for one of their vectors. */
  readonly away?: { readonly levels: number; readonly vector: number } | undefined
}

export type TreePlan = {
  /** Everything lies in the kernels' memory, or on another device. */
  readonly near: boolean
  /** log2 of the leaves that are worked on together. */
  readonly groupBits: number
  /** The lowest level that is kept. */
  readonly firstKept: number
  /** Rounds of the layer over level `base` in which its values are made again. */
  readonly streamed: (base: number) => number
}

/** Parts of the near memory that a group may take: it is there with its nodes and what they become. */
const groupShare = 64

export function planTree({ segments }: SegmentTree, { near, kept, away }: Budget): TreePlan {
  const leaves = segments.reduce(addLeaves, 0)
  // A record of two elements for every second leaf, then half as many, and so on.
  const levels = 2 * degree * leaves
  if (levels <= near)
    return {
      near: true,
      groupBits: Number.POSITIVE_INFINITY,
      firstKept: 0,
      streamed: () => 0,
    }
  // Leaves that are more than denominators are made here, whoever takes them then.
  const full = segments.filter((segment) => !countsOne(segment)).reduce(addLeaves, 0)
  if (away !== undefined && levels <= away.levels && 2 * degree * full <= near)
    return {
      near: true,
      groupBits: Math.max(3, halvings(away.vector / (4 * degree), 1)),
      firstKept: 0,
      streamed: () => 0,
    }
  const layer = degree * leaves
  return {
    near: false,
    groupBits: Math.max(3, halvings(near / groupShare, 1)),
    firstKept: 1 + halvings(levels, kept),
    // Pairs of denominators take as much as the quads over the level above.
    streamed: (base) => halvings(layer / 2 ** Math.max(0, base - 1), kept),
  }
}

function addLeaves(sum: number, { rows, cols }: Segment): number {
  return sum + rows * cols
}

/** How often `size` must be halved to be at most `limit`. */
function halvings(size: number, limit: number): number {
  let times = 0
  while (size / 2 ** times > limit) times++
  return times
}
