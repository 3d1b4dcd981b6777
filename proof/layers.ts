/**
 * The sumchecks of the fraction tree's layers, prover's side. Each layer proves its claim on
 * `p + λ·q` from the values one layer further down; dead positions count together.
 *
 * The factor `eq(ζ, x)` is kept apart from the rest (Gruen, ePrint 2024/108), so that rounds sum a
 * quadratic polynomial.
 */
import { invariant } from '../primitives/result.ts'
import type { SegmentTree } from './circuit.ts'
import {
  addInto,
  at,
  complement,
  count,
  degree,
  type Element,
  type Elements,
  element,
  inverse,
  join,
  minus,
  mulInto,
  plus,
  span,
  subInto,
  sumOf,
  times,
} from './extension.ts'
import { type Level, levelAbove, rootOf } from './fractionTree.ts'
import type { Kernels, QuadSums } from './kernels.ts'
import {
  foldLayer,
  type LayerContext,
  type LayerQuads,
  layerOver,
  type StripWeights,
  sumBox,
  tiltOf,
} from './layerBoxes.ts'
import type { LeafSource } from './leafSource.ts'
import { eqIndex, eqRange, lt } from './multilinear.ts'
import { type Forest, type Group, groupsAt, groupsOf, stripAt, tailStart } from './segmentGroups.ts'
import type { Transcript } from './transcript.ts'
import { planTree, type TreePlan } from './treePlan.ts'

export type LayerProof = {
  /** `h(1) − h(0)` and `h`'s leading coefficient for each round, `eq(ζ, x)` kept out of `h`. */
  readonly rounds: Elements
  /** `p0, p1, q0, q1` at the end point. */
  readonly values: Elements
}

export type TreeProof = {
  /** `P, Q`. */
  readonly root: Elements
  readonly layers: readonly LayerProof[]
}

/** Proves the tree over these leaves; the end point is `ζ`. */
export function proveTree(
  kernels: Kernels,
  tree: SegmentTree,
  source: LeafSource,
  transcript: Transcript,
): { readonly proof: TreeProof; readonly zeta: Elements } {
  const plan = planTree(tree, kernels.budget)
  const forest = groupsOf(tree, plan.groupBits)
  const layers: LayerProof[] = []
  let root: Elements = new Uint32Array(0)
  let zeta: Elements = new Uint32Array(0)
  let claimed: Elements = root
  // Every level lies on the one below it, and is given back once its layer is proved.
  const climb = (base: number, nodes: Level): void => {
    if (base === tree.depth) {
      root = rootOf(nodes)
      claimed = root
      transcript.enter('root').absorbElements('root', root)
      return
    }
    kernels.scope(() => climb(base + 1, levelAbove(kernels, forest, nodes, source, plan, base)))
    const lambda = transcript.drawOne('lambda')
    const tilt = tiltOf(lambda)
    const claim = plus(at(claimed, 0), times(lambda, at(claimed, 1)))
    const proven = kernels.scope(() => {
      const layer = { kernels, forest, source, plan, base, zeta, tilt }
      return proveLayer(layer, layerOver(layer, nodes), claim, transcript)
    })
    const { values } = proven.proof
    transcript.enter('layerEnd').absorbElements('values', values)
    const tau = transcript.drawOne('tau')
    const [p0, p1, q0, q1] = [0, 1, 2, 3].map((k) => at(values, k))
    claimed = join([between(p0!, p1!, tau), between(q0!, q1!, tau)])
    zeta = join([tau, proven.point])
    layers.push(proven.proof)
  }
  climb(0, leavesIn(kernels, forest, source, plan))
  return { proof: { root, layers }, zeta }
}

/** Level 0: what counts other than 1 as records. */
function leavesIn(
  kernels: Kernels,
  { groups }: Forest,
  source: LeafSource,
  { near }: TreePlan,
): Level {
  const boxes = groups.map((group) => {
    invariant(group.bits > 0, 'leavesIn: a segment of one leaf')
    if (group.unit || !near) return null
    const nodes = source.nodes(kernels, group, 0)
    return kernels.quadsElsewhere(nodes) ?? nodes
  })
  return { boxes, tail: new Uint32Array(0) }
}

export function between(low: Element, high: Element, x: Element): Element {
  return plus(low, times(x, minus(high, low)))
}

/** At the point `zeta`. */
type Layer = LayerContext & { readonly zeta: Elements }

function proveLayer(
  layer: Layer,
  first: LayerQuads,
  claim: Element,
  transcript: Transcript,
): { readonly proof: LayerProof; readonly point: Elements } {
  const { zeta, base, tilt } = layer
  const rounds = count(zeta)
  const point = new Uint32Array(degree * rounds)
  const messages = new Uint32Array(roundElements * degree * rounds)
  const tables = new Map<string, Elements>()
  let quads = first
  /** Without `Π eq(ζ_v, r_v)` of bound variables. */
  let rest = claim
  for (let round = 0; round < rounds; round++) {
    const { atZero, leading } = roundSums(layer, quads, round, tables)
    const here = at(zeta, round)
    const message = join([times(minus(rest, atZero), inverse(here)), leading])
    messages.set(message, roundElements * degree * round)
    transcript.enter('layerRound').absorbElements('round', message)
    const r = transcript.drawOne('r')
    point.set(r, degree * round)
    rest = layerClaim(rest, here, message, r)
    quads = foldLayer(layer, quads, base + 1 + round, r)
  }
  const [p0, q0, tilted, q1] = [0, 1, 2, 3].map((i) => at(quads.tail, i).slice())
  const p1 = minus(tilted!, times(tilt.lambda, q1!))
  return { proof: { rounds: messages, values: join([p0!, p1, q0!, q1!]) }, point }
}

/** Elements of a message. */
export const roundElements = 2

/**
 * What is claimed of the next round, `h(r)`: the claim is `(1 − ζ)·h(0) + ζ·h(1)`, so that `h` of degree
 * 2 is known from the message. Rule P-53.
 */
export function layerClaim(claim: Element, zeta: Element, message: Elements, r: Element): Element {
  const result = claim.slice()
  subInto(term, 0, r, 0, zeta, 0)
  mulInto(term, 0, message, 0, term, 0)
  addInto(result, 0, result, 0, term, 0)
  mulInto(term, 0, r, 0, r, 0)
  subInto(term, 0, term, 0, r, 0)
  mulInto(term, 0, message, degree, term, 0)
  addInto(result, 0, result, 0, term, 0)
  return result
}

const term = new Uint32Array(degree)

type Sums = QuadSums & { readonly weight: Element }

/** `Σ eq(ζ', x)·h(x)` over all pairs: live ones one by one, dead ones together. */
function roundSums(
  layer: Layer,
  quads: LayerQuads,
  round: number,
  tables: Map<string, Elements>,
): QuadSums {
  const { forest, base, tilt } = layer
  const level = base + 1 + round
  const parts = groupsAt(forest, level).map((group, i): Sums => {
    const weights = weightsOf(layer, group, i, level, tables)
    const sums = sumBox(layer, group, quads.boxes[i]!, level, weights)
    return { ...sums, weight: times(weights.inLineTotal, weights.ofLineTotal) }
  })
  parts.push(tailSums(layer, quads.tail, level))
  const live = sumOf(parts.map(({ weight }) => weight))
  const dead = times(tilt.lambda, complement(live))
  return {
    atZero: plus(sumOf(parts.map(({ atZero }) => atZero)), dead),
    leading: sumOf(parts.map(({ leading }) => leading)),
  }
}

/** Weights of a group's strip; those of its lines also place each member in the tree. */
function weightsOf(
  { kernels, base, zeta }: Layer,
  group: Group,
  index: number,
  level: number,
  tables: Map<string, Elements>,
): StripWeights {
  const { colBits, bits, members, rows } = group
  const once = (key: string, make: () => Elements) => {
    const known = tables.get(key)
    if (known !== undefined) return known
    const made = make()
    tables.set(key, made)
    return made
  }
  const coordinates = (from: number, to: number) => span(zeta, from - base - 1, to - base - 1)
  const { length } = stripAt(group, level)
  const pairs = (length + 1) >>> 1
  const top = level < colBits ? colBits : bits
  const inLine = once(`${level + 1}/${top}/${pairs}`, () =>
    kernels.eqTable(coordinates(level + 1, top), pairs),
  )
  const high = once(`${index}`, () => {
    const above = span(zeta, bits - base - 1, count(zeta))
    return join(members.map(({ offset }) => eqIndex(above, offset / 2 ** bits)))
  })
  const inLineTotal = lt(pairs, coordinates(level + 1, top))
  const highTotal = sumOf(members.map((_, i) => at(high, i)))
  if (level >= colBits) return { inLine, inLineTotal, ofLine: high, ofLineTotal: highTotal }
  const byRow = coordinates(colBits, bits)
  const ofLine = once(`${index}/rows`, () => outer(high, kernels.eqTable(byRow, rows)))
  return { inLine, inLineTotal, ofLine, ofLineTotal: times(highTotal, lt(rows, byRow)) }
}

/** `a_i · b_j`, i by i. */
function outer(a: Elements, b: Elements): Elements {
  const product = new Uint32Array((a.length * b.length) / degree)
  let to = 0
  for (let i = 0; i < a.length; i += degree)
    for (let j = 0; j < b.length; j += degree) {
      mulInto(product, to, a, i, b, j)
      to += degree
    }
  return product
}

function tailSums(
  { kernels, forest, base, zeta, tilt }: Layer,
  tail: Elements,
  level: number,
): Sums {
  const length = tail.length / (4 * degree)
  const from = level - base
  const first = tailStart(forest, level) / 2
  const weights = eqRange(span(zeta, from, count(zeta)), first, (length + 1) >>> 1)
  const sums = kernels.sumQuads(tail, 1, length, weights, element(1), tilt.dead)
  return {
    ...sums,
    weight: sumOf(Array.from({ length: count(weights) }, (_, i) => at(weights, i))),
  }
}
