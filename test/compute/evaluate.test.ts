import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { addScores, predictions, score } from '../../compute/evaluate.ts'

describe('evaluation', () => {
  const outputs = Int8Array.of(5, 5, 5, -1, -7, -1, 0, 3, 9)

  it('predicts the highest output, ties to the lowest class', () => {
    assert.deepEqual([...predictions(outputs, 3)], [0, 0, 2])
  })

  it('counts correct rows and sums the loss over the integers', () => {
    const rows = { count: 3, features: new Int8Array(3), labels: Uint32Array.of(0, 2, 2) }
    const loss = 59 ** 2 + 25 + 25 + (1 + 49 + 65 ** 2) + (0 + 9 + 55 ** 2)
    assert.deepEqual(score(outputs, rows, 3), { rows: 3, correct: 2, loss: BigInt(loss) })
  })

  it('adds scores', () => {
    const one = { rows: 2, correct: 1, loss: 5n }
    assert.deepEqual(addScores(one, one), { rows: 4, correct: 2, loss: 10n })
  })
})
