/**
 * Extensions of the public batch: the input `x̃` and the one-hot labels `ỹ`, which the verifier
 * evaluates itself. O(batch · features).
 */
import { at, degree, type Element, type Elements, element, plus, times } from './extension.ts'
import { innerProduct, weightedSum } from './linear.ts'
import { eqTable } from './multilinear.ts'
import type { BatchRows } from './statement.ts'

/** `Σ_b Σ_k eq(sample, b)·eq(feature, k)·x(b, k)`. */
export function inputAt(
  { count: samples, features }: BatchRows,
  sample: Elements,
  feature: Elements,
): Element {
  return innerProduct(eqTable(sample, samples), inputColumn(features, samples, feature))
}

/** `Σ_k eq(feature, k)·x(b, k)` for each row b. */
function inputColumn(features: Int8Array, samples: number, feature: Elements): Elements {
  const width = features.length / samples
  const weights = eqTable(feature, width)
  const sums = new Uint32Array(degree * samples)
  for (let b = 0; b < samples; b++)
    sums.set(weightedSum(features, weights, b * width, width), degree * b)
  return sums
}

/** `Σ_b eq(sample, b)·eq(unit, label_b)`; labels without an output count nothing. */
export function labelsAt(
  { count: samples, labels }: BatchRows,
  sample: Elements,
  unit: Elements,
  units: number,
): Element {
  const bySample = eqTable(sample, samples)
  const byUnit = eqTable(unit, units)
  let sum = element(0)
  for (let b = 0; b < samples; b++)
    if (labels[b]! < units) sum = plus(sum, times(at(bySample, b), at(byUnit, labels[b]!)))
  return sum
}
