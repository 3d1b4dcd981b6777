/**
 * The matrix products of a lease as one batched sumcheck, prover's side: forward sums, errors below,
 * weight gradients and losses, none of them committed. Rules P-60 to P-66 of docs/spec/proof.md.
 *
 * A product `z̃(i, j) = Σ_k x̃(i, k)·w̃(j, k)` at a point is a sum over k alone (Thaler, CRYPTO 2013).
 */

import { toField } from './babyBear.ts'
import {
  chunkVariables,
  endPoints,
  type FindColumn,
  type Instance,
  instancesOf,
  pointsOf,
} from './circuit.ts'
import type { ColumnSums } from './columnSums.ts'
import { at, degree, type Element, type Elements, join, powersOf, span } from './extension.ts'
import type { Kernels } from './kernels.ts'
import { eqTable } from './multilinear.ts'
import { chunkBits, type ProofShape } from './parameters.ts'
import { inputMatrix } from './publicRows.ts'
import type { BatchRows } from './statement.ts'
import { type Challenge, type Proven, proveSums, type Summand, vectorSummand } from './sumcheck.ts'
import { target } from './target.ts'

export type ProductContext = {
  readonly shape: ProofShape
  readonly find: FindColumn
  readonly sums: ColumnSums
  readonly batches: readonly BatchRows[]
}

/** Proves all instances; `ends` are the claims in the order of {@link endPoints}. */
export function proveProducts(
  kernels: Kernels,
  context: ProductContext,
  zeta: Elements,
  gamma: Element,
  chunks: Elements,
  challenge: Challenge,
): Proven & { readonly claims: Elements } {
  const { shape, find } = context
  const instances = instancesOf(shape)
  const weights = powersOf(gamma, instances.length)
  const summands = instances.map((instance, i) =>
    summandOf(kernels, context, instance, zeta, at(weights, i), chunks),
  )
  const proven = proveSums(kernels, summands, shape.nu + shape.beta, 3, challenge)
  const claims = instances.flatMap((instance, i) => {
    const left = endPoints(shape, find, instance, zeta, proven.point)
    if (instance.kind !== 'loss') return proven.ends[i]!.slice(0, left.length)
    // The factors hold o − 64·y, the claim is on o.
    return left.map(({ column, point }) => context.sums.liveValue(column, point))
  })
  return { ...proven, claims: join(claims) }
}

function summandOf(
  kernels: Kernels,
  context: ProductContext,
  instance: Instance,
  zeta: Elements,
  coefficient: Element,
  chunks: Elements,
): Summand {
  const { shape, find, sums, batches } = context
  const { step, layer, kind, variables } = instance
  const { weightCol, weightRow, sample, unit } = pointsOf(shape, zeta)
  const live = (vector: Elements, length: number) => span(vector, 0, length)
  /** `Σ_b eq(sample, b)` of each unit. */
  const bySample = (role: 'a' | 'd', of: number) =>
    live(sums.overColumns(find(role, step, of), sample), shape.layers[of]!)
  /** `Σ_j eq(point, j)` of each row of the batch. */
  const byUnit = (role: 'a' | 'd', of: number, point: Elements) =>
    live(sums.overRows(find(role, step, of), point), shape.batch)
  const inputs = batches[step]!
  switch (kind) {
    case 'forward': {
      const weights = sums.overRows(find('w', step, layer), unit)
      const input = layer === 1 ? inputsBySample(kernels, inputs, sample) : bySample('a', layer - 1)
      return vectorSummand(coefficient, [live(weights, shape.layers[layer - 1]!), input], variables)
    }
    case 'backward': {
      const above = shape.layers[layer + 1]!
      const weights = sums.overColumns(find('w', step, layer + 1), unit)
      return vectorSummand(coefficient, [live(weights, above), bySample('d', layer + 1)], variables)
    }
    case 'update': {
      const input =
        layer === 1
          ? inputsByFeature(kernels, inputs, weightCol)
          : byUnit('a', layer - 1, weightCol)
      return vectorSummand(coefficient, [byUnit('d', layer, weightRow), input], variables)
    }
    case 'loss':
      return lossSummand(context, instance, coefficient, chunks)
    default:
      return kind satisfies never
  }
}

function inputsBySample(kernels: Kernels, rows: BatchRows, sample: Elements): Elements {
  return kernels.scope(() =>
    kernels.weightRows(inputMatrix(rows), kernels.eqTable(sample, rows.count)),
  )
}

function inputsByFeature(kernels: Kernels, rows: BatchRows, feature: Elements): Elements {
  const matrix = inputMatrix(rows)
  return kernels.scope(() => kernels.weightColumns(matrix, kernels.eqTable(feature, matrix.cols)))
}

/** `Σ_i eq(chunks, i >> 15)·(o(i) − 64·y(i))²` over `i = j·2^β + b`. */
function lossSummand(
  { shape, find, sums, batches }: ProductContext,
  { step, layer, variables }: Instance,
  coefficient: Element,
  chunks: Elements,
): Summand {
  const { values, stride } = sums.matrix(find('o', step, layer))
  const { labels } = batches[step]!
  const line = 2 ** shape.beta
  const units = shape.layers[layer]!
  const miss = new Uint32Array(degree * units * line)
  for (let j = 0; j < units; j++)
    for (let b = 0; b < shape.batch; b++) {
      const output = values[j * stride + b]! - (labels[b] === j ? target : 0)
      miss[degree * (j * line + b)] = toField(output)
    }
  const summand = vectorSummand(coefficient, [miss, miss], variables)
  if (chunkVariables(shape) === 0) return summand
  return { ...summand, coarse: { values: eqTable(chunks), bits: chunkBits } }
}
