/**
 * Sudoku: a puzzle and its solution as the circuit takes them.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { CircuitInput } from './circuits.ts'

/** 81 digits in rows, 0 for an empty cell. */
export type Grid = readonly number[]

export type SudokuFault = { readonly code: 'sudoku/grid'; readonly length: number }

/** Cells of the first public number; the other holds the rest. */
const firstCells = 41

/** A grid from text: digits, with `.`, `0` or `_` for empty cells; spaces and bars are skipped. */
export function parseGrid(text: string): Result<Grid, SudokuFault> {
  const cells = text.replace(/[\s|+-]/g, '')
  if (!/^[0-9._]{81}$/.test(cells)) return refuse({ code: 'sudoku/grid', length: cells.length })
  return ok([...cells].map((cell) => (/[1-9]/.test(cell) ? Number(cell) : 0)))
}

/** The public numbers: four bits a cell, the first lowest. */
export function packGrid(grid: Grid): readonly [bigint, bigint] {
  const pack = (cells: Grid) => cells.reduceRight((sum, cell) => sum * 16n + BigInt(cell), 0n)
  return [pack(grid.slice(0, firstCells)), pack(grid.slice(firstCells))]
}

export function sudokuInput(puzzle: Grid, solution: Grid): CircuitInput {
  return {
    puzzle: packGrid(puzzle),
    solution: solution.map(BigInt),
    given: puzzle.map((cell) => (cell === 0 ? 0n : 1n)),
  }
}
