/**
 * Comma-separated values as judged records: one label and otherwise exact decimals.
 *
 * @see RFC 4180, without line breaks inside quotes
 */
import { maxInnerDim } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type Decimal, parseDecimal } from './decimal.ts'
import { readLines } from './lineReader.ts'

export type CsvFault =
  | { readonly code: 'csv/io'; readonly path: string; readonly why: string }
  | {
      readonly code: 'csv/line'
      readonly path: string
      readonly line: number
      readonly what: string
    }
  | {
      readonly code: 'csv/number'
      readonly path: string
      readonly line: number
      /** Counted from 1. */
      readonly column: number
      readonly got: string
    }
  | {
      readonly code: 'csv/columns'
      readonly path: string
      readonly line: number
      readonly expected: number
      readonly got: number
    }
  | {
      readonly code: 'csv/label'
      readonly path: string
      readonly line: number
      readonly got: string
    }

/** How a file is to be read. */
export type CsvFormat = {
  readonly file: string
  /** Name of the label's column in the first line, or its place counted from 0 (negative: from the end). */
  readonly label: string | number
  /** Whether the first line names the columns. @default true if `label` is a name */
  readonly header?: boolean | undefined
}

export type Columns = {
  readonly count: number
  /** Place of the label. */
  readonly label: number
}

export type CsvRecord = {
  readonly line: number
  readonly numbers: readonly Decimal[]
  readonly label: string
}

/** Judged lines, without the header. Ends with the first refusal. */
export function* readRecords(
  options: CsvFormat,
  columns: Columns,
): Generator<Result<CsvRecord, CsvFault>> {
  for (const split of splitLines(options)) {
    if (split.ok && split.value.header) continue
    const record = split.ok ? readRecord(options.file, split.value, columns) : split
    yield record
    if (!record.ok) return
  }
}

export function findColumns(options: CsvFormat): Result<Columns, CsvFault> {
  for (const split of splitLines(options))
    return split.ok ? locateLabel(options, split.value) : split
  return refuse({ code: 'csv/line', path: options.file, line: 1, what: 'no rows of numbers' })
}

type Split = {
  readonly line: number
  readonly fields: readonly string[]
  readonly header: boolean
}

/** Lines that are not empty, split into fields. */
function* splitLines(options: CsvFormat): Generator<Result<Split, CsvFault>> {
  let header = options.header ?? typeof options.label === 'string'
  for (const { number: line, text } of readLines(options.file)) {
    if (text.trim() === '') continue
    const fields = splitFields(text)
    yield fields === null
      ? refuse({ code: 'csv/line', path: options.file, line, what: 'an open quote' })
      : ok({ line, fields, header })
    header = false
  }
}

/** Fields of one line; `null` if a quote is not closed. */
function splitFields(line: string): readonly string[] | null {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/y
  for (;;) {
    const match = field.exec(line)
    if (match === null) return null
    fields.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'))
    if (match[3] === '') return fields
  }
}

/** Columns of the file, from its first line. */
function locateLabel(
  { file, label }: CsvFormat,
  { line, fields, header }: Split,
): Result<Columns, CsvFault> {
  const count = fields.length
  if (count < 2 || count > maxInnerDim + 1) {
    const what = `${count} columns; there must be 2 to ${maxInnerDim + 1}`
    return refuse({ code: 'csv/line', path: file, line, what })
  }
  const names = header ? fields.map((name) => name.trim()) : []
  const place = typeof label === 'string' ? names.indexOf(label) : label < 0 ? count + label : label
  return Number.isInteger(place) && place >= 0 && place < count
    ? ok({ count, label: place })
    : refuse({ code: 'csv/line', path: file, line, what: `no column ${JSON.stringify(label)}` })
}

function readRecord(
  path: string,
  { line, fields }: Split,
  { count, label }: Columns,
): Result<CsvRecord, CsvFault> {
  if (fields.length !== count)
    return refuse({ code: 'csv/columns', path, line, expected: count, got: fields.length })
  const numbers: Decimal[] = []
  for (const [i, field] of fields.entries()) {
    if (i === label) continue
    const value = parseDecimal(field)
    if (value === null)
      return refuse({ code: 'csv/number', path, line, column: i + 1, got: field.slice(0, 80) })
    numbers.push(value)
  }
  return ok({ line, numbers, label: fields[label]!.trim() })
}
