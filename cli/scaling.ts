/**
 * How an import turned numbers into int8 and texts into classes: kept in a file, so that a test set, or
 * a row to predict, is scaled exactly like the rows of training.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseDecimal, scaleToInt8, unitsOf } from '../compute/decimal.ts'
import type { ColumnRange } from '../compute/importCsv.ts'
import type { NpyRange } from '../compute/importNpy.ts'
import { maxInnerDim } from '../params/protocol.ts'
import { diskFailure, fail } from './failure.ts'

/** Scaling of a CSV file. */
type CsvScaling = {
  readonly format: 'csv'
  /** Of each feature column. */
  readonly ranges: readonly ColumnRange[]
  /** In the order of classes. */
  readonly labels: readonly string[]
}

/** Scaling of a NumPy array; null for bytes, which are not scaled. */
type NpyScaling = { readonly format: 'npy'; readonly range: NpyRange | null }

export type Scaling = CsvScaling | NpyScaling

/**
 * The numbers of one row, `5.1,3.5`, as the import would have scaled them.
 *
 * @throws {Failure} if their count is another than the import's, or the import was no CSV.
 */
export function scaleRow(row: string, scaling: Scaling): readonly number[] {
  const what = 'the row cannot be scaled'
  if (scaling.format !== 'csv')
    return fail({ what, why: 'the scaling is of a NumPy array', next: 'give a .npy file' })
  const values = row.split(',').map((text) => parseDecimal(text))
  const got = `it has ${values.length} numbers, the scaling ${scaling.ranges.length}`
  const next = 'give one number for each feature'
  if (values.length !== scaling.ranges.length) return fail({ what, why: got, next })
  return values.map((value, i) => {
    const { low, high } = scaling.ranges[i]!
    const bounds = [parseDecimal(low), parseDecimal(high)] as const
    if (value === null || bounds[0] === null || bounds[1] === null)
      return fail({ what, why: `number ${i + 1} or its range is no decimal`, next })
    const places = Math.max(value.places, bounds[0].places, bounds[1].places)
    return scaleToInt8(
      unitsOf(value, places),
      unitsOf(bounds[0], places),
      unitsOf(bounds[1], places),
    )
  })
}

export async function writeScaling(path: string, scaling: Scaling): Promise<void> {
  await writeFile(path, `${JSON.stringify(scaling)}\n`).catch((error: unknown) => {
    throw diskFailure(error, `cannot write ${path}`, 'name another file with --save-scaling')
  })
}

/** @throws {Failure} if the file cannot be read or is no scaling. */
export async function readScaling(path: string): Promise<Scaling> {
  const what = `cannot use the scaling ${path}`
  const next = 'make one with `waggle dataset add … --save-scaling FILE`'
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw diskFailure(error, what, next)
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return fail({ what, why: (error as Error).message, next })
  }
  const wrong = wrongField(json)
  return wrong === null
    ? (json as Scaling)
    : fail({ what, why: `${wrong} is not as it must be`, next })
}

type Fields = Readonly<Record<string, unknown>>

/** Path of the first field that is not a scaling's; null if all are. */
function wrongField(json: unknown): string | null {
  const { format, ranges, labels, range } = (json ?? {}) as Fields
  if (format === 'npy') return range === null || isRange(range, 'number') ? null : 'range'
  if (format !== 'csv') return 'format'
  if (!Array.isArray(ranges) || ranges.length > maxInnerDim) return 'ranges'
  const at = ranges.findIndex((one) => !isRange(one, 'string'))
  if (at !== -1) return `ranges.${at}`
  return Array.isArray(labels) && labels.every((label) => typeof label === 'string')
    ? null
    : 'labels'
}

function isRange(value: unknown, type: 'string' | 'number'): boolean {
  const { low, high } = (value ?? {}) as Fields
  return typeof low === type && typeof high === type
}
