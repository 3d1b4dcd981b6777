import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { samplePuzzle, sampleSolution } from '../../zk/samples.ts'
import { conflictsOf, isSolved, shuffled, solve } from '../../zk/sudokuGame.ts'
import { dice } from './support.ts'

describe('a game of Sudoku', () => {
  it('is solved in the one way that there is', () => {
    assert.deepEqual(solve(samplePuzzle), sampleSolution)
    assert.ok(isSolved(sampleSolution))
    assert.equal(isSolved(samplePuzzle), false)
  })

  it('has another face each time, as hard as before, and a solution', () => {
    const roll = dice('faces')
    const faces = Array.from({ length: 20 }, () => shuffled(samplePuzzle, roll))
    assert.equal(new Set(faces.map(String)).size, 20)
    for (const face of faces) {
      assert.equal(face.filter((digit) => digit !== 0).length, 30)
      const solution = solve(face)
      assert.ok(solution !== null && isSolved(solution))
      assert.ok(face.every((digit, cell) => digit === 0 || digit === solution[cell]))
    }
  })

  it('tells the cells that stand against each other, and then has no solution', () => {
    const wrong = samplePuzzle.with(2, 5)
    assert.deepEqual([...conflictsOf(wrong)], [0, 2])
    assert.equal(solve(wrong), null)
    assert.equal(solve(sampleSolution.with(80, 0).with(0, 9)), null)
  })
})
