/**
 * Gives out the numbered records of a chain, and reads what others give.
 *
 * A question is a first height (8 bytes) and a count (2 bytes); the answer is the records from there
 * on, as many as are here and fit.
 */
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import type { Result } from '../primitives/result.ts'
import type { Host } from './host.ts'

/** Request topic. */
export const recordTopic = 'records'

/** Longest record: an envelope with its commit and sidecars. */
const maxRecordBytes = 44_040_192

/** Records are added to an answer while it is shorter than this. */
const batchBytes = 4_194_304

/** Most records of one answer. */
const maxBatch = 256

/** Longest answer. */
export const maxAnswerBytes: number = 4 + batchBytes + 4 + maxRecordBytes

/** Answer the questions of peers; `load` gives the record of a height, or null. */
export function serveRecords(
  host: Pick<Host, 'serve'>,
  load: (height: bigint) => Promise<Uint8Array | null>,
): void {
  host.serve(recordTopic, 10, async (_, question) => {
    const asked = decode(question, (reader) => ({
      from: reader.uint(8),
      count: reader.number(2, maxBatch),
    }))
    if (!asked.ok) return null
    const { from, count } = asked.value
    const records: Uint8Array[] = []
    let bytes = 0
    while (records.length < count && bytes < batchBytes) {
      const record = await load(from + BigInt(records.length))
      if (record === null || record.length > maxRecordBytes) break
      records.push(record)
      bytes += 4 + record.length
    }
    return new Writer().list(records, (record, to) => to.blob(record)).bytes()
  })
}

export function recordQuestion(from: bigint, count: number): Uint8Array {
  return new Writer().uint(from, 8).uint(count, 2).bytes()
}

export function readRecords(answer: Uint8Array): Result<readonly Uint8Array[], CodecFault> {
  return decode(answer, (reader) => reader.list(maxBatch, (from) => from.blob(maxRecordBytes)))
}
