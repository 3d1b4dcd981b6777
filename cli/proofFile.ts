/**
 * A step proof as one file: what it claims, the public rows of its batches, and its bytes. Enough to
 * verify without a node.
 *
 * `WGLPROF1`, the canonical job, seed, range, worker, commitments before and after, losses, batches
 * (features, then labels of 4 bytes), proof; lists and byte strings length-prefixed.
 */
import { addressBytes, addressFromBytes } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import type { BatchRows, ProofStatement } from '../proof/statement.ts'
import { encodeJob } from '../registry/job.ts'
import { readForeignJob } from './modelFile.ts'

export type ProofFile = {
  readonly statement: ProofStatement
  readonly batches: readonly BatchRows[]
  readonly proof: Uint8Array
}

const magic = utf8ToBytes('WGLPROF1')
const maxJobBytes = 16_384
const maxSteps = 64
const maxBatchBytes = 268_435_456
const maxProofBytes = 268_435_456

export function encodeProofFile({ statement, batches, proof }: ProofFile): Uint8Array {
  return new Writer()
    .fixed(magic)
    .blob(encodeJob(statement.job))
    .hash(statement.seed)
    .uint(statement.range, 4)
    .fixed(addressBytes(statement.worker))
    .hash(statement.before)
    .hash(statement.after)
    .list(statement.losses, (loss, writer) => writer.uint(loss, 8))
    .list(batches, ({ features, labels }, writer) =>
      writer
        .blob(new Uint8Array(features.buffer, features.byteOffset, features.length))
        .list([...labels], (label, inner) => inner.uint(label, 4)),
    )
    .blob(proof)
    .bytes()
}

/** Total; the job is one that a chain could have admitted. */
export function decodeProofFile(bytes: Uint8Array): Result<ProofFile, Fault> {
  const parts = decode(bytes, readParts)
  if (!parts.ok) return parts
  const { job: jobBytes, batches, proof, ...claim } = parts.value
  const job = readForeignJob(jobBytes)
  return job.ok ? ok({ statement: { job: job.value, ...claim }, batches, proof }) : job
}

function readParts(reader: Reader) {
  const start = reader.fixed(magic.length)
  if (!start.every((byte, i) => byte === magic[i])) reader.fail('not a waggle proof')
  return {
    job: reader.blob(maxJobBytes),
    seed: reader.hash(),
    range: reader.number(4),
    worker: addressFromBytes(reader.fixed(20)),
    before: reader.hash(),
    after: reader.hash(),
    losses: reader.list(maxSteps, (from) => from.uint(8)),
    batches: reader.list(maxSteps, readBatch),
    proof: reader.blob(maxProofBytes),
  }
}

function readBatch(reader: Reader): BatchRows {
  const features = reader.blob(maxBatchBytes)
  const labels = Uint32Array.from(reader.list(maxBatchBytes, (from) => from.number(4)))
  return {
    count: labels.length,
    features: new Int8Array(features.buffer, features.byteOffset, features.length),
    labels,
  }
}
