/**
 * Tables that fit the terminal: the widest cells are shortened in the middle until the table does.
 */
import { stripVTControlCharacters } from 'node:util'
import { type Io, paint, widthOf } from './io.ts'

const gap = '  '
/** Nothing is shortened below this. */
const leastWidth = 7

/** Lines of a table, each ending in a newline; numbers are aligned right. */
export function table(
  io: Pick<Io, 'columns' | 'colours'>,
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = shrink(
    headers.map((header, i) => Math.max(widthOf(header), ...rows.map((row) => widthOf(row[i]!)))),
    io.columns,
  )
  const right = headers.map((_, i) => rows.every((row) => /^[\d.,]+( [A-Za-z%/]+)?$/.test(row[i]!)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => pad(shorten(cell, widths[i]!), widths[i]!, right[i]!))
      .join(gap)
      .trimEnd()
  return [paint(io, 'bold', line(headers)), ...rows.map(line)].map((text) => `${text}\n`).join('')
}

/** `label  value` lines with the values in one column. */
export function fields(
  io: Pick<Io, 'colours'>,
  entries: readonly (readonly [label: string, value: string])[],
): string {
  const width = Math.max(...entries.map(([label]) => label.length))
  return entries
    .map(([label, value]) => `${paint(io, 'dim', label.padEnd(width))}${gap}${value}\n`)
    .join('')
}

/** `text` in at most `width` columns, its middle replaced by an ellipsis: the ends of a hash tell it. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  const plain = stripVTControlCharacters(text)
  const head = Math.ceil((width - 1) / 2)
  return `${plain.slice(0, head)}…${plain.slice(plain.length - (width - 1 - head))}`
}

/** Takes columns from the widest until all fit, or none can give. */
function shrink(wanted: readonly number[], columns: number): readonly number[] {
  const widths = [...wanted]
  const total = () => widths.reduce((sum, width) => sum + width, (widths.length - 1) * gap.length)
  while (total() > columns) {
    const widest = Math.max(...widths)
    if (widest <= leastWidth) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? space + text : text + space
}
