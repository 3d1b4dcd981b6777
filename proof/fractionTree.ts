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
  element,
  join,
  lerpInto,
  mulInto,
  subInto,
} from './extension.ts'
import type { AwayVector, Kernels, QuadSums } from './kernels.ts'
import type { LeafSource } from './leafSource.ts'
import { type Forest, type Group, groupsAt, type Strip, stripAt } from './segmentGroups.ts'
import type { TreePlan } from './treePlan.ts'

const record = 2 * degree
const quad = 4 * degree
/** The node `(0, 1)`. */
const dead = join([element(0), element(1)])

/** All nodes over `2^level` leaves. Lines are padded to even length with `(0, 1)`. */
export type Level = {
  /** By group. What is `null`, {@link LeafSource} makes anew: units at level 0, and all that is not kept. */
  readonly boxes: readonly (Elements | AwayVector | null)[]
  readonly tail: Elements
}

/** Records for a level's strip; those that make lines even are `(0, 1)`, the others anything. */
export function emptyStrip({ room }: Pick<Kernels, 'room'>, { lines, length }: Strip): Elements {
  const nodes = room(record * lines * even(length))
  if (length % 2 === 1)
    for (let end = record * (length + 1); end <= nodes.length; end += record * (length + 1))
      nodes.fill(0, end - record, end).fill(1, end - degree, end - degree + 1)
  return nodes
}

export function even(length: number): number {
  return length + (length & 1)
}

/** One level up: a group's nodes of the level above `level`, into an empty strip. */
export function combineBox(
  kernels: Kernels,
  nodes: Elements,
  box: Elements,
  group: Group,
  level: number,
): void {
  const from = stripAt(group, level)
  const { lines } = stripAt(group, level + 1)
  kernels.combineQuads(nodes, box, lines, (from.lines * (even(from.length) / 2)) / lines)
}

/** {@link combineBox} on another device, of what is there or is made there; `null`: to be done here. */
function combineAway(
  kernels: Kernels,
  source: LeafSource,
  box: Elements | AwayVector | null,
  group: Group,
  level: number,
): Elements | AwayVector | null {
  if (box instanceof Uint32Array) return null
  const from = stripAt(group, level)
  const { lines } = stripAt(group, level + 1)
  const made = (below: AwayVector) => {
    const nodes = below.combine(lines, (from.lines * (even(from.length) / 2)) / lines)
    return nodes.isShort ? nodes.home() : nodes
  }
  if (box !== null) return made(box)
  const leaves = source.unitsElsewhere(kernels, group, element(1), element(0))
  if (leaves === null) return null
  const nodes = made(leaves)
  leaves.forget()
  return nodes
}

/** A box here, from wherever it is. */
export function atHome(box: Elements | AwayVector): Elements {
  return box instanceof Uint32Array ? box : box.home()
}

/** The level above `level`. */
export function levelAbove(
  kernels: Kernels,
  forest: Forest,
  below: Level,
  source: LeafSource,
  plan: TreePlan,
  level: number,
): Level {
  const boxes: (Elements | AwayVector | null)[] = []
  const joining: Joining[] = []
  for (const [i, group] of groupsAt(forest, level).entries()) {
    const ends = group.bits === level + 1
    const box = below.boxes[i]!
    if (!ends && level + 1 < plan.firstKept) {
      boxes.push(null)
      continue
    }
    const away = plan.near ? combineAway(kernels, source, box, group, level) : null
    const nodes = away ?? nodesAbove(kernels, group, box, source, plan, level)
    // Lines of one node are padded to two.
    if (ends) joining.push({ group, values: atHome(nodes), stride: quad })
    else boxes.push(nodes)
  }
  const joined = forest.piecesOf(level + 1)
  const pairs = below.tail.length / quad
  const tail = emptyStrip(kernels, { lines: 1, length: joined + pairs })
  for (let i = 0; i < joined; i++) tail.set(dead, record * i)
  placeInto(tail, record, joining)
  kernels.combineQuads(tail.subarray(record * joined), below.tail, 1, pairs)
  return { boxes, tail }
}

/** {@link combineBox}, or from the leaves, kept as the plan says. */
function nodesAbove(
  kernels: Kernels,
  group: Group,
  box: Elements | AwayVector | null,
  source: LeafSource,
  plan: TreePlan,
  level: number,
): Elements {
  const strip = stripAt(group, level + 1)
  const make = (): Elements => {
    if (!(box instanceof Uint32Array)) return source.nodes(kernels, group, level + 1)
    const nodes = emptyStrip(kernels, strip)
    kernels.scope(() => combineBox(kernels, nodes, box, group, level))
    return nodes
  }
  if (hasRoom(kernels, plan, record * strip.lines * even(strip.length))) return make()
  return kernels.scope(() => make().slice())
}

/** Words that passes over one group may need besides. */
const workWords = 2 ** 27

/**
 * Whether what is kept of a tree may lie in the kernels' memory, which costs no copies and is used again:
 * else it is copied out.
 */
export function hasRoom(
  { left }: Pick<Kernels, 'left'>,
  { near }: TreePlan,
  length: number,
): boolean {
  return near || left() >= length + workWords
}

/** What segments that are down to one value bring to the tail: member i's lies at `stride·i`. */
export type Joining = { readonly group: Group; readonly values: Elements; readonly stride: number }

/** Puts values of `size` words where their segments belong. */
function placeInto(tail: Elements, size: number, joining: readonly Joining[]): void {
  for (const { group, values, stride } of joining)
    for (const [i, place] of group.places.entries())
      tail.set(values.subarray(stride * i, stride * i + size), size * place)
}

/** Quads of the pieces that join, dead where a piece is, then those of the tail. */
export function joinTail(
  { room }: Pick<Kernels, 'room'>,
  pieces: number,
  joining: readonly Joining[],
  tail: Elements,
  dead: Elements,
): Elements {
  if (pieces === 0) return tail
  const joined = quad * pieces
  const result = room(joined + tail.length)
  for (let i = 0; i < joined; i += quad) result.set(dead, i)
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
