/** Leases from a seed: random shapes, schedules, data and weights, with the corners drawn often. */

import type { Rows } from '../../../compute/backend.ts'
import { batchRows } from '../../../compute/batch.ts'
import { initialState, type ModelState } from '../../../compute/modelState.ts'
import { parseAddress } from '../../../primitives/address.ts'
import { SeededRandom } from '../../../primitives/random.ts'
import type { LeaseClaim } from '../../../proof/prover.ts'
import type { Job } from '../../../registry/job.ts'
import { randomValues, seedOf } from '../../compute/support.ts'
import { extremeState, tinyJob } from '../support.ts'
import { type Assignment, stepsOf } from './account.ts'

/** What the case is about, beside its random shape. */
export const profiles = [
  'plain',
  'batch of one',
  'zero data',
  'saturating weights',
  'dense saturation',
  'equal widths',
  'labels without output',
  'short last lease',
] as const
export type Profile = (typeof profiles)[number]

export type Case = {
  readonly number: number
  readonly profile: Profile
  readonly assignment: Assignment
  /** The prover commits to excesses instead of listing them. */
  readonly dense: boolean
}

/** Case number `number`: the same on every machine. */
export function caseOf(number: number): Case {
  const random = new SeededRandom('judge', seedOf(number))
  const between = (low: number, high: number) => low + random.below(high - low + 1)
  const profile = profiles[(number >>> 1) % profiles.length]!
  const job = jobOfProfile(profile, between)
  const ranges = Math.ceil(job.steps / job.leaseSteps)
  const range = profile === 'short last lease' ? ranges - 1 : random.below(ranges)
  const worker = addressOf(number)
  const claim = { job, seed: seedOf(number), range, worker }
  const saturating = profile === 'saturating weights' || profile === 'dense saturation'
  const before =
    saturating || range > 0 ? startOf(job, number, saturating) : initialState(job, claim.seed)
  return {
    number,
    profile,
    assignment: { claim, before, batches: batchesOf(claim, datasetOf(job, profile, number)) },
    dense: profile === 'dense saturation' || random.below(4) === 0,
  }
}

function jobOfProfile(profile: Profile, between: (low: number, high: number) => number): Job {
  const depth = between(1, profile === 'equal widths' ? 3 : 4)
  const equal = 2 ** between(0, 3)
  const layers = Array.from({ length: depth + 1 }, () =>
    profile === 'equal widths' ? equal : between(1, 9),
  )
  const list = (length: number, low: number, high: number) =>
    Array.from({ length }, () => between(low, high))
  const leaseSteps = between(1, 3)
  const short = profile === 'short last lease'
  // Larger shifts make longer tables, and every proof slower.
  const most = between(0, 7) === 0 ? 5 : 2
  return tinyJob(layers, {
    batch: profile === 'batch of one' ? 1 : between(1, 6),
    leaseSteps,
    steps: short ? 2 * leaseSteps + 1 : 3 * leaseSteps,
    fractionBits: between(1, 8),
    initBound: between(1, 127),
    forwardShifts: list(depth, 1, most),
    schedule: [0, leaseSteps + 1].map((fromStep) => ({
      fromStep,
      updateShifts: list(depth, 0, 3),
      backwardShifts: list(depth - 1, 1, most),
    })),
  })
}

/** Weights in the middle of training, or at the edge of their range. */
function startOf(job: Job, number: number, saturating: boolean): ModelState {
  if (saturating) return extremeState(job, number)
  const random = new SeededRandom('middle', seedOf(number))
  const { layers } = initialState({ ...job, initBound: 127 }, seedOf(number))
  return {
    layers: layers.map((layer) => ({
      ...layer,
      rho: layer.rho.map(() => random.below(2 ** job.fractionBits)),
    })),
  }
}

/** Rows that the dataset has: a few more than a batch. */
function datasetOf(job: Job, profile: Profile, number: number): Rows {
  const random = new SeededRandom('dataset', seedOf(number))
  const count = job.batch + 1 + random.below(4)
  const width = job.layers[0]!
  const outputs = job.layers.at(-1)! + (profile === 'labels without output' ? 4 : 0)
  const length = count * width
  const bound = [127, 127, 3][random.below(3)]!
  return {
    count,
    features: profile === 'zero data' ? new Int8Array(length) : randomValues(length, number, bound),
    labels: Uint32Array.from({ length: count }, () => random.below(outputs)),
  }
}

/** The rows of each step of a range, in the order that the seed gives. */
function batchesOf({ job, seed, range }: LeaseClaim, dataset: Rows): readonly Rows[] {
  const width = job.layers[0]!
  return Array.from({ length: stepsOf(job, range) }, (_, i) => {
    const plan = { seed, rows: dataset.count, batch: job.batch }
    const indices = [...batchRows(plan, range * job.leaseSteps + i)]
    return {
      count: job.batch,
      features: Int8Array.from(
        indices.flatMap((row) => [...dataset.features.subarray(row * width, (row + 1) * width)]),
      ),
      labels: Uint32Array.from(indices, (row) => dataset.labels[row]!),
    }
  })
}

/** The same lease for another seed, range or job: what it would ask for. */
export function reassigned({ assignment, number, profile }: Case, change: Partial<LeaseClaim>) {
  const claim = { ...assignment.claim, ...change }
  const dataset = datasetOf(assignment.claim.job, profile, number)
  return { ...assignment, claim, batches: batchesOf(claim, dataset) }
}

function addressOf(number: number) {
  const parsed = parseAddress(`0x${number.toString(16).padStart(40, '0')}`)
  if (!parsed.ok) throw new Error('no address')
  return parsed.value
}
