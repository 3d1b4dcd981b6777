/**
 * How good a model is on given rows, in integers: correct predictions and loss.
 */
import type { Rows } from './backend.ts'
import { outputError } from './elementwise.ts'

export type Score = {
  readonly rows: number
  readonly correct: number
  /** `Σ (o − 64·y)²`. */
  readonly loss: bigint
}

/** Predicted class of each row of outputs `[rows, classes]`: the highest output, ties to the lowest class. */
export function predictions(outputs: Int8Array, classes: number): Uint32Array {
  return Uint32Array.from({ length: outputs.length / classes }, (_, b) => {
    let best = 0
    for (let j = 1; j < classes; j++)
      if (outputs[b * classes + j]! > outputs[b * classes + best]!) best = j
    return best
  })
}

/** Score of outputs `[rows.count, classes]` against the rows' labels. */
export function score(outputs: Int8Array, { labels, count }: Rows, classes: number): Score {
  const guessed = predictions(outputs, classes)
  const correct = guessed.reduce((sum, guess, b) => sum + (guess === labels[b] ? 1 : 0), 0)
  return { rows: count, correct, loss: outputError(outputs, labels, classes).loss }
}

/** Sum of scores on disjoint rows. */
export function addScores(a: Score, b: Score): Score {
  return { rows: a.rows + b.rows, correct: a.correct + b.correct, loss: a.loss + b.loss }
}
