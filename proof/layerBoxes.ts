/**
 * What a layer's sumcheck sums over: quads, and at the bottom pairs of denominators whose numerators
 * are known. Both give `Σ weight·h` at 0 and of the leading coefficient, and both fold.
 *
 * A pair of leaves `1/q0, 1/q1` is kept as `t_i = π + λ·q_i`, π the extension of "live": then
 * `p + λ·q = (t0·t1 − π²)/λ`, two multiplications instead of three, and π is the same in all positions
 * of a line but the last.
 */
import { invariant } from '../primitives/result.ts'
import {
  at,
  complement,
  degree,
  type Element,
  type Elements,
  element,
  inverse,
  join,
  minus,
  plus,
  span,
  times,
} from './extension.ts'
import { atHome, hasRoom, type Joining, joinTail, type Level } from './fractionTree.ts'
import type { AwayVector, Kernels, QuadSums } from './kernels.ts'
import type { LeafSource } from './leafSource.ts'
import { type Forest, type Group, groupsAt, stripAt } from './segmentGroups.ts'
import type { TreePlan } from './treePlan.ts'

const quad = 4 * degree
/** Two dead nodes, not yet tilted. */
const untilted = join([element(0), element(1), element(0), element(1)])

type Quads = {
  readonly kind: 'quads'
  readonly values: Elements
  /** Memory of an earlier round, which the next may overwrite. */
  readonly spare: Elements | null
}

type Pairs = {
  readonly kind: 'pairs'
  /** All `t0`, then all `t1`. */
  readonly values: Elements
  readonly spare: Elements | null
  /** π of all positions of a line but the last, and of the last. */
  readonly inner: Element
  readonly last: Element
}

/** Quads, or pairs with their π, on another device. */
type Away = {
  readonly kind: 'away'
  readonly vector: AwayVector
  readonly live: Pick<Pairs, 'inner' | 'last'> | null
}

type Box = Quads | Pairs | Away

/** A box made anew from the leaves for each round, bound to the challenges so far. */
type Streamed = { readonly kind: 'streamed'; readonly bound: readonly Element[] }

/** What a layer sums over: boxes of the groups that are still boxes, and the tail's quads. */
export type LayerQuads = { readonly boxes: readonly (Box | Streamed)[]; readonly tail: Elements }

/** The layer over level `base`. */
export type LayerContext = {
  readonly kernels: Kernels
  readonly forest: Forest
  readonly source: LeafSource
  readonly plan: TreePlan
  readonly base: number
  readonly tilt: Tilt
}

/** What depends on λ alone. */
export type Tilt = {
  readonly lambda: Element
  readonly inverse: Element
  /** `(0, 1, λ, 1)`: two dead nodes. */
  readonly dead: Elements
}

export function tiltOf(lambda: Element): Tilt {
  const one = element(1)
  return {
    lambda,
    inverse: inverse(lambda),
    dead: join([element(0), one, lambda, one]),
  }
}

/** The quads over a level, tilted by λ: what the layer above it sums. Destroys the level. */
export function layerOver(context: LayerContext, below: Level): LayerQuads {
  const { kernels, forest, source, plan, base, tilt } = context
  const boxes: (Box | Streamed)[] = []
  const joining: Joining[] = []
  for (const [i, group] of groupsAt(forest, base).entries()) {
    const given = below.boxes[i]!
    if (group.bits === base + 1) {
      const values = given === null ? source.nodes(kernels, group, base) : atHome(given)
      joining.push({ group, values, stride: quad })
    } else if (given !== null) boxes.push(tilted(context, given))
    else if (plan.streamed(base) > 0) boxes.push({ kind: 'streamed', bound: [] })
    else boxes.push(unitsAway(context, group) ?? made(context, group, []))
  }
  const tail = joinTail(kernels, forest.piecesOf(base + 1), joining, below.tail, untilted)
  kernels.tiltQuads(tail, tilt.lambda)
  return { boxes, tail }
}

/** A box of leaves or nodes of level `base`, made anew, with its lowest variables bound. */
function boundBox(context: LayerContext, group: Group, bound: readonly Element[]): Quads | Pairs {
  const { kernels, source, base, tilt } = context
  let box: Quads | Pairs
  if (base === 0 && group.unit) {
    const one = element(1)
    const values = source.units(kernels, group, 0, group.members.length, tilt.lambda, one)
    box = { kind: 'pairs', values, spare: null, inner: one, last: one }
  } else {
    const values = source.nodes(kernels, group, base)
    kernels.tiltQuads(values, tilt.lambda)
    box = { kind: 'quads', values, spare: null }
  }
  for (const [i, r] of bound.entries()) box = foldBox(kernels, group, box, base + 1 + i, r, tilt)
  return box
}

function tilted({ kernels, tilt }: LayerContext, box: Elements | AwayVector): Box {
  if (box instanceof Uint32Array) {
    kernels.tiltQuads(box, tilt.lambda)
    return { kind: 'quads', values: box, spare: null }
  }
  box.tilt(tilt.lambda)
  return { kind: 'away', vector: box, live: null }
}

/** A box of leaves on another device; `null`: it is to be made here. */
function unitsAway({ kernels, source, plan, tilt }: LayerContext, group: Group): Away | null {
  // What is near and not kept is leaves that count 1.
  if (!plan.near) return null
  const one = element(1)
  const vector = source.unitsElsewhere(kernels, group, tilt.lambda, one)
  return vector === null ? null : { kind: 'away', vector, live: { inner: one, last: one } }
}

function broughtHome({ vector, live }: Away): Quads | Pairs {
  const values = vector.home()
  return live === null
    ? { kind: 'quads', values, spare: null }
    : { kind: 'pairs', values, spare: null, inner: live.inner, last: live.last }
}

/** {@link boundBox}, kept. */
function made(context: LayerContext, group: Group, bound: readonly Element[]): Quads | Pairs {
  const { kernels, plan, base } = context
  const { lines, length } = stripAt(group, base + bound.length + 1)
  const words = (base === 0 && group.unit ? 2 * degree : quad) * lines * length
  const roomy = hasRoom(kernels, plan, words)
  // Without folding, nothing but the box is left in the kernels' memory.
  if (roomy && bound.length === 0) return boundBox(context, group, bound)
  const values = roomy ? kernels.room(words) : new Uint32Array(words)
  return kernels.scope(() => {
    const box = boundBox(context, group, bound)
    invariant(box.values.length === words, 'made: the words of a strip')
    values.set(box.values)
    return { ...box, values, spare: null }
  })
}

/** {@link foldBox}; where memory is short, in the place of the box. */
function folded(
  { kernels, plan, tilt }: LayerContext,
  group: Group,
  box: Quads | Pairs,
  level: number,
  r: Element,
): Quads | Pairs {
  if (plan.near) return foldBox(kernels, group, box, level, r, tilt)
  return kernels.scope(() => {
    const half = foldBox(kernels, group, box, level, r, tilt)
    const values = box.values.subarray(0, half.values.length)
    values.set(half.values)
    return { ...half, values, spare: null }
  })
}

/** Binds the lowest variable, the bit `level` of the leaves' index, to `r`. */
export function foldLayer(
  context: LayerContext,
  { boxes, tail }: LayerQuads,
  level: number,
  r: Element,
): LayerQuads {
  const { kernels, forest, plan, base, tilt } = context
  const rest: (Box | Streamed)[] = []
  const joining: Joining[] = []
  for (const [i, group] of groupsAt(forest, level).entries()) {
    const ends = group.bits === level + 1
    const box = boxes[i]!
    const bound = box.kind === 'streamed' ? [...box.bound, r] : []
    if (box.kind === 'streamed' && !ends && bound.length < plan.streamed(base)) {
      rest.push({ kind: 'streamed', bound })
      continue
    }
    const half =
      box.kind === 'away'
        ? foldAway(group, box, level, r, tilt)
        : box.kind === 'streamed'
          ? made(context, group, bound)
          : folded(context, group, box, level, r)
    if (ends)
      joining.push({ group, values: quadsOf(half, group.members.length, tilt), stride: quad })
    else rest.push(half)
  }
  const shorter = kernels.foldQuads(tail, 1, tail.length / quad, r, tilt.dead)
  const pieces = forest.piecesOf(level + 1)
  return { boxes: rest, tail: joinTail(kernels, pieces, joining, shorter, tilt.dead) }
}

function foldAway(
  group: Group,
  { vector, live }: Away,
  level: number,
  r: Element,
  { lambda, dead }: Tilt,
): Box {
  const { lines, length } = stripAt(group, level)
  const folded =
    live === null ? vector.fold(lines, length, r, dead) : vector.fold(2 * lines, length, r, lambda)
  const box: Away = {
    kind: 'away',
    vector: folded,
    live: live === null ? null : foldLive(group, live, level, r),
  }
  return folded.isShort ? broughtHome(box) : box
}

function foldBox(
  kernels: Kernels,
  group: Group,
  box: Quads | Pairs,
  level: number,
  r: Element,
  { lambda, dead }: Tilt,
): Quads | Pairs {
  const { lines, length } = stripAt(group, level)
  const spare = box.values
  if (box.kind === 'quads') {
    const values = kernels.foldQuads(box.values, lines, length, r, dead, box.spare)
    return { kind: 'quads', values, spare }
  }
  const values = kernels.foldLines(box.values, 2 * lines, length, r, lambda, box.spare)
  return { kind: 'pairs', values, spare, ...foldLive(group, box, level, r) }
}

/** π once the variable of `level` is bound. */
function foldLive(
  group: Group,
  { inner, last }: Pick<Pairs, 'inner' | 'last'>,
  level: number,
  r: Element,
): Pick<Pairs, 'inner' | 'last'> {
  const { length } = stripAt(group, level)
  const folded =
    length % 2 === 0 ? plus(inner, times(r, minus(last, inner))) : times(complement(r), last)
  // Where lines end, each becomes one position.
  const ended = level + 1 === group.colBits
  return { inner: ended ? folded : inner, last: folded }
}

/** One quad for each member of a group that is down to one. */
function quadsOf(given: Box, members: number, tilt: Tilt): Elements {
  const box = given.kind === 'away' ? broughtHome(given) : given
  if (box.kind === 'quads') return box.values
  const { values, last } = box
  const quads = Array.from({ length: members }, (_, i) => {
    const t0 = at(values, i)
    const t1 = at(values, members + i)
    const denominator = (t: Element) => times(minus(t, last), tilt.inverse)
    return join([last, denominator(t0), t1, denominator(t1)])
  })
  return join(quads)
}

/** Weights of a strip: `ofLine ⊗ inLine`, and what they add up to. */
export type StripWeights = {
  readonly inLine: Elements
  readonly ofLine: Elements
  readonly inLineTotal: Element
  readonly ofLineTotal: Element
}

/** `Σ weight·h` over a box. */
export function sumBox(
  context: LayerContext,
  group: Group,
  box: Box | Streamed,
  level: number,
  weights: StripWeights,
): QuadSums {
  const { kernels, tilt } = context
  if (box.kind === 'streamed')
    return kernels.scope(() =>
      sumBox(context, group, boundBox(context, group, box.bound), level, weights),
    )
  const { lines, length } = stripAt(group, level)
  const { inLine, ofLine } = weights
  if (box.kind === 'quads')
    return kernels.sumQuads(box.values, lines, length, inLine, ofLine, tilt.dead)
  if (box.kind === 'away' && box.live === null)
    return box.vector.sum(lines, length, inLine, ofLine, tilt.dead)
  const sums =
    box.kind === 'away'
      ? box.vector.sum(lines, length, inLine, ofLine, tilt.lambda)
      : sumHalves(kernels, box.values, lines, length, weights, tilt.lambda)
  const own = ownParts(box.kind === 'away' ? box.live! : box, length, weights)
  return {
    atZero: times(minus(sums.atZero, own.atZero), tilt.inverse),
    leading: times(minus(sums.leading, own.leading), tilt.inverse),
  }
}

function sumHalves(
  kernels: Kernels,
  values: Elements,
  lines: number,
  length: number,
  { inLine, ofLine }: StripWeights,
  missing: Element,
): QuadSums {
  const half = values.length / 2
  const [evens, odds] = [values.subarray(0, half), values.subarray(half)]
  return kernels.sumPairs(evens, odds, lines, length, inLine, ofLine, missing)
}

/** What `Σ weight·π²` adds to the sums of products. */
function ownParts(
  { inner, last }: Pick<Pairs, 'inner' | 'last'>,
  length: number,
  { inLine, inLineTotal, ofLineTotal }: StripWeights,
): QuadSums {
  const pairs = (length + 1) >>> 1
  const end = span(inLine, pairs - 1, pairs)
  const square = times(inner, inner)
  const odd = length % 2 === 1
  const zero = odd
    ? plus(times(inLineTotal, square), times(end, minus(times(last, last), square)))
    : times(inLineTotal, square)
  const rise = odd ? last : minus(last, inner)
  return {
    atZero: times(ofLineTotal, zero),
    leading: times(ofLineTotal, times(end, times(rise, rise))),
  }
}
