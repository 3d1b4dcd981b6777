/**
 * The 81 cells: typed into, walked with the arrows.
 */
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import type { Grid } from '../../../zk/sudoku.ts'

const steps: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -9,
  ArrowDown: 9,
}

export function Board({
  puzzle,
  grid,
  conflicts,
  onDigit,
}: {
  readonly puzzle: Grid
  readonly grid: Grid
  readonly conflicts: ReadonlySet<number>
  readonly onDigit: (cell: number, digit: number) => void
}): VNode {
  const board = useRef<HTMLDivElement>(null)
  const press = (event: KeyboardEvent, cell: number) => {
    const step = steps[event.key]
    const isDigit = /^[0-9]$/.test(event.key)
    const isErasing = event.key === 'Backspace' || event.key === 'Delete'
    if (step !== undefined) {
      const next = board.current!.querySelectorAll('input')[(cell + step + 81) % 81]
      next?.focus()
    } else if (isDigit || isErasing) {
      if (puzzle[cell] === 0) onDigit(cell, isDigit ? Number(event.key) : 0)
    } else return
    event.preventDefault()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame around the grid
    <div class="sudoku" role="group" aria-label="Sudoku" ref={board}>
      {grid.map((digit, cell) => (
        <input
          key={cell}
          inputMode="numeric"
          autocomplete="off"
          aria-label={labelOf(cell, puzzle[cell] !== 0)}
          aria-invalid={conflicts.has(cell)}
          data-given={puzzle[cell] !== 0}
          readOnly={puzzle[cell] !== 0}
          value={digit === 0 ? '' : String(digit)}
          onKeyDown={(event) => press(event, cell)}
          onInput={(event) => {
            // Where there are no keys, as on phones, the digit comes as text.
            const typed = event.currentTarget.value.match(/[1-9]/g)?.at(-1)
            onDigit(cell, Number(typed ?? 0))
          }}
        />
      ))}
    </div>
  )
}

function labelOf(cell: number, isGiven: boolean): string {
  const place = `row ${1 + Math.floor(cell / 9)}, column ${1 + (cell % 9)}`
  return isGiven ? `${place}, given` : place
}
