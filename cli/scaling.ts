/**
 * How an import turned numbers into int8 and texts into classes: kept in a file, so that a test set, or
 * a row to predict, is scaled exactly like the rows of training.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { parseDecimal, scaleToInt8, unitsOf } from '../compute/decimal.ts'
import { diskFailure, fail } from './failure.ts'

const csvSchema = z.strictObject({
  format: z.literal('csv'),
  /** Of each feature column, decimal texts. */
  ranges: z.array(z.strictObject({ low: z.string(), high: z.string() })).max(61_440),
  /** In the order of classes. */
  labels: z.array(z.string()).max(61_440),
})

const npySchema = z.strictObject({
  format: z.literal('npy'),
  /** Null for bytes, which are not scaled. */
  range: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
})

const scalingSchema = z.discriminatedUnion('format', [csvSchema, npySchema])

export type Scaling = Readonly<z.infer<typeof scalingSchema>>

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
  const parsed = scalingSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const { path: field, message } = parsed.error.issues[0]!
  return fail({ what, why: `${field.join('.')}: ${message}`, next })
}
