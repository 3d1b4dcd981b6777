/**
 * Import of comma-separated values: one column is the label, all others are numbers.
 *
 * The file is read twice. The first pass finds each column's least and largest value and the labels;
 * the second scales every value from its column's range to [−127, 127] (`scaleToInt8`), exactly. A test
 * set has to be scaled like its training set: hand it the `ranges` and `labels` of the first import.
 *
 * @see RFC 4180, without line breaks inside quotes
 */
import { maxInnerDim } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { DatasetFault, Manifest } from './dataset.ts'
import { type RowSink, writeDataset } from './datasetFile.ts'
import {
  compareDecimals,
  type Decimal,
  formatDecimal,
  parseDecimal,
  scaleToInt8,
  unitsOf,
} from './decimal.ts'
import { LineTooLong, readLines } from './lineReader.ts'

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

/** Least and largest value of a column, as decimal text. */
export type ColumnRange = { readonly low: string; readonly high: string }

export type CsvImport = {
  readonly name: string
  readonly file: string
  /** Name of the label's column in the first line, or its place counted from 0 (negative: from the end). */
  readonly label: string | number
  /** Whether the first line names the columns. @default true if `label` is a name */
  readonly header?: boolean | undefined
  /** Ranges to scale by, in the order of the feature columns; values outside are clamped. */
  readonly ranges?: readonly ColumnRange[] | undefined
  /** Label texts in the order of their classes. */
  readonly labels?: readonly string[] | undefined
}

export type CsvImported = Manifest & {
  readonly ranges: readonly ColumnRange[]
  /** Label texts in the order of their classes. */
  readonly labels: readonly string[]
}

export function importCsv(
  options: CsvImport,
  path: string,
): Result<CsvImported, CsvFault | DatasetFault> {
  try {
    const survey = surveyFile(options)
    if (!survey.ok) return survey
    const { name } = options
    const features = survey.value.columns - 1
    const fill = (sink: RowSink) => copyRows(options, survey.value, sink)
    const manifest = writeDataset<CsvFault>(path, { name, features }, fill)
    if (!manifest.ok) return manifest
    const ranges = survey.value.ranges.map(({ low, high }) => ({
      low: formatDecimal(low),
      high: formatDecimal(high),
    }))
    return ok({ ...manifest.value, ranges, labels: survey.value.labels })
  } catch (error) {
    if (error instanceof LineTooLong)
      return refuse({ code: 'csv/line', path: options.file, line: error.line, what: error.message })
    return refuse({ code: 'csv/io', path: options.file, why: (error as Error).message })
  }
}

type Range = { readonly low: Decimal; readonly high: Decimal }

type Columns = {
  readonly count: number
  /** Place of the label. */
  readonly label: number
}

type Survey = {
  readonly columns: number
  readonly ranges: readonly Range[]
  readonly labels: readonly string[]
}

/** First pass: judge every line, find ranges and labels. */
function surveyFile(options: CsvImport): Result<Survey, CsvFault> {
  const { file } = options
  const columns = findColumns(options)
  if (!columns.ok) return columns
  const given = givenRanges(options, columns.value.count - 1)
  if (!given.ok) return given
  let ranges: readonly Range[] = []
  const seen = new Set<string>()
  for (const record of readRecords(options, columns.value)) {
    if (!record.ok) return record
    const { line, numbers, label } = record.value
    ranges = numbers.map((value, i) => widened(ranges[i], value))
    seen.add(label)
    if (seen.size > maxInnerDim)
      return refuse({ code: 'csv/line', path: file, line, what: 'too many distinct labels' })
  }
  if (ranges.length === 0)
    return refuse({ code: 'csv/line', path: file, line: 1, what: 'no rows of numbers' })
  const labels = options.labels ?? orderLabels(seen)
  return ok({ columns: columns.value.count, ranges: given.value ?? ranges, labels })
}

/** Second pass. */
function copyRows(
  options: CsvImport,
  { ranges, labels }: Survey,
  sink: RowSink,
): Result<{ readonly classes: number }, CsvFault> {
  const columns = findColumns(options)
  if (!columns.ok) return columns
  const classOf = new Map(labels.map((text, i) => [text, i]))
  const features = new Int8Array(ranges.length)
  for (const record of readRecords(options, columns.value)) {
    if (!record.ok) return record
    const { line, numbers, label } = record.value
    const place = classOf.get(label)
    if (place === undefined)
      return refuse({ code: 'csv/label', path: options.file, line, got: label.slice(0, 80) })
    for (const [i, value] of numbers.entries()) features[i] = scaled(value, ranges[i]!)
    sink.add(features, place)
  }
  return ok({ classes: Math.max(2, labels.length) })
}

type CsvRecord = {
  readonly line: number
  readonly numbers: readonly Decimal[]
  readonly label: string
}

/** Judged lines, without the header. Ends with the first refusal. */
function* readRecords(
  options: CsvImport,
  columns: Columns,
): Generator<Result<CsvRecord, CsvFault>> {
  for (const split of splitLines(options)) {
    if (split.ok && split.value.header) continue
    const record = split.ok ? readRecord(options.file, split.value, columns) : split
    yield record
    if (!record.ok) return
  }
}

function findColumns(options: CsvImport): Result<Columns, CsvFault> {
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
function* splitLines(options: CsvImport): Generator<Result<Split, CsvFault>> {
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
  { file, label }: CsvImport,
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

/** Whole numbers in their order, else all texts in the order of their code units. */
function orderLabels(seen: ReadonlySet<string>): readonly string[] {
  const texts = [...seen]
  const whole = texts.every((text) => /^(0|[1-9]\d{0,8})$/.test(text))
  return whole ? texts.sort((a, b) => Number(a) - Number(b)) : texts.sort()
}

function givenRanges(
  { file, ranges }: CsvImport,
  features: number,
): Result<readonly Range[] | null, CsvFault> {
  if (ranges === undefined) return ok(null)
  if (ranges.length !== features)
    return refuse({
      code: 'csv/columns',
      path: file,
      line: 0,
      expected: ranges.length,
      got: features,
    })
  const parsed: Range[] = []
  for (const [i, range] of ranges.entries()) {
    const low = parseDecimal(range.low)
    const high = parseDecimal(range.high)
    if (low === null || high === null) {
      const got = `${range.low}..${range.high}`.slice(0, 80)
      return refuse({ code: 'csv/number', path: file, line: 0, column: i + 1, got })
    }
    parsed.push({ low, high })
  }
  return ok(parsed)
}

function widened(range: Range | undefined, value: Decimal): Range {
  if (range === undefined) return { low: value, high: value }
  return {
    low: compareDecimals(value, range.low) < 0 ? value : range.low,
    high: compareDecimals(value, range.high) > 0 ? value : range.high,
  }
}

function scaled(value: Decimal, { low, high }: Range): number {
  const places = Math.max(value.places, low.places, high.places)
  return scaleToInt8(unitsOf(value, places), unitsOf(low, places), unitsOf(high, places))
}
