/**
 * Merkle trees over a power of two of leaves, and one proof for many of them: each sibling that cannot
 * be computed is sent once. Rules P-35 and P-36 of docs/spec/proof.md.
 */
import { invariant } from '../primitives/result.ts'
import { sha256 } from './sha256.ts'

const digestBytes = 32
const digestWords = digestBytes / 4

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

/** How one level of a multiproof leads to the next: where known digests and sent ones go. */
type Step = {
  /** Of each known digest: its place among the children of the next level's nodes. */
  readonly known: Uint32Array
  /** Of each sibling: its place there, and its position in the tree. */
  readonly sent: Uint32Array
  readonly sentPositions: Uint32Array
  /** Nodes of the next level. */
  readonly nodes: number
}

/** What a multiproof of some positions looks like, level by level from the leaves. */
export type MultiproofPlan = { readonly steps: readonly Step[]; readonly siblings: number }

/** @param positions - ascending, distinct. */
export function planOf(positions: readonly number[], depth: number): MultiproofPlan {
  let known = Uint32Array.from(positions)
  let siblings = 0
  const steps = Array.from({ length: depth }, () => {
    const step = stepFrom(known)
    known = step.above
    siblings += step.sent.length
    return step
  })
  return { steps, siblings }
}

function stepFrom(known: Uint32Array): Step & { readonly above: Uint32Array<ArrayBuffer> } {
  const places = new Uint32Array(known.length)
  const sent: number[] = []
  const sentPositions: number[] = []
  const above: number[] = []
  for (let i = 0; i < known.length; i++) {
    const position = known[i]!
    const left = i > 0 && known[i - 1] === (position ^ 1)
    if (!left) above.push(position >>> 1)
    const node = 2 * (above.length - 1)
    places[i] = node + (position & 1)
    if (left || known[i + 1] === (position ^ 1)) continue
    sent.push(node + (~position & 1))
    sentPositions.push(position ^ 1)
  }
  return {
    known: places,
    sent: Uint32Array.from(sent),
    sentPositions: Uint32Array.from(sentPositions),
    nodes: above.length,
    above: Uint32Array.from(above),
  }
}

/** The digests that complete the leaves at a plan's positions to the root. */
export function openMany(tree: MerkleTree, { steps, siblings }: MultiproofPlan): Uint8Array {
  const digests = new Uint8Array(digestBytes * siblings)
  let offset = 0
  for (const [level, { sentPositions }] of steps.entries())
    for (const position of sentPositions) {
      const from = digestBytes * position
      digests.set(tree[level]!.subarray(from, from + digestBytes), offset)
      offset += digestBytes
    }
  return digests
}

/**
 * The root that `leaves` (digests, end to end) at the plan's positions and `siblings` make. The caller
 * has checked the number of siblings.
 */
export function rootOfMany(
  hashAll: HashPairs,
  { steps, siblings: expected }: MultiproofPlan,
  leaves: Uint8Array,
  siblings: Uint8Array,
): Uint8Array {
  invariant(siblings.length === digestBytes * expected, 'rootOfMany: wrong number of siblings')
  const given = wordsOf(siblings)
  let digests = leaves
  let offset = 0
  for (const { known, sent, nodes } of steps) {
    const children = new Uint32Array(2 * digestWords * nodes)
    const found = wordsOf(digests)
    for (let i = 0; i < known.length; i++) copyDigest(children, known[i]!, found, i)
    for (let i = 0; i < sent.length; i++) copyDigest(children, sent[i]!, given, offset++)
    digests = hashAll(new Uint8Array(children.buffer))
  }
  return digests
}

/** In words of the machine's own order: they are only moved. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, length } = aligned(bytes)
  return new Uint32Array(buffer, byteOffset, length / 4)
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
}

function copyDigest(to: Uint32Array, place: number, from: Uint32Array, index: number): void {
  const target = digestWords * place
  const source = digestWords * index
  for (let i = 0; i < digestWords; i++) to[target + i] = from[source + i]!
}
