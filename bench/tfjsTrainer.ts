/**
 * The same training step in float32 by @tensorflow/tfjs-backend-wasm, in two ways: with transposition
 * flags, as its own gradients of `matMul` use them, and with transposed operands copied first, because
 * its kernel for untransposed operands is several times faster.
 */
import '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'

export type TfjsTrainer = { readonly step: () => Promise<void>; readonly close: () => void }

/** How products of transposed operands are asked for. */
export type TfjsStyle = 'flags' | 'copies'

const learningRate = 1e-4

export async function openTfjsTrainer(
  layers: readonly number[],
  batch: number,
  style: TfjsStyle,
): Promise<TfjsTrainer> {
  await tf.setBackend('wasm')
  await tf.ready()
  const input: tf.Tensor2D = tf.randomUniform([batch, layers[0]!])
  const target: tf.Tensor2D = tf.randomUniform([batch, layers.at(-1)!])
  const weights = layers.slice(1).map((width, i) => {
    const bound = Math.sqrt(3 / layers[i]!)
    return tf.variable<tf.Rank.R2>(tf.randomUniform([layers[i]!, width], -bound, bound))
  })
  const transposed = style === 'flags' ? byFlags : byCopies

  async function step(): Promise<void> {
    tf.tidy(() => train(weights, input, target, transposed))
    // Kernels of this backend run at once; reading one value makes sure.
    const one = tf.slice(weights[0]!, [0, 0], [1, 1])
    await one.data()
    one.dispose()
  }

  function close(): void {
    for (const tensor of [input, target, ...weights]) tensor.dispose()
  }

  return { step, close }
}

type Weights = readonly tf.Variable<tf.Rank.R2>[]

type Transposed = {
  /** `aᵀ · b`. */
  readonly left: (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor2D
  /** `a · bᵀ`. */
  readonly right: (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor2D
}

const byFlags: Transposed = {
  left: (a, b) => tf.matMul(a, b, true, false),
  right: (a, b) => tf.matMul(a, b, false, true),
}

const byCopies: Transposed = {
  left: (a, b) => tf.matMul(tf.transpose(a), b),
  right: (a, b) => tf.matMul(a, tf.transpose(b)),
}

function train(
  weights: Weights,
  input: tf.Tensor2D,
  target: tf.Tensor2D,
  transposed: Transposed,
): void {
  const activations = activate(weights, input)
  let error: tf.Tensor2D = tf.sub(activations.at(-1)!, target)
  for (let i = weights.length - 1; i >= 0; i--) {
    const below = activations[i]!
    const w = weights[i]!
    const gradient = transposed.left(below, error)
    if (i > 0) {
      const mask = tf.cast(tf.greater(below, 0), 'float32')
      error = tf.mul(transposed.right(error, w), mask)
    }
    w.assign(tf.sub(w, tf.mul(gradient, learningRate)))
  }
}

/** The input, then the output of each layer. */
function activate(weights: Weights, input: tf.Tensor2D): readonly tf.Tensor2D[] {
  const activations: tf.Tensor2D[] = [input]
  for (const [i, w] of weights.entries()) {
    const z: tf.Tensor2D = tf.matMul(activations[i]!, w)
    activations.push(i === weights.length - 1 ? z : tf.relu(z))
  }
  return activations
}
