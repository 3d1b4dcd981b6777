/**
 * Extensions of the public batch: the input `x̃` and the one-hot labels `ỹ`, which the verifier
 * evaluates itself. O(batch · features).
 */
import { at, count, type Element, type Elements, element, join, plus, times } from './extension.ts'
import type { Kernels } from './kernels.ts'
import type { Matrix } from './linear.ts'
import { evaluateMatrix } from './matrixEvaluation.ts'
import { eqTable } from './multilinear.ts'
import type { BatchRows } from './statement.ts'

/** The features as a matrix, a row to each sample. */
export function inputMatrix({ features, count: rows }: BatchRows): Matrix {
  const cols = features.length / rows
  return { rows, cols, stride: cols, values: new Int32Array(features) }
}

/** `Σ_b Σ_k eq(sample, b)·eq(feature, k)·x(b, k)`. */
export function inputAt(
  kernels: Kernels,
  rows: BatchRows,
  sample: Elements,
  feature: Elements,
): Element {
  const matrix = inputMatrix(rows)
  return evaluateMatrix(
    kernels,
    matrix,
    { ...matrix, colBits: count(feature) },
    join([feature, sample]),
  )
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
