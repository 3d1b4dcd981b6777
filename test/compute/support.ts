/** Small jobs, rows and datasets that the tests of `compute/` share. */

import type { Rows } from '../../compute/backend.ts'
import { encodeHeader, encodeRow } from '../../compute/dataset.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { concatBytes } from '../../primitives/bytes.ts'
import { type Hash, sha256Hash, zeroHash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { type Job, ProofKind } from '../../registry/job.ts'

export function seedOf(number: number): Hash {
  return sha256Hash(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number))
}

/** A job of these layers with shifts that train; override what the test is about. */
export function jobOf(layers: readonly number[], overrides: Partial<Job> = {}): Job {
  const depth = layers.length - 1
  return {
    chainId: 5701,
    owner: zeroAddress,
    nonce: 0n,
    proofKind: ProofKind.Replay,
    dataset: zeroHash,
    layers,
    batch: 8,
    steps: 100,
    leaseSteps: 4,
    fractionBits: 16,
    forwardShifts: Array.from({ length: depth }, () => 6),
    schedule: [
      {
        fromStep: 0,
        updateShifts: Array.from({ length: depth }, () => 2),
        backwardShifts: Array.from({ length: depth - 1 }, () => 5),
      },
    ],
    initBound: 16,
    pricePerMac: 1n,
    ...overrides,
  }
}

/** Uniform int8 values in ±bound. */
export function randomValues(length: number, seed: number, bound = 127): Int8Array {
  const random = new SeededRandom('values', seedOf(seed))
  return Int8Array.from({ length }, () => random.below(2 * bound + 1) - bound)
}

export function randomRows(job: Pick<Job, 'layers' | 'batch'>, seed: number): Rows {
  const random = new SeededRandom('labels', seedOf(seed))
  const count = job.batch
  return {
    count,
    features: randomValues(count * job.layers[0]!, seed),
    labels: Uint32Array.from({ length: count }, () => random.below(job.layers.at(-1)!)),
  }
}

/** A dataset blob of random rows whose label a model can learn: the largest of the first features. */
export function blobOf(rows: number, features: number, classes: number, seed = 1): Uint8Array {
  const values = randomValues(rows * features, seed)
  const encoded = Array.from({ length: rows }, (_, i) => {
    const row = values.subarray(i * features, (i + 1) * features)
    const first = row.subarray(0, classes)
    return encodeRow(row, first.indexOf(Math.max(...first)))
  })
  return concatBytes(encodeHeader({ rows, features, classes }), ...encoded)
}
