/**
 * The sum of all lookup fractions as one binary tree, proved layer by layer from root to leaves
 * (Papini and Haböck, ePrint 2023/1284). Rules P-50 to P-58 of docs/spec/proof.md.
 *
 * Only live boxes are stored. A dead leaf is 0/1, so a missing partner is `(0, 1)`; segments that are
 * down to one value live on in the tail. Level b holds nodes over `2^b` leaves. A record is `(p, q)`,
 * two neighbours are `(p0, q0, p1, q1)`: the same memory.
 */
import { invariant } from '../primitives/result.ts'
import {
  addInto,
  degree,
  type Element,
  type Elements,
  lerpInto,
  mulInto,
  subInto,
} from './extension.ts'
import type { Kernels, QuadSums } from './kernels.ts'
import { type Group, groupsAt, type Strip, stripAt } from './segmentGroups.ts'
import type { UnitLeaves } from './unitLeaves.ts'

const record = 2 * degree
const quad = 4 * degree

/** All nodes over `2^level` leaves. Lines are padded to even length with `(0, 1)`. */
export type Level = {
  /** By group. At level 0, groups of units are `null`: {@link UnitLeaves} makes them anew. */
  readonly boxes: readonly (Elements | null)[]
  readonly tail: Elements
}

/** Records for a level's strip, all `(0, 1)`. */
export function emptyStrip({ words }: Pick<Kernels, 'words'>, { lines, length }: Strip): Elements {
  const nodes = words(record * lines * even(length))
  for (let i = degree; i < nodes.length; i += record) nodes[i] = 1
  return nodes
}

export function even(length: number): number {
  return length + (length & 1)
}

/** The level above `level`. */
export function levelAbove(
  kernels: Kernels,
  groups: readonly Group[],
  below: Level,
  units: UnitLeaves,
  level: number,
): Level {
  const boxes: Elements[] = []
  const joining: Joining[] = []
  for (const [i, group] of groupsAt(groups, level).entries()) {
    const from = stripAt(group, level)
    const to = stripAt(group, level + 1)
    const nodes = emptyStrip(kernels, to)
    const box = below.boxes[i]!
    if (box === null) units.combineInto(kernels, nodes, group)
    else {
      const pairs = (from.lines * (even(from.length) / 2)) / to.lines
      kernels.combineQuads(nodes, box, to.lines, pairs)
    }
    if (group.bits > level + 1) boxes.push(nodes)
    // Lines of one node are padded to two.
    else joining.push({ group, values: nodes, stride: quad })
  }
  const pairs = below.tail.length / quad
  const joined = countOf(joining)
  const tail = emptyStrip(kernels, { lines: 1, length: joined + pairs })
  placeInto(tail, record, joining)
  kernels.combineQuads(tail.subarray(record * joined), below.tail, 1, pairs)
  return { boxes, tail }
}

/** What segments that are down to one value bring to the tail: member i's lies at `stride·i`. */
export type Joining = { readonly group: Group; readonly values: Elements; readonly stride: number }

function countOf(joining: readonly Joining[]): number {
  return joining.reduce((sum, { group }) => sum + group.members.length, 0)
}

/** Puts values of `size` words where their segments belong. */
function placeInto(tail: Elements, size: number, joining: readonly Joining[]): void {
  for (const { group, values, stride } of joining)
    for (const [i, place] of group.places.entries())
      tail.set(values.subarray(stride * i, stride * i + size), size * place)
}

/** Quads that join, in their order, then those of the tail. */
export function joinTail(
  { words }: Pick<Kernels, 'words'>,
  joining: readonly Joining[],
  tail: Elements,
): Elements {
  if (joining.length === 0) return tail
  const joined = quad * countOf(joining)
  const result = words(joined + tail.length)
  placeInto(result, quad, joining)
  result.set(tail, joined)
  return result
}

/** `p = p0·q1 + p1·q0`, `q = q0·q1` for each pair, into lines of `length` records padded to even. */
export function combineStrip(out: Elements, length: number, quads: Elements, pairs: number): void {
  const product = new Uint32Array(degree)
  for (let i = 0; i < pairs; i++) {
    const from = quad * i
    const to = record * (Math.floor(i / length) * even(length) + (i % length))
    mulInto(product, 0, quads, from, quads, from + 3 * degree)
    mulInto(out, to, quads, from + 2 * degree, quads, from + degree)
    addInto(out, to, out, to, product, 0)
    mulInto(out, to + degree, quads, from + degree, quads, from + 3 * degree)
  }
}

/** Binds the lowest variable of all quads to `r`. */
export function foldStrip(
  quads: Elements,
  { lines, length }: Strip,
  r: Element,
  missing: Elements,
): Elements {
  const half = (length + 1) >>> 1
  const folded = new Uint32Array(quad * lines * half)
  let to = 0
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i += 2) {
      const low = quad * (line * length + i)
      const paired = i + 1 < length
      for (let k = 0; k < quad; k += degree)
        lerpInto(
          folded,
          to + k,
          quads,
          low + k,
          paired ? quads : missing,
          paired ? low + quad + k : k,
          r,
        )
      to += quad
    }
  return folded
}

/** `p1 += λ·q1` of every quad. Then `p0·q1 + p1·q0` of it is `p + λ·q` of the node above. */
export function tiltStrip(quads: Elements, lambda: Element): void {
  for (let i = 0; i < quads.length; i += quad) {
    mulInto(inner, 0, quads, i + 3 * degree, lambda, 0)
    addInto(quads, i + 2 * degree, quads, i + 2 * degree, inner, 0)
  }
}

/**
 * Adds a line's pairs to `sums`, where `h = p0·q1 + p1·q0`.
 *
 * @param from - first word of the line. @param weights - one element for each pair.
 */
export function sumLine(
  sums: QuadSums,
  quads: Elements,
  from: number,
  length: number,
  weights: Elements,
  missing: Elements,
): void {
  for (let i = 0; i < length; i += 2) {
    const low = from + quad * i
    const lacks = i + 1 === length
    subQuad(lacks ? missing : quads, lacks ? 0 : low + quad, quads, low)
    const weight = degree * (i >>> 1)
    addTerm(sums.atZero, quads, low, weights, weight)
    addTerm(sums.leading, step, 0, weights, weight)
  }
}

const step = new Uint32Array(quad)
const inner = new Uint32Array(degree)
const outer = new Uint32Array(degree)

function subQuad(a: Elements, i: number, b: Elements, j: number): void {
  for (let k = 0; k < quad; k += degree) subInto(step, k, a, i + k, b, j + k)
}

/** `total += weight · (p0·q1 + p1·q0)`. */
function addTerm(
  total: Element,
  quads: Elements,
  at: number,
  weights: Elements,
  weight: number,
): void {
  mulInto(inner, 0, quads, at + 2 * degree, quads, at + degree)
  mulInto(outer, 0, quads, at, quads, at + 3 * degree)
  addInto(inner, 0, inner, 0, outer, 0)
  mulInto(inner, 0, inner, 0, weights, weight)
  addInto(total, 0, total, 0, inner, 0)
}

/** `p` and `q` at the root. */
export function rootOf(top: Level): Elements {
  invariant(top.boxes.length === 0, 'rootOf: not the top')
  return top.tail.slice(0, record)
}
