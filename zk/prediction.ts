/**
 * A private prediction: a small dense-ReLU-dense model in the integers of training, its commitment, and
 * what the circuit takes. Models trained on the chain have public weights; this is for a model that its
 * owner brings.
 */
import { invariant } from '../primitives/result.ts'
import type { CircuitInput } from './circuits.ts'
import { commit } from './commitment.ts'

/** Neurons of the circuit's model: 7 × 7 pixels, 8 hidden units, 10 classes. */
export const modelShape = { inputs: 49, hidden: 8, outputs: 10 } as const

export type PrivateModel = {
  /** `[8, 49]` row-major, −127..127. */
  readonly weights1: readonly number[]
  /** `[10, 8]` row-major, −127..127. */
  readonly weights2: readonly number[]
  /** Right shifts after each product, 1..10. */
  readonly shifts: readonly [number, number]
  /** Hides the weights in their commitment: a secret random number. */
  readonly salt: bigint
}

/** The model's outputs for `x` (49 numbers in −127..127), exactly as training computes them. */
export function predictPrivately(model: PrivateModel, x: readonly number[]): readonly number[] {
  const { inputs, hidden, outputs } = modelShape
  const [s1, s2] = model.shifts
  const a = dense(model.weights1, x, hidden, inputs).map((z) => clamp(shifted(z, s1), 0, 127))
  return dense(model.weights2, a, outputs, hidden).map((z) => clamp(shifted(z, s2), -127, 127))
}

function dense(w: readonly number[], x: readonly number[], rows: number, width: number) {
  invariant(w.length === rows * width && x.length === width, 'dense: shapes')
  return Array.from({ length: rows }, (_, row) =>
    x.reduce((sum, value, i) => sum + value * w[row * width + i]!, 0),
  )
}

/** Divided by 2^s, rounded half up. */
function shifted(z: number, s: number): number {
  return (z + (1 << (s - 1))) >> s
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}

/** Names the model without showing it. */
export function modelCommitment({ weights1, weights2, shifts, salt }: PrivateModel): bigint {
  const words = packBytes([...weights1, ...weights2])
  return commit([salt, BigInt(shifts[0] + 16 * shifts[1]), ...words], 1n)
}

/** Names an example; with salt 0 anybody who knows it can check the name. */
export function exampleCommitment(x: readonly number[], salt: bigint): bigint {
  return commit([salt, ...packBytes(x)], 2n)
}

/** The outputs that the public number of a proof says. */
export function unpackOutputs(prediction: bigint): readonly number[] {
  return Array.from(
    { length: modelShape.outputs },
    (_, i) => Number((prediction >> BigInt(8 * i)) & 255n) - 127,
  )
}

export function predictionInput(
  model: PrivateModel,
  x: readonly number[],
  exampleSalt: bigint,
): CircuitInput {
  const rows = (w: readonly number[], width: number) =>
    Array.from({ length: w.length / width }, (_, row) =>
      w.slice(row * width, (row + 1) * width).map(BigInt),
    )
  const oneOfTen = (shift: number) =>
    Array.from({ length: 10 }, (_, i) => (i + 1 === shift ? 1n : 0n))
  return {
    weights1: rows(model.weights1, modelShape.inputs),
    weights2: rows(model.weights2, modelShape.hidden),
    shift1: oneOfTen(model.shifts[0]),
    shift2: oneOfTen(model.shifts[1]),
    modelSalt: model.salt,
    x: x.map(BigInt),
    inputSalt: exampleSalt,
  }
}

/** Numbers in −127..127 as bytes, 31 to a word, the first lowest. */
function packBytes(values: readonly number[]): readonly bigint[] {
  return Array.from({ length: Math.ceil(values.length / 31) }, (_, w) =>
    values
      .slice(31 * w, 31 * (w + 1))
      .reduceRight((sum, value) => sum * 256n + BigInt(value + 127), 0n),
  )
}
