/**
 * The sumchecks of the fraction tree's layers, prover's side. Each layer proves its claim on
 * `p + λ·q` from the values one layer further down; dead positions count together.
 *
 * The factor `eq(ζ, x)` is kept apart from the rest (Gruen, ePrint 2024/108), so that rounds sum a
 * quadratic polynomial.
 */
import { toField } from './babyBear.ts'
import type { Segment, SegmentTree } from './circuit.ts'
import {
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
  plus,
  scaled,
  span,
  sumOf,
  times,
} from './extension.ts'
import {
  boxesAt,
  foldQuads,
  type Level,
  levelAbove,
  quadsOver,
  rootOf,
  stripAt,
  tailStart,
} from './fractionTree.ts'
import type { Kernels } from './kernels.ts'
import { eqIndex, eqOne, eqRange } from './multilinear.ts'
import type { Transcript } from './transcript.ts'

export type LayerProof = {
  /** Values at 0, 2, 3 for each round. */
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
  leaves: Level,
  transcript: Transcript,
): { readonly proof: TreeProof; readonly zeta: Elements } {
  const levels = [leaves]
  for (let b = 0; b < tree.depth; b++) levels.push(levelAbove(kernels, tree, levels[b]!, b))
  const root = rootOf(levels[tree.depth]!)
  transcript.enter('root').absorbElements('root', root)
  let zeta: Elements = new Uint32Array(0)
  let p: Element = at(root, 0)
  let q: Element = at(root, 1)
  let lambda = transcript.drawOne('lambda')
  const layers: LayerProof[] = []
  for (let layer = 0; layer < tree.depth; layer++) {
    const base = tree.depth - layer - 1
    const claim = plus(p, times(lambda, q))
    const part = { kernels, tree, base, zeta, lambda }
    const proven = kernels.scope(() => {
      const quads = quadsOver(kernels, tree, levels[base]!, base)
      levels.length = base + 1
      return proveLayer(part, quads, claim, transcript)
    })
    const { values } = proven.proof
    transcript.enter('layerEnd').absorbElements('values', values)
    const tau = transcript.drawOne('tau')
    p = between(at(values, 0), at(values, 1), tau)
    q = between(at(values, 2), at(values, 3), tau)
    zeta = join([tau, proven.point])
    layers.push(proven.proof)
    if (layer + 1 < tree.depth) lambda = transcript.drawOne('lambda')
  }
  return { proof: { root, layers }, zeta }
}

export function between(low: Element, high: Element, x: Element): Element {
  return plus(low, times(x, minus(high, low)))
}

/** Layer over the nodes of level `base`, at the point `zeta`. */
type Layer = {
  readonly kernels: Kernels
  readonly tree: SegmentTree
  readonly base: number
  readonly zeta: Elements
  readonly lambda: Element
}

function proveLayer(
  layer: Layer,
  first: Level,
  claim: Element,
  transcript: Transcript,
): { readonly proof: LayerProof; readonly point: Elements } {
  const { kernels, zeta, base, tree } = layer
  const rounds = count(zeta)
  const point = new Uint32Array(degree * rounds)
  const messages = new Uint32Array(3 * degree * rounds)
  const tables = new Map<string, Elements>()
  let quads = first
  /** `Π eq(ζ_v, r_v)` of bound variables; the claim is kept without it. */
  let scale = element(1)
  let rest = claim
  for (let round = 0; round < rounds; round++) {
    const { atZero, leading } = roundSums(layer, quads, round, tables)
    const zero = at(zeta, round)
    const atOne = times(minus(rest, times(complement(zero), atZero)), inverse(zero))
    const message = roundMessage(zero, scale, { atZero, atOne, leading })
    messages.set(message, 3 * degree * round)
    transcript.enter('layerRound').absorbElements('round', message)
    const r = transcript.drawOne('r')
    point.set(r, degree * round)
    const slope = minus(minus(atOne, atZero), leading)
    rest = plus(atZero, times(r, plus(slope, times(r, leading))))
    scale = times(scale, eqOne(zero, r))
    quads = foldQuads(kernels, tree, quads, base + 1 + round, r)
  }
  const [p0, q0, p1, q1] = [0, 1, 2, 3].map((i) => at(quads.tail, i).slice())
  return { proof: { rounds: messages, values: join([p0!, p1!, q0!, q1!]) }, point }
}

/** Values at 0, 2 and 3 of `scale · eq(ζ, X) · H(X)`, H given at 0, 1 and by its leading coefficient. */
function roundMessage(
  zeta: Element,
  scale: Element,
  { atZero, atOne, leading }: Readonly<Record<'atZero' | 'atOne' | 'leading', Element>>,
): Elements {
  const one = element(1)
  const atTwo = sumOf([minus(scaled(atOne, 2), atZero), scaled(leading, 2)])
  const atThree = sumOf([minus(scaled(atOne, 3), scaled(atZero, 2)), scaled(leading, 6)])
  const factors = [
    complement(zeta),
    minus(scaled(zeta, 3), one),
    minus(scaled(zeta, 5), element(2)),
  ]
  const values = [atZero, atTwo, atThree]
  return join(values.map((value, i) => times(times(scale, factors[i]!), value)))
}

type Sums = { readonly atZero: Element; readonly leading: Element; readonly weight: Element }

/** `Σ eq(ζ', x)·h(x)` over all pairs: live ones one by one, dead ones together. */
function roundSums(
  layer: Layer,
  quads: Level,
  round: number,
  tables: Map<string, Elements>,
): Pick<Sums, 'atZero' | 'leading'> {
  const { tree, base, lambda } = layer
  const level = base + 1 + round
  const parts = boxesAt(tree, level).map((segment, i) =>
    boxSums(layer, segment, quads.boxes[i]!, level, tables),
  )
  parts.push(tailSums(layer, quads.tail, level))
  const live = sumOf(parts.map(({ weight }) => weight))
  const dead = times(lambda, complement(live))
  return {
    atZero: plus(sumOf(parts.map(({ atZero }) => atZero)), dead),
    leading: sumOf(parts.map(({ leading }) => leading)),
  }
}

function boxSums(
  { kernels, base, zeta, lambda }: Layer,
  segment: Segment,
  quads: Elements,
  level: number,
  tables: Map<string, Elements>,
): Sums {
  const { lines, length } = stripAt(segment, level)
  const { colBits, bits, offset } = segment
  const shift = base + 1
  const table = (from: number, to: number, size: number) => {
    const key = `${from}/${to}/${size}`
    const known = tables.get(key)
    if (known !== undefined) return known
    const made = kernels.eqTable(span(zeta, from - shift, to - shift), size)
    tables.set(key, made)
    return made
  }
  const inLine = table(level + 1, level < colBits ? colBits : bits, (length + 1) >>> 1)
  const ofLine = level < colBits ? table(colBits, bits, lines) : element(1)
  const high = eqIndex(span(zeta, bits - shift, count(zeta)), offset / 2 ** bits)
  const total = kernels.sumQuads(quads, lines, length, inLine, ofLine, lambda)
  return {
    atZero: times(high, total.atZero),
    leading: times(high, total.leading),
    weight: times(high, times(totalOf(inLine), totalOf(ofLine))),
  }
}

function tailSums(
  { kernels, tree, base, zeta, lambda }: Layer,
  tail: Elements,
  level: number,
): Sums {
  const length = tail.length / (4 * degree)
  const from = level - base
  const weights = eqRange(
    span(zeta, from, count(zeta)),
    tailStart(tree, level) / 2,
    (length + 1) >>> 1,
  )
  const sums = kernels.sumQuads(tail, 1, length, weights, element(1), lambda)
  return { ...sums, weight: totalOf(weights) }
}

function totalOf(vector: Elements): Element {
  const totals = new Float64Array(degree)
  for (let i = 0; i < vector.length; i++) totals[i % degree] = totals[i % degree]! + vector[i]!
  const sum = element(0)
  for (let k = 0; k < degree; k++) sum[k] = toField(totals[k]!)
  return sum
}
