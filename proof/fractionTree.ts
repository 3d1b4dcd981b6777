/**
 * The sum of all lookup fractions as one binary tree, proved layer by layer from root to leaves
 * (Papini and Haböck, ePrint 2023/1284). Rules P-50 to P-58 of docs/spec/proof.md.
 *
 * Only live boxes are stored. A dead leaf is 0/1, so a missing partner is `(0, 1)`; segments that are
 * down to one value live on in the tail. Level b holds nodes over `2^b` leaves. A record is `(p, q)`,
 * two neighbours are `(p0, q0, p1, q1)`: the same memory.
 */
import { invariant } from '../primitives/result.ts'
import type { Segment, SegmentTree } from './circuit.ts'
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

const record = 2 * degree
const quad = 4 * degree

/** How a segment's live nodes lie at a level: columns fold first, then rows. */
export type Strip = { readonly lines: number; readonly length: number }

export function stripAt({ rows, cols, colBits }: Segment, level: number): Strip {
  return level < colBits
    ? { lines: rows, length: Math.ceil(cols / 2 ** level) }
    : { lines: 1, length: Math.ceil(rows / 2 ** (level - colBits)) }
}

/** Segments that are still boxes at `level`; the others are in the tail. */
export function boxesAt({ segments }: SegmentTree, level: number): readonly Segment[] {
  return segments.filter(({ bits }) => bits > level)
}

/** First position of the tail at `level`. */
export function tailStart({ segments, end }: SegmentTree, level: number): number {
  const first = segments.find(({ bits }) => bits <= level)
  return (first === undefined ? end : first.offset) / 2 ** level
}

/** All nodes over `2^level` leaves. Lines are padded to even length with `(0, 1)`. */
export type Level = {
  readonly boxes: readonly Elements[]
  readonly tail: Elements
}

/** Records for a level's strip, all `(0, 1)`. */
export function emptyStrip({ words }: Kernels, { lines, length }: Strip): Elements {
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
  tree: SegmentTree,
  below: Level,
  level: number,
): Level {
  const boxes: Elements[] = []
  const joining: Elements[] = []
  for (const [i, segment] of boxesAt(tree, level).entries()) {
    const from = stripAt(segment, level)
    const to = stripAt(segment, level + 1)
    const nodes = emptyStrip(kernels, to)
    const pairs = (from.lines * (even(from.length) / 2)) / to.lines
    kernels.combineQuads(nodes, below.boxes[i]!, to.lines, pairs)
    if (segment.bits > level + 1) boxes.push(nodes)
    else joining.push(nodes.subarray(0, record))
  }
  const pairs = below.tail.length / quad
  const tail = emptyStrip(kernels, { lines: 1, length: joining.length + pairs })
  for (const [i, node] of joining.entries()) tail.set(node, record * i)
  kernels.combineQuads(tail.subarray(record * joining.length), below.tail, 1, pairs)
  return { boxes, tail }
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

/** The quads over a level: what the layer above it sums. */
export function quadsOver(
  { words }: Kernels,
  tree: SegmentTree,
  below: Level,
  level: number,
): Level {
  const boxes: Elements[] = []
  const joining: Elements[] = []
  for (const [i, segment] of boxesAt(tree, level).entries())
    (segment.bits > level + 1 ? boxes : joining).push(below.boxes[i]!)
  return { boxes, tail: concat(words, [...joining, below.tail]) }
}

/** Binds the lowest variable of all quads over `level` to `r`. */
export function foldQuads(
  { foldQuads: fold, words }: Kernels,
  tree: SegmentTree,
  quads: Level,
  level: number,
  r: Element,
): Level {
  const boxes: Elements[] = []
  const joining: Elements[] = []
  for (const [i, segment] of boxesAt(tree, level).entries()) {
    const { lines, length } = stripAt(segment, level)
    const folded = fold(quads.boxes[i]!, lines, length, r)
    ;(segment.bits > level + 1 ? boxes : joining).push(folded)
  }
  const tail = fold(quads.tail, 1, quads.tail.length / quad, r)
  return { boxes, tail: concat(words, [...joining, tail]) }
}

/** `(0, 1, 0, 1)`: two dead nodes. */
export const deadQuad: Elements = new Uint32Array(quad)
deadQuad[degree] = 1
deadQuad[3 * degree] = 1

export function foldStrip(quads: Elements, { lines, length }: Strip, r: Element): Elements {
  const half = (length + 1) >>> 1
  const folded = new Uint32Array(quad * lines * half)
  let to = 0
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i += 2) {
      const low = quad * (line * length + i)
      const missing = i + 1 === length
      const highs = missing ? deadQuad : quads
      const high = missing ? 0 : low + quad
      for (let k = 0; k < quad; k += degree)
        lerpInto(folded, to + k, quads, low + k, highs, high + k, r)
      to += quad
    }
  return folded
}

/**
 * Adds a line's pairs to `sums`, where `h = p0·q1 + q0·(p1 + λ·q1)`.
 *
 * @param from - first word of the line. @param weights - one element for each pair.
 */
export function sumLine(
  sums: QuadSums,
  quads: Elements,
  from: number,
  length: number,
  weights: Elements,
  lambda: Element,
): void {
  for (let i = 0; i < length; i += 2) {
    const low = from + quad * i
    const missing = i + 1 === length
    subQuad(missing ? deadQuad : quads, missing ? 0 : low + quad, quads, low)
    const weight = degree * (i >>> 1)
    addTerm(sums.atZero, quads, low, lambda, weights, weight)
    addTerm(sums.leading, step, 0, lambda, weights, weight)
  }
}

const step = new Uint32Array(quad)
const inner = new Uint32Array(degree)
const outer = new Uint32Array(degree)

function subQuad(a: Elements, i: number, b: Elements, j: number): void {
  for (let k = 0; k < quad; k += degree) subInto(step, k, a, i + k, b, j + k)
}

/** `total += weight · (p0·q1 + q0·(p1 + λ·q1))`. */
function addTerm(
  total: Element,
  quads: Elements,
  at: number,
  lambda: Element,
  weights: Elements,
  weight: number,
): void {
  mulInto(inner, 0, quads, at + 3 * degree, lambda, 0)
  addInto(inner, 0, inner, 0, quads, at + 2 * degree)
  mulInto(inner, 0, inner, 0, quads, at + degree)
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

function concat(words: Kernels['words'], parts: readonly Elements[]): Elements {
  if (parts.length === 1) return parts[0]!
  const result = words(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    result.set(part, offset)
    offset += part.length
  }
  return result
}
