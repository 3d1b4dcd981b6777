/**
 * What a command tells: results on standard output, as text or as one JSON line each; everything else
 * on standard error.
 */
import type { Failure, FailureReport } from './failure.ts'
import { type Io, paint } from './io.ts'

export type Report = {
  /** One result. `text` is only called where people read. */
  readonly result: (json: object, text: () => string) => void
  /** A remark for people. */
  readonly note: (text: string) => void
  readonly warn: (text: string) => void
}

export function createReport(io: Io, options: { readonly json?: boolean | undefined }): Report {
  return {
    result: (json, text) => io.out(options.json === true ? `${jsonText(json)}\n` : text()),
    note: (text) => io.err(`${text}\n`),
    warn: (text) => io.err(`${paint(io, 'yellow', 'warning:')} ${text}\n`),
  }
}

/** JSON with amounts as decimal strings: they do not fit a double. */
export function jsonText(value: object): string {
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'bigint' ? field.toString() : field,
  )
}

/** The three lines of a failure. */
export function failureText(io: Pick<Io, 'colours'>, { what, why, next }: FailureReport): string {
  const lines = [
    `${paint(io, 'red', 'error:')} ${what}`,
    `  ${paint(io, 'dim', 'why:')}  ${why}`,
    `  ${paint(io, 'dim', 'next:')} ${next}`,
  ]
  return `${lines.join('\n')}\n`
}

/** A failure as `--json` shows it, on standard error. */
export function failureJson({ report }: Failure): string {
  const { what, why, next } = report
  return `${jsonText({ error: { what, why, next } })}\n`
}
