/**
 * What a step proof claims, as the transcript hears it. Rules P-1 to P-5 and P-41 of docs/spec/proof.md.
 */
import { addressBytes } from '../primitives/address.ts'
import { concatBytes, uintBytes } from '../primitives/bytes.ts'
import { hashBytes } from '../primitives/hash.ts'
import { jobIdOf, rangeSteps } from '../registry/job.ts'
import { encodeWords } from './babyBear.ts'
import type { ProofShape } from './parameters.ts'
import { type Sha256, sha256 } from './sha256.ts'
import type { StepStatement } from './stepVerifier.ts'
import { Transcript } from './transcript.ts'

/** The part of a lease's statement that the proof is about. */
export type ProofStatement = Pick<
  StepStatement,
  'job' | 'seed' | 'range' | 'worker' | 'before' | 'after' | 'losses'
>

/** The batch of one step: public, and checked against the dataset by the verifier's caller. */
export type BatchRows = {
  readonly count: number
  /** `[count, n_0]`, each in [−127, 127]. */
  readonly features: Int8Array
  /** One class per row; one that the model has no output for means an all-zero target. */
  readonly labels: Uint32Array
}

/** A weight whose integer part saturated: `U >> F` was `excess` beyond ±127. */
export type Saturation = {
  readonly step: number
  /** 1..L. */
  readonly layer: number
  readonly row: number
  readonly col: number
  readonly excess: number
}

/** What the prover fixes before the first challenge. */
export type Commitments = {
  /** 32 bytes each; `null` where the shape has no such tree. */
  readonly mid: Uint8Array | null
  readonly witness: Uint8Array
  readonly excess: Uint8Array | null
  /** Strictly ascending by step, layer, row, column. */
  readonly saturated: readonly Saturation[]
  /** Loss chunks, step by step; canonical words. */
  readonly losses: Uint32Array
}

const version = 1

/** A transcript that has heard statement and batches. */
export function openTranscript(
  statement: ProofStatement,
  shape: ProofShape,
  batches: readonly BatchRows[],
  hash: Sha256 = sha256,
): Transcript {
  const { from, count } = rangeSteps(statement.job, statement.range)
  const transcript = new Transcript(hash)
    .enter('statement')
    .absorb('version', uintBytes(version, 4))
    .absorb('job', hashBytes(jobIdOf(statement.job)))
    .absorb('chain', uintBytes(statement.job.chainId, 8))
    .absorb('range', uintBytes(statement.range, 4))
    .absorb('steps', concatBytes(uintBytes(from, 4), uintBytes(count, 4)))
    .absorb('worker', addressBytes(statement.worker))
    .absorb('seed', hashBytes(statement.seed))
  for (const [step, rows] of batches.entries())
    transcript
      .enter('batch')
      .absorb('rows', rowsDigest(rows, hash))
      .absorb('exponents', Uint8Array.from(shape.steps[step]!.update))
  return transcript
}

/** `SHA256(features ‖ labels)`; features two's complement, labels 4 bytes little-endian. */
export function rowsDigest({ features, labels }: BatchRows, hash: Sha256 = sha256): Uint8Array {
  const bytes = new Uint8Array(features.buffer, features.byteOffset, features.length)
  return hash(concatBytes(bytes, encodeWords(labels)))
}

/** Absorbs everything that is fixed before α and β are drawn. */
export function absorbCommitments(
  transcript: Transcript,
  statement: ProofStatement,
  shape: ProofShape,
  { mid, witness, excess, saturated, losses }: Commitments,
): void {
  const absent = new Uint8Array(0)
  transcript
    .enter('commitments')
    .absorb('before', hashBytes(statement.before))
    .absorb('after', hashBytes(statement.after))
    .absorb('mid', mid ?? absent)
    .absorb('witness', witness)
    .absorb('excess', excess ?? absent)
    .absorb('mode', Uint8Array.of(shape.dense ? 1 : 0))
    .absorb('saturated', concatBytes(...saturated.map(encodeSaturation)))
    .absorb('losses', encodeWords(losses))
}

/** Bytes of one entry. */
export const saturationBytes = 15

/** Step 1, layer 1, row 4, column 4, sign 1, magnitude 4: big-endian. */
export function encodeSaturation({ step, layer, row, col, excess }: Saturation): Uint8Array {
  return concatBytes(
    Uint8Array.of(step, layer),
    uintBytes(row, 4),
    uintBytes(col, 4),
    Uint8Array.of(excess < 0 ? 1 : 0),
    uintBytes(Math.abs(excess), 4),
  )
}

/** A step's loss: the sum of its chunks over the integers. */
export function lossOf(shape: ProofShape, chunks: Uint32Array, step: number): bigint {
  const own = chunks.subarray(step * shape.chunks, (step + 1) * shape.chunks)
  return own.reduce((sum, chunk) => sum + BigInt(chunk), 0n)
}
