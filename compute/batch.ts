/**
 * Which rows a step trains on: a public function of the job's seed and the step. Every epoch visits
 * the rows in an order of its own; rows that do not fill a last batch are left out of that epoch.
 *
 * The order is a Feistel network with cycle walking (Black and Rogaway, "Ciphers with arbitrary finite
 * domains", CT-RSA 2002, section 3): any row's place costs a few operations and no table.
 */

import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { invariant } from '../primitives/result.ts'
import { type Job, rowSpan } from '../registry/job.ts'

/** Enough for a balanced network whose rounds mix well; quality of the order, not secrecy, is at stake. */
const rounds = 6

export type BatchPlan = {
  readonly seed: Hash
  /** Rows that batches are drawn from; fewer than 2^32. */
  readonly rows: number
  /** Place of the first of them in the dataset. @default 0 */
  readonly first?: number
  /** Rows of a step; at most `rows`, or the job is not admitted. */
  readonly batch: number
}

/** How a job with this seed draws its batches from a dataset of `rows`. */
export function batchPlan(job: Job, seed: Hash, rows: number): BatchPlan {
  const { first, count } = rowSpan(job, rows)
  return { seed, rows: count, first, batch: job.batch }
}

/** Steps that visit each row at most once; rows beyond them wait for the next epoch's order. */
export function stepsPerEpoch({ rows, batch }: Pick<BatchPlan, 'rows' | 'batch'>): number {
  invariant(batch >= 1 && rows >= batch, `stepsPerEpoch: ${rows} rows in batches of ${batch}`)
  return Math.floor(rows / batch)
}

/** Row indices of `step`, all distinct, in the order of the batch. */
export function batchRows(plan: BatchPlan, step: number): Uint32Array {
  const perEpoch = stepsPerEpoch(plan)
  const order = rowOrder(plan, Math.floor(step / perEpoch))
  const from = (step % perEpoch) * plan.batch
  const { first = 0, batch } = plan
  return Uint32Array.from({ length: batch }, (_, i) => first + order(from + i))
}

/** The permutation of `[0, rows)` that epoch number `epoch` follows. */
export function rowOrder(
  { seed, rows }: Pick<BatchPlan, 'seed' | 'rows'>,
  epoch: number,
): (place: number) => number {
  invariant(Number.isInteger(rows) && rows >= 1 && rows < 2 ** 32, `rowOrder: ${rows} rows`)
  const epochSeed = hashOf('waggle/epoch/v1', hashBytes(seed), uintBytes(epoch, 8))
  const random = new SeededRandom('batch', epochSeed)
  const keys = Array.from({ length: rounds }, () => random.uint32())
  const half = Math.max(1, Math.ceil((32 - Math.clz32(rows - 1)) / 2))
  return (place) => {
    let at = place
    // The domain is less than 8 times the rows, so few walks are long; the cycle holds `place` itself.
    do at = feistel(at, half, keys)
    while (at >= rows)
    return at
  }
}

/** A permutation of `[0, 2^(2·half))`. */
function feistel(value: number, half: number, keys: readonly number[]): number {
  const mask = 2 ** half - 1
  let left = value >>> half
  let right = value & mask
  for (const key of keys) {
    const next = left ^ (mix(right ^ key) & mask)
    left = right
    right = next
  }
  return ((left << half) | right) >>> 0
}

/** The 32-bit finalizer of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
