/**
 * Import of comma-separated values: one column is the label, all others are numbers.
 *
 * The file is read twice. The first pass finds each column's least and largest value and the labels;
 * the second scales every value from its column's range to [−127, 127] (`scaleToInt8`), exactly. A test
 * set has to be scaled like its training set: hand it the `ranges` and `labels` of the first import.
 */
import { maxInnerDim } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type CsvFault, type CsvFormat, findColumns, readRecords } from './csvFile.ts'
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
import { LineTooLong } from './lineReader.ts'

/** Least and largest value of a column, as decimal text. */
export type ColumnRange = { readonly low: string; readonly high: string }

export type CsvImport = CsvFormat & {
  readonly name: string
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
