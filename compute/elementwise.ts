/**
 * The closed set of element-wise rules between the matrix products, each total on its inputs. Shifts
 * of int32 round half up; saturation is symmetric at ±127.
 */
import { invariant } from '../primitives/result.ts'
import type { LayerState } from './modelState.ts'

/** One-hot targets are this high. */
export const target = 64

/** Hidden activation: rescale and ReLU in one, `clamp((z + 2^(s−1)) >> s, 0, 127)`. */
export function activate(z: Int32Array, shift: number): Int8Array {
  return Int8Array.from(z, (value) => clamp(roundShift(value, shift), 0, 127))
}

/** Output: `clamp((z + 2^(s−1)) >> s, ±127)`. */
export function rescale(z: Int32Array, shift: number): Int8Array {
  return Int8Array.from(z, (value) => clamp(roundShift(value, shift), -127, 127))
}

/** Error that reaches a hidden layer: rescaled, and 0 where the unit was off. */
export function maskError(e: Int32Array, active: Int8Array, shift: number): Int8Array {
  const d = rescale(e, shift)
  for (let i = 0; i < d.length; i++) if (active[i] === 0) d[i] = 0
  return d
}

/**
 * Error and loss of the outputs `[labels.length, classes]`: `d = clamp(o − 64·y, ±127)`, and the sum of
 * `(o − 64·y)²` before that clamp. A label without an output has an all-zero target.
 */
export function outputError(
  outputs: Int8Array,
  labels: Uint32Array,
  classes: number,
): { readonly d: Int8Array; readonly loss: bigint } {
  invariant(outputs.length === labels.length * classes, 'outputError: outputs do not fit labels')
  const d = outputs.slice()
  // At most 2^32 cells of 191² each: exact in a double.
  let loss = 0
  for (let b = 0; b < labels.length; b++)
    for (let j = 0; j < classes; j++) {
      const i = b * classes + j
      const difference = outputs[i]! - (labels[b] === j ? target : 0)
      loss += difference * difference
      d[i] = Math.max(difference, -127)
    }
  return { d, loss: BigInt(loss) }
}

/**
 * `U = 2^F·w + rho − 2^u·G`, then `rho = U mod 2^F` and `w = clamp(U >> F, ±127)`: the integer part
 * saturates, the fraction is kept. Doubles hold every intermediate exactly (below 2^51).
 */
export function updateLayer(
  layer: LayerState,
  gradient: Int32Array,
  fractionBits: number,
  shift: number,
): { readonly layer: LayerState; readonly saturated: number } {
  const unit = 2 ** fractionBits
  const rate = 2 ** shift
  const w = new Int8Array(layer.w.length)
  const rho = new Uint32Array(w.length)
  let saturated = 0
  for (let i = 0; i < w.length; i++) {
    const sum = unit * layer.w[i]! + layer.rho[i]! - rate * gradient[i]!
    const quotient = Math.floor(sum / unit)
    const kept = clamp(quotient, -127, 127)
    if (kept !== quotient) saturated++
    w[i] = kept
    rho[i] = sum - unit * quotient
  }
  return { layer: { ...layer, w, rho }, saturated }
}

/** `(value + 2^(shift−1)) >> shift`; the sum cannot leave int32 because |value| < 2^30 and shift ≤ 10. */
function roundShift(value: number, shift: number): number {
  return (value + (1 << (shift - 1))) >> shift
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value
}
