/**
 * The batched product sumcheck, verifier's side: what it claims and what must hold at its end point.
 * Rules P-60 to P-66 of docs/spec/proof.md.
 */
import { halfPower, inverseMod, powMod } from './babyBear.ts'
import { chunkVariables, type Instance, instancesOf, pointsOf } from './circuit.ts'
import {
  at,
  type Element,
  type Elements,
  element,
  minus,
  plus,
  powersOf,
  scaled,
  span,
  sumOf,
  times,
} from './extension.ts'
import type { Kernels } from './kernels.ts'
import { weightedSum } from './linear.ts'
import { eqPoints, eqTable } from './multilinear.ts'
import { chunkBits, type ProofShape } from './parameters.ts'
import { inputAt, labelsAt } from './publicRows.ts'
import { cellPoint } from './reduction.ts'
import type { LeafValues } from './relations.ts'
import type { BatchRows, Saturation } from './statement.ts'
import { target } from './target.ts'

/** Everything that the claims and the check depend on. */
export type ProductCheck = {
  readonly kernels: Kernels
  readonly shape: ProofShape
  readonly values: LeafValues
  readonly saturated: readonly Saturation[]
  readonly losses: Uint32Array
  readonly batches: readonly BatchRows[]
  readonly zeta: Elements
  readonly gamma: Element
  readonly chunks: Elements
}

/** `Σ γ^i · claim_i`. */
export function productClaim(check: ProductCheck): Element {
  const instances = instancesOf(check.shape)
  const weights = powersOf(check.gamma, instances.length)
  return sumOf(instances.map((instance, i) => times(at(weights, i), claimOf(check, instance))))
}

function claimOf(check: ProductCheck, instance: Instance): Element {
  const { values, shape, losses, chunks } = check
  const { kind, step, layer } = instance
  switch (kind) {
    case 'forward':
      return values.sum('z', step, layer)
    case 'backward':
      return values.sum('e', step, layer)
    case 'update':
      return gradientOf(check, instance)
    case 'loss': {
      const own = losses.subarray(step * shape.chunks, (step + 1) * shape.chunks)
      return weightedSum(own, eqTable(chunks, shape.chunks))
    }
    default:
      return kind satisfies never
  }
}

/** `G̃ = 2^(−u)·(2^F·(w̃ − w̃' − ξ̃) + ρ̃ − ρ̃')` at the weights' point. */
function gradientOf(check: ProductCheck, { step, layer }: Instance): Element {
  const { shape, values } = check
  const change = (role: 'w' | 'rho') =>
    minus(values.column(role, step, layer), values.column(role, step + 1, layer))
  const whole = minus(change('w'), excessAt(check, step, layer))
  const sum = plus(scaled(whole, 2 ** shape.fractionBits), change('rho'))
  return scaled(sum, inverseMod(powMod(2, shape.steps[step]!.update[layer - 1]!)))
}

/** `ξ̃` at the weights' point: committed in dense mode, else from the list. */
function excessAt({ shape, values, saturated, zeta }: ProductCheck, step: number, layer: number) {
  if (shape.dense) return values.column('excess', step, layer)
  const { weights } = pointsOf(shape, zeta)
  return sumOf(
    saturated
      .filter((entry) => entry.step === step && entry.layer === layer)
      .map(({ row, col, excess }) =>
        scaled(eqPoints(cellPoint(row, col, shape.nu), weights), excess),
      ),
  )
}

/** What the last round's claim must be, from the end-point claims in their order. */
export function productEnd(check: ProductCheck, sigma: Elements, ends: Elements): Element {
  const { shape, gamma } = check
  const instances = instancesOf(shape)
  const weights = powersOf(gamma, instances.length)
  const rounds = shape.nu + shape.beta
  let used = 0
  const next = () => at(ends, used++)
  return sumOf(
    instances.map((instance, i) => {
      const product = endOf(check, instance, sigma, next)
      return scaled(times(at(weights, i), product), halfPower(rounds - instance.variables))
    }),
  )
}

function endOf(
  { kernels, shape, batches, zeta, chunks }: ProductCheck,
  { kind, step, layer }: Instance,
  sigma: Elements,
  next: () => Element,
): Element {
  const { nu, beta } = shape
  const { sample, weightCol } = pointsOf(shape, zeta)
  const rows = batches[step]!
  switch (kind) {
    case 'forward': {
      const weight = next()
      const input = layer > 1 ? next() : inputAt(kernels, rows, sample, span(sigma, 0, nu))
      return times(weight, input)
    }
    case 'backward':
      return times(next(), next())
    case 'update': {
      const error = next()
      const input = layer > 1 ? next() : inputAt(kernels, rows, span(sigma, 0, beta), weightCol)
      return times(error, input)
    }
    case 'loss': {
      const classes = shape.layers[layer]!
      const labels = labelsAt(rows, span(sigma, 0, beta), span(sigma, beta, beta + nu), classes)
      const miss = minus(next(), scaled(labels, target))
      const high = span(sigma, Math.min(chunkBits, nu + beta), nu + beta)
      const weight = chunkVariables(shape) === 0 ? element(1) : eqPoints(chunks, high)
      return times(weight, times(miss, miss))
    }
    default:
      return kind satisfies never
  }
}
