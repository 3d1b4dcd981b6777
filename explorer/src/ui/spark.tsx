/**
 * A curve the size of a word.
 */
import type { VNode } from 'preact'

const [width, height] = [72, 22]

/** @param label - says what the picture shows, to those who do not see it. */
export function Spark({
  label,
  values,
  low = Math.min(...values),
  high = Math.max(...values),
}: {
  readonly label: string
  /** At least one, evenly spaced. */
  readonly values: readonly number[]
  /** Values at the foot and at the top. @default the least and the greatest */
  readonly low?: number
  readonly high?: number
}): VNode {
  const span = high - low || 1
  const points = values.map((value, i) => {
    const x = 2 + ((width - 4) * i) / Math.max(1, values.length - 1)
    const y = height - 2 - ((height - 4) * (value - low)) / span
    return [x, y] as const
  })
  const [x, y] = points.at(-1)!
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <polyline points={points.map((point) => point.map((at) => at.toFixed(1)).join()).join(' ')} />
      <circle cx={x} cy={y} r="2" />
    </svg>
  )
}
