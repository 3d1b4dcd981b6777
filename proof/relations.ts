/**
 * What the leaves of the fraction tree must be at its end point, from the leaf claims alone. Verifier's
 * side of rules P-20 to P-29 and P-59 of docs/spec/proof.md.
 */
import { type LeafClaim, leafClaims, pointsOf, type Segment, type SegmentTree } from './circuit.ts'
import {
  at,
  count,
  type Element,
  type Elements,
  element,
  minus,
  plus,
  scaled,
  span,
  sumOf,
  times,
} from './extension.ts'
import { eqIndex, lt } from './multilinear.ts'
import type { ProofShape, Role } from './parameters.ts'
import { labelsAt } from './publicRows.ts'
import type { BatchRows } from './statement.ts'
import { columnsAt } from './tables.ts'

/** Looks up leaf claims by what they are about. */
export type LeafValues = {
  readonly column: (role: Role, step: number, layer: number) => Element
  readonly sum: (of: 'z' | 'e', step: number, layer: number) => Element
}

export function leafValuesBy(shape: ProofShape, values: Elements): LeafValues {
  const keyOf = (claim: LeafClaim) =>
    claim.of === 'column'
      ? `${claim.column.role}/${claim.column.step}/${claim.column.layer}`
      : `${claim.of}/${claim.step}/${claim.layer}`
  const found = new Map(leafClaims(shape).map((claim, i) => [keyOf(claim), at(values, i)]))
  return {
    column: (role, step, layer) => found.get(`${role}/${step}/${layer}`)!,
    sum: (of, step, layer) => found.get(`${of}/${step}/${layer}`)!,
  }
}

/** The leaf's numerator and denominator at `ζ`; dead leaves are 0/1. */
export function leafAt(
  shape: ProofShape,
  tree: SegmentTree,
  batches: readonly BatchRows[],
  values: LeafValues,
  zeta: Elements,
  alpha: Element,
  powers: Elements,
): { readonly p: Element; readonly q: Element } {
  let p = element(0)
  let q = element(1)
  for (const segment of tree.segments) {
    const { colBits, bits, rows, cols, offset, table } = segment
    const point = span(zeta, 0, bits)
    const here = eqIndex(span(zeta, bits, count(zeta)), offset / 2 ** bits)
    const live = times(lt(cols, span(point, 0, colBits)), lt(rows, span(point, colBits, bits)))
    const { parts, numerator } = lookupAt({ shape, batches, values, zeta }, segment, live)
    const folded = sumOf([
      ...parts.map((part, i) => times(part, at(powers, i))),
      times(scaled(live, table.tag), at(powers, 3)),
    ])
    p = plus(p, times(here, numerator))
    q = plus(q, times(here, minus(minus(times(alpha, live), folded), live)))
  }
  return { p, q }
}

type Context = {
  readonly shape: ProofShape
  readonly batches: readonly BatchRows[]
  readonly values: LeafValues
  readonly zeta: Elements
}

type Lookup = { readonly parts: readonly Element[]; readonly numerator: Element }

function lookupAt(context: Context, segment: Segment, live: Element): Lookup {
  const { values, zeta, shape } = context
  const { kind, step, layer, table, bits } = segment
  const own = (role: Role, of = step) => values.column(role, of, layer)
  const all = (...parts: Element[]): Lookup => ({ parts, numerator: live })
  switch (kind) {
    case 'RW':
      return all(own('w', step + 1))
    case 'SW':
      return all(own('excess'), own('w', step + 1))
    case 'RF':
      return all(own('rho', step + 1))
    case 'ACT':
      return all(rescaledAt(context, segment, live), own('a'), own('m'))
    case 'SA':
      return all(own('h'), own('a'))
    case 'ERR':
      return { parts: [rescaledErrorAt(context, segment, live), own('d')], numerator: own('m') }
    case 'SE':
      return all(own('v'), own('m'), own('d'))
    case 'OUT':
      return all(rescaledAt(context, segment, live), own('o'))
    case 'SO':
      return all(own('h'), own('o'))
    case 'TG':
      return all(own('o'), targetsAt(context, step), own('d'))
    case 'table': {
      const point = span(zeta, 0, bits)
      const parts = columnsAt(table.columns, point)
      return { parts, numerator: minus(element(0), values.column('mu', 0, table.tag)) }
    }
    default:
      return (kind satisfies never) && shape
  }
}

/** `z + 2^(s−1) − 2^κ·h`. */
function rescaledAt({ shape, values }: Context, { step, layer }: Segment, live: Element): Element {
  const kappa = layer === shape.depth ? shape.kappa.output : shape.kappa.hidden
  return splitAt(values.sum('z', step, layer), values.column('h', step, layer), live, {
    shift: shape.forward[layer - 1]!,
    kappa,
  })
}

/** `e + 2^(t−1) − 2^κ·v`. */
function rescaledErrorAt(
  { shape, values }: Context,
  { step, layer }: Segment,
  live: Element,
): Element {
  return splitAt(values.sum('e', step, layer), values.column('v', step, layer), live, {
    shift: shape.steps[step]!.backward[layer - 1]!,
    kappa: shape.kappa.backward,
  })
}

function splitAt(
  sum: Element,
  quotient: Element,
  live: Element,
  { shift, kappa }: { readonly shift: number; readonly kappa: number },
): Element {
  return minus(plus(sum, scaled(live, 2 ** (shift - 1))), scaled(quotient, 2 ** kappa))
}

function targetsAt({ shape, batches, zeta }: Context, step: number): Element {
  const { sample, unit } = pointsOf(shape, zeta)
  return labelsAt(batches[step]!, sample, unit, shape.layers[shape.depth]!)
}
