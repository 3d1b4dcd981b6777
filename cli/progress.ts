/**
 * Progress of anything that may take more than a second: a bar with rate and time left on a terminal,
 * a plain line now and then elsewhere. Always on standard error.
 */
import { bytesText, durationText, rateText } from './format.ts'
import { type Io, paint, widthOf } from './io.ts'

type Unit = 'bytes' | 'rows' | 'steps'

export type Progress = {
  /** @param done - so far, in units. */
  readonly update: (done: number, note?: string) => void
  /** Ends the bar's line; call it once, whatever happened. */
  readonly end: () => void
}

export type ProgressOptions = {
  readonly label: string
  /** Null: nobody knows how much there is. */
  readonly total: number | null
  readonly unit: Unit
}

const redrawMs = 100
const plainLineMs = 2_000
const barWidth = 24

export function startProgress(
  io: Pick<Io, 'err' | 'isTerminal' | 'clock' | 'colours'>,
  options: ProgressOptions,
): Progress {
  const { err, isTerminal, clock } = io
  const began = clock.now()
  let drawn = isTerminal ? Number.NEGATIVE_INFINITY : began
  let last: string | null = null
  let shown = 0

  function update(done: number, note = ''): void {
    const now = clock.now()
    last = describe(options, done, now - began, note)
    if (now - drawn < (isTerminal ? redrawMs : plainLineMs)) return
    drawn = now
    draw(done)
  }

  function draw(done: number): void {
    if (last === null) return
    if (!isTerminal) err(`${options.label}: ${last}\n`)
    else {
      const line = `${options.label} ${bar(io, options, done)}${last}`
      err(`\r${line}${' '.repeat(Math.max(0, shown - widthOf(line)))}`)
      shown = widthOf(line)
    }
    last = null
  }

  function end(): void {
    if (isTerminal && shown > 0) {
      if (last !== null) draw(options.total ?? 0)
      err('\n')
    } else if (!isTerminal && drawn > began && last !== null) draw(options.total ?? 0)
  }

  return { update, end }
}

/** `12 MB of 45 MB, 3 MB/s, 11 s left, note`. */
function describe(options: ProgressOptions, done: number, ms: number, note: string): string {
  const { total, unit } = options
  const count = (n: number) => (unit === 'bytes' ? bytesText(n) : `${n} ${unit}`)
  const amount = total === null ? count(done) : `${count(done)} of ${count(total)}`
  const parts = [amount]
  if (ms >= 500 && done > 0) {
    parts.push(unit === 'bytes' ? `${bytesText((done * 1_000) / ms)}/s` : rateText(done, ms, unit))
    if (total !== null && done < total)
      parts.push(`${durationText(((total - done) * ms) / done)} left`)
  }
  return [...parts, ...(note === '' ? [] : [note])].join(', ')
}

function bar(io: Pick<Io, 'colours'>, { total }: ProgressOptions, done: number): string {
  if (total === null || total === 0) return ''
  const full = Math.round((barWidth * Math.min(done, total)) / total)
  return `${paint(io, 'cyan', '█'.repeat(full))}${'░'.repeat(barWidth - full)} `
}
