/**
 * Playing Sudoku: which digits stand against each other, what is left to solve, and ever new puzzles.
 */
import type { Grid } from './sudoku.ts'

/** Rows, columns and boxes, each by its nine cells. */
const houses: readonly (readonly number[])[] = Array.from({ length: 9 }, (_, i) => [
  nine((k) => 9 * i + k),
  nine((k) => 9 * k + i),
  nine((k) => 27 * Math.floor(i / 3) + 3 * (i % 3) + 9 * Math.floor(k / 3) + (k % 3)),
]).flat()

/** For each cell, the numbers of its row, column and box. */
const houseNumbers: readonly (readonly [number, number, number])[] = Array.from(
  { length: 81 },
  (_, cell) => {
    const [row, column] = [Math.floor(cell / 9), cell % 9]
    return [3 * row, 3 * column + 1, 3 * (3 * Math.floor(row / 3) + Math.floor(column / 3)) + 2]
  },
)

/** Cells whose digit stands twice in a row, a column or a box. */
export function conflictsOf(grid: Grid): ReadonlySet<number> {
  const isTwice = (cell: number) =>
    grid[cell] !== 0 &&
    houseNumbers[cell]!.some((house) =>
      houses[house]!.some((at) => at !== cell && grid[at] === grid[cell]),
    )
  return new Set(grid.flatMap((_, cell) => (isTwice(cell) ? [cell] : [])))
}

/** A full grid without conflicts. */
export function isSolved(grid: Grid): boolean {
  return !grid.includes(0) && conflictsOf(grid).size === 0
}

/** The first solution, always trying the cell with the fewest digits left; null: there is none. */
export function solve(puzzle: Grid): Grid | null {
  if (conflictsOf(puzzle).size > 0) return null
  const taken = houses.map((house) => house.reduce((mask, cell) => mask | bitOf(puzzle[cell]!), 0))
  const grid = [...puzzle]
  return fill(grid, taken) ? grid : null
}

/** @param taken - for each house, a bit for each digit that stands in it; as `grid`, changed here. */
function fill(grid: number[], taken: number[]): boolean {
  const { cell, free } = tightest(grid, taken)
  if (cell === -1) return true
  const flip = (digit: number) => {
    for (const house of houseNumbers[cell]!) taken[house]! ^= bitOf(digit)
  }
  for (let digit = 1; digit <= 9; digit++) {
    if ((free & bitOf(digit)) === 0) continue
    grid[cell] = digit
    flip(digit)
    if (fill(grid, taken)) return true
    flip(digit)
  }
  grid[cell] = 0
  return false
}

/** The empty cell with the fewest digits left, and these as bits; cell −1: none is empty. */
function tightest(grid: Grid, taken: readonly number[]) {
  let [cell, free, fewest] = [-1, 0, 10]
  for (let at = 0; at < 81; at++) {
    if (grid[at] !== 0) continue
    const [row, column, box] = houseNumbers[at]!
    const digits = everyDigit & ~(taken[row]! | taken[column]! | taken[box]!)
    const count = bitCount(digits)
    if (count < fewest) [cell, free, fewest] = [at, digits, count]
  }
  return { cell, free }
}

const everyDigit = 0x3fe

function bitOf(digit: number): number {
  return digit === 0 ? 0 : 1 << digit
}

function bitCount(mask: number): number {
  let count = 0
  for (let left = mask; left !== 0; left &= left - 1) count++
  return count
}

/**
 * Another puzzle that is as hard as `puzzle`: digits renamed, rows and columns exchanged within their
 * bands, bands exchanged.
 *
 * @param roll - a number in [0, below).
 */
export function shuffled(puzzle: Grid, roll: (below: number) => number): Grid {
  const digits = [
    0,
    ...permuted(
      nine((k) => k + 1),
      roll,
    ),
  ]
  const [rows, columns] = [linesOf(roll), linesOf(roll)]
  return puzzle.map((_, cell) => {
    const from = 9 * rows[Math.floor(cell / 9)]! + columns[cell % 9]!
    return digits[puzzle[from]!]!
  })
}

/** Nine lines, exchanged within threes, and the threes exchanged. */
function linesOf(roll: (below: number) => number): readonly number[] {
  return permuted([0, 1, 2], roll).flatMap((band) =>
    permuted([0, 1, 2], roll).map((line) => 3 * band + line),
  )
}

function permuted(items: readonly number[], roll: (below: number) => number): readonly number[] {
  const left = [...items]
  return items.map(() => left.splice(roll(left.length), 1)[0]!)
}

function nine(of: (k: number) => number): number[] {
  return Array.from({ length: 9 }, (_, k) => of(k))
}
