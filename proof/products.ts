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
import { at, degree, type Element, type Elements, join, powersOf } from './extension.ts'
import type { Kernels } from './kernels.ts'
import { type Matrix, weightColumns, weightRows } from './linear.ts'
import { evaluateMatrix } from './matrixEvaluation.ts'
import { eqTable } from './multilinear.ts'
import { chunkBits, type ProofShape } from './parameters.ts'
import type { BatchRows } from './statement.ts'
import { type Challenge, type Proven, proveSums, type Summand, vectorSummand } from './sumcheck.ts'
import { target } from './target.ts'
import { transposed, type Witness } from './witness.ts'

export type ProductContext = {
  readonly shape: ProofShape
  readonly find: FindColumn
  readonly witness: Witness
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
    summandOf(context, instance, zeta, at(weights, i), chunks),
  )
  const proven = proveSums(kernels, summands, shape.nu + shape.beta, 3, challenge)
  const claims = instances.flatMap((instance, i) => {
    const left = endPoints(shape, find, instance, zeta, proven.point)
    if (instance.kind !== 'loss') return proven.ends[i]!.slice(0, left.length)
    // The factors hold o − 64·y, the claim is on o.
    return left.map(({ column, point }) =>
      evaluateMatrix(kernels, context.witness.columns[column.index]!, column, point),
    )
  })
  return { ...proven, claims: join(claims) }
}

function summandOf(
  context: ProductContext,
  instance: Instance,
  zeta: Elements,
  coefficient: Element,
  chunks: Elements,
): Summand {
  const { shape, find, witness, batches } = context
  const { step, layer, kind, variables } = instance
  const { weightCol, weightRow, sample, unit } = pointsOf(shape, zeta)
  const width = shape.layers[layer]!
  const inner = shape.layers[layer - 1]!
  const bySample = eqTable(sample, shape.batch)
  const live = (role: 'w' | 'a' | 'd', of: number): Matrix => ({
    ...witness.columns[find(role, step, of).index]!,
    rows: shape.layers[of]!,
    cols: role === 'w' ? shape.layers[of - 1]! : shape.batch,
  })
  const input = () => (layer === 1 ? inputs(batches[step]!) : live('a', layer - 1))
  switch (kind) {
    case 'forward':
      return vectorSummand(
        coefficient,
        [weightRows(live('w', layer), eqTable(unit, width)), weightColumns(input(), bySample)],
        variables,
      )
    case 'backward': {
      const above = shape.layers[layer + 1]!
      const weights = weightColumns(live('w', layer + 1), eqTable(unit, width))
      return vectorSummand(
        coefficient,
        [weights, weightColumns({ ...live('d', layer + 1), rows: above }, bySample)],
        variables,
      )
    }
    case 'update':
      return vectorSummand(
        coefficient,
        [
          weightRows(live('d', layer), eqTable(weightRow, width)),
          weightRows(input(), eqTable(weightCol, inner)),
        ],
        variables,
      )
    case 'loss':
      return lossSummand(context, instance, coefficient, chunks)
    default:
      return kind satisfies never
  }
}

function inputs({ features, count }: BatchRows): Matrix {
  return transposed(features, count)
}

/** `Σ_i eq(chunks, i >> 15)·(o(i) − 64·y(i))²` over `i = j·2^β + b`. */
function lossSummand(
  { shape, find, witness, batches }: ProductContext,
  { step, layer, variables }: Instance,
  coefficient: Element,
  chunks: Elements,
): Summand {
  const { values, stride } = witness.columns[find('o', step, layer).index]!
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
