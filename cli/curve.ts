/**
 * A curve drawn with characters, for terminals and logs.
 */

const levels = '▁▂▃▄▅▆▇█'

/** `values` as `height` lines of at most `width` columns, the largest value at the top. */
export function curve(values: readonly number[], width: number, height: number): string {
  if (values.length === 0) return ''
  const columns = squeeze(values, width)
  const top = Math.max(...columns)
  const bottom = Math.min(...columns)
  const span = top - bottom || 1
  const eighths = columns.map((value) =>
    Math.max(1, Math.round(((value - bottom) / span) * height * 8)),
  )
  const rows = Array.from({ length: height }, (_, row) => {
    const base = (height - 1 - row) * 8
    return eighths.map((level) => cell(level - base)).join('')
  })
  const label = (row: number) => {
    if (row === 0) return top.toFixed(0).padStart(9)
    return row === height - 1 ? bottom.toFixed(0).padStart(9) : ' '.repeat(9)
  }
  return rows.map((row, i) => `${label(i)} ┤${row}\n`).join('')
}

function cell(filled: number): string {
  if (filled <= 0) return ' '
  return levels[Math.min(filled, 8) - 1]!
}

/** Means of equal runs of values, at most `width` of them. */
function squeeze(values: readonly number[], width: number): readonly number[] {
  const count = Math.min(width, values.length)
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * values.length) / count)
    const to = Math.floor(((i + 1) * values.length) / count)
    const run = values.slice(from, to)
    return run.reduce((sum, value) => sum + value, 0) / run.length
  })
}
