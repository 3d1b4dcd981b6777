/**
 * A model of dense layers, drawn: one column a layer, its height growing with the layer's width.
 */
import type { VNode } from 'preact'
import { countText } from '../format.ts'

const size = { width: 430, height: 210, box: 200 }
const columnWidth = 34
/** Dots drawn in a column at most. */
const maxDots = 12

export function Architecture({ layers }: { readonly layers: readonly number[] }): VNode {
  const widest = Math.log2(Math.max(...layers) + 1)
  const columns = layers.map((units, i) => {
    const height = 34 + ((size.box - 60) * Math.log2(units + 1)) / widest
    const x = (i * (size.width - columnWidth - 4)) / (layers.length - 1) + 2
    return { units, x, height, y: (size.height - height) / 2 }
  })
  const dense = layers.length > 6
  return (
    <svg
      class="drawing"
      viewBox={`0 0 ${size.width} ${size.height + 34}`}
      role="img"
      aria-label={`Layers of ${layers.join(', ')} units, each joined to the next`}
    >
      {columns.slice(1).map((to, i) => {
        const from = columns[i]!
        const left = from.x + columnWidth
        return (
          <g key={`${i} weights`}>
            <path
              d={`M${left} ${from.y}L${to.x} ${to.y}V${to.y + to.height}L${left} ${from.y + from.height}Z`}
              class="weights"
            />
            {!dense && (
              <text x={(left + to.x) / 2} y={size.height / 2 + 4} text-anchor="middle">
                {countText(from.units * to.units)}
              </text>
            )}
          </g>
        )
      })}
      {columns.map((column, i) => (
        <ColumnView
          key={`${i} units`}
          column={column}
          end={i === 0 ? 'start' : i === columns.length - 1 ? 'end' : 'middle'}
        />
      ))}
    </svg>
  )
}

type Column = {
  readonly units: number
  readonly x: number
  readonly y: number
  readonly height: number
}

type ColumnProps = { readonly column: Column; readonly end: 'start' | 'middle' | 'end' }

function ColumnView({ column, end }: ColumnProps): VNode {
  const { units, x, y, height } = column
  const at = { start: x, middle: x + columnWidth / 2, end: x + columnWidth }[end]
  const what = { start: 'features', middle: null, end: 'classes' }[end]
  return (
    <g>
      <rect x={x} y={y} width={columnWidth} height={height} rx="10" class="layer-box" />
      {dots(column).map((dot) => (
        <circle key={dot} cx={x + columnWidth / 2} cy={dot} r="4" class="layer-dot" />
      ))}
      <text x={at} y={size.height + 6} text-anchor={end} class="strong">
        {countText(units)}
      </text>
      {what !== null && (
        <text x={at} y={size.height + 24} text-anchor={end}>
          {what}
        </text>
      )}
    </g>
  )
}

function dots({ units, y, height }: Column): readonly number[] {
  const count = Math.min(units, maxDots, Math.max(1, Math.floor((height - 10) / 12)))
  return Array.from({ length: count }, (_, i) => y + (height * (i + 0.5)) / count)
}
