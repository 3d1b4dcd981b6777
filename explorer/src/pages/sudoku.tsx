/**
 * A puzzle to play, whose solution is proven here and shown to nobody.
 */
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { type Grid, parseGrid } from '../../../zk/sudoku.ts'
import { conflictsOf, isSolved, shuffled, solve } from '../../../zk/sudokuGame.ts'
import { Board } from '../sudoku/board.tsx'
import { ProofCard } from '../sudoku/proofCard.tsx'
import '../sudoku/sudoku.css'
import { Card, PageHead } from '../ui/parts.tsx'

/** One puzzle of each kind; what is played is one of its many disguises. */
const kinds = [
  ['Easy', '53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79'],
  ['Hard', '4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......'],
] as const

const roll = (below: number) =>
  Math.floor((below * crypto.getRandomValues(new Uint32Array(1))[0]!) / 2 ** 32)

function puzzleOf(kind: number): Grid {
  const grid = parseGrid(kinds[kind]![1])
  return grid.ok ? shuffled(grid.value, roll) : []
}

export function SudokuPage(): VNode {
  const [puzzle, setPuzzle] = useState<Grid>(() => puzzleOf(0))
  const [grid, setGrid] = useState<Grid>(puzzle)
  const conflicts = useMemo(() => conflictsOf(grid), [grid])
  const solution = isSolved(grid) ? grid : null
  const left = grid.filter((digit) => digit === 0).length
  const begin = (next: Grid) => {
    setPuzzle(next)
    setGrid(next)
  }
  return (
    <>
      <PageHead
        title="A private proof"
        lede="Solve the puzzle and prove it to the chain without showing your solution."
      />
      <div class="sudoku-columns">
        <Card
          title="Sudoku"
          aside={<span aria-live="polite">{statusOf(left, conflicts.size)}</span>}
        >
          <div class="stack tight">
            <Board
              puzzle={puzzle}
              grid={grid}
              conflicts={conflicts}
              onDigit={(cell, digit) => setGrid((old) => old.with(cell, digit))}
            />
            <div class="buttons">
              {kinds.map(([name], kind) => (
                <button
                  type="button"
                  class="button"
                  key={name}
                  onClick={() => begin(puzzleOf(kind))}
                >
                  New, {name.toLowerCase()}
                </button>
              ))}
              <button type="button" class="button" onClick={() => setGrid(puzzle)}>
                Clear
              </button>
              <button type="button" class="button" onClick={() => setGrid(solve(puzzle) ?? puzzle)}>
                Solve it for me
              </button>
            </div>
          </div>
        </Card>
        <ProofCard key={puzzle.join('')} puzzle={puzzle} solution={solution} />
      </div>
    </>
  )
}

function statusOf(left: number, conflicts: number): string {
  if (conflicts > 0) return `${conflicts} cells stand against each other`
  return left === 0 ? 'solved' : `${left} cells to fill`
}
