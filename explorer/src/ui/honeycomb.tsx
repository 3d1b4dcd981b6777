/**
 * The newest blocks as a comb: one cell a block, in its proposer's colour, with a dot for each
 * certificate that it settled.
 */
import type { VNode } from 'preact'
import { countText } from '../format.ts'
import type { BlockRow } from '../net/live.ts'
import { colourOf } from './identity.tsx'

export type HoneycombProps = {
  /** Newest first. */
  readonly blocks: readonly BlockRow[]
  /** Certificates by block. */
  readonly certificates: ReadonlyMap<number, number>
  readonly columns: number
  readonly rows: number
}

const radius = 22
const stepX = radius * Math.sqrt(3)
const stepY = radius * 1.5

/** Cells fill column by column from the right: a block keeps its cell's colour and moves left. */
export function Honeycomb(props: HoneycombProps): VNode {
  const { blocks, certificates, columns, rows } = props
  const width = (columns + 0.5) * stepX + 4
  const height = (rows - 1) * stepY + 2 * radius + 4
  const newest = blocks[0]?.number ?? 0
  const cells = []
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < rows; row++) {
      // The newest column grows from the top, so every block stays in its row.
      const number = (Math.floor(newest / rows) - column) * rows + row
      const x = width - 2 - stepX / 2 - column * stepX - (row % 2 === 1 ? 0 : stepX / 2)
      const y = 2 + radius + row * stepY
      const block = blocks[newest - number]
      cells.push(
        block === undefined || number > newest ? (
          <path key={`none ${number}`} d={cellPath(x, y)} class="cell cell-empty" />
        ) : (
          <Cell
            key={number}
            {...{ block, x, y, settled: certificates.get(number) ?? 0 }}
            isNew={number === newest}
          />
        ),
      )
    }
  return (
    <nav aria-label="New blocks">
      <svg class="honeycomb" viewBox={`0 0 ${width} ${height}`}>
        <title>New blocks</title>
        {cells}
      </svg>
    </nav>
  )
}

type CellProps = {
  readonly block: BlockRow
  readonly x: number
  readonly y: number
  readonly settled: number
  readonly isNew: boolean
}

function Cell({ block, x, y, settled, isNew }: CellProps): VNode {
  const { number, miner, transactions } = block
  const what = `block ${countText(number)}, ${transactions} transactions, ${settled} certificates`
  return (
    <a href={`/block/${number}`} aria-label={what}>
      <title>{what}</title>
      <path
        d={cellPath(x, y)}
        class={isNew ? 'cell cell-new' : 'cell'}
        fill={colourOf(miner)}
        fill-opacity={settled > 0 ? 1 : transactions > 0 ? 0.8 : 0.5}
      />
      {dotsOf(Math.min(settled, 7)).map(([dx, dy]) => (
        <circle key={`${dx} ${dy}`} cx={x + dx} cy={y + dy} r="3.2" class="cell-mark" />
      ))}
    </a>
  )
}

function cellPath(x: number, y: number): string {
  const points = [0, 1, 2, 3, 4, 5].map((i) => {
    const angle = ((60 * i - 90) * Math.PI) / 180
    return `${(x + radius * Math.cos(angle)).toFixed(1)} ${(y + radius * Math.sin(angle)).toFixed(1)}`
  })
  return `M${points.join('L')}Z`
}

/** One in the middle, more around it. */
function dotsOf(count: number): readonly (readonly [number, number])[] {
  if (count <= 1) return count === 1 ? [[0, 0]] : []
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2
    return [Number((9 * Math.cos(angle)).toFixed(1)), Number((9 * Math.sin(angle)).toFixed(1))]
  })
}
