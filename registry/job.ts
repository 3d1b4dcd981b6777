/**
 * A job: everything that defines a training run, in one canonical encoding whose hash is the job's
 * name. A worker chooses none of it.
 */
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'

/** How certificates of the job are judged. Chosen when the job is opened, never by a worker. */
export const ProofKind = { Replay: 'replay', StepProof: 'sumcheck-ligero-v1' } as const
export type ProofKind = (typeof ProofKind)[keyof typeof ProofKind]

/** Codes of the proof kinds in the canonical encoding and in the ABI. */
export const proofKinds: readonly ProofKind[] = [ProofKind.Replay, ProofKind.StepProof]

/**
 * Shifts that hold from a step on, until the next phase. The public schedule of the learning rate.
 */
export type Phase = {
  readonly fromStep: number
  /** `u_1..u_L`, each 0..20: the update subtracts `2^u · G`. */
  readonly updateShifts: readonly number[]
  /** `t_1..t_{L−1}`, each 1..10. */
  readonly backwardShifts: readonly number[]
}

/** Rows that a model is judged on when it is trained: the last ones of a dataset. */
export type HeldOut = {
  /** The job's own dataset, whose other rows it trains on, or another. */
  readonly dataset: Hash
  /** How many; at least 1. */
  readonly rows: number
}

/** One training run of a sequential model of dense layers with ReLU. */
export type Job = {
  readonly chainId: number
  readonly owner: Address
  /** The owner's how-manieth job this is: makes equal jobs distinct. */
  readonly nonce: bigint
  readonly proofKind: ProofKind
  /** The dataset's name in the registry. */
  readonly dataset: Hash
  /** `n_0..n_L`: features, hidden widths, classes. */
  readonly layers: readonly number[]
  readonly batch: number
  readonly steps: number
  /** `k`, steps of one lease and certificate. */
  readonly leaseSteps: number
  /** `F`, fractional bits of a weight. */
  readonly fractionBits: number
  /** `s_1..s_L`, each 1..10. */
  readonly forwardShifts: readonly number[]
  /** Ascending by `fromStep`; the first starts at 0. */
  readonly schedule: readonly Phase[]
  /** Initial `w` is uniform in ±initBound. */
  readonly initBound: number
  readonly pricePerMac: bigint
  /** What the model is evaluated on at the end; absent: nothing. */
  readonly heldOut?: HeldOut
  /** The model whose weights it starts from, named by its job; absent: random ones. */
  readonly base?: Hash
  /**
   * Batches are drawn from so many of the dataset's last rows; absent: from all that are not held out.
   * Only evaluations have it (`registry/evaluation.ts`); no job is opened with it.
   */
  readonly lastRows?: number
}

/** Bounds of the encoding; admission (`registry/admission.ts`) is stricter where it matters. */
export const maxLayers = 32
export const maxPhases = 64

/** The job's name: a hash over every field. */
export function jobIdOf(job: Job): Hash {
  return hashOf('waggle/job/v1', encodeJob(job))
}

/** Tags of what a job may have or not, ascending in the encoding. */
const heldOutTag = 1
const lastRowsTag = 2
const baseTag = 3

export function encodeJob(job: Job): Uint8Array {
  const short = (value: number, writer: Writer) => writer.uint(value, 1)
  const writer = new Writer()
    .uint(job.chainId, 8)
    .fixed(addressBytes(job.owner))
    .uint(job.nonce, 8)
    .uint(proofKinds.indexOf(job.proofKind), 1)
    .hash(job.dataset)
    .list(job.layers, (width, writer) => writer.uint(width, 4))
    .uint(job.batch, 4)
    .uint(job.steps, 4)
    .uint(job.leaseSteps, 2)
    .uint(job.fractionBits, 1)
    .list(job.forwardShifts, short)
    .list(job.schedule, (phase, writer) =>
      writer
        .uint(phase.fromStep, 4)
        .list(phase.updateShifts, short)
        .list(phase.backwardShifts, short),
    )
    .uint(job.initBound, 1)
    .uint(job.pricePerMac, 16)
  const { heldOut, lastRows, base } = job
  if (heldOut !== undefined) writer.uint(heldOutTag, 1).hash(heldOut.dataset).uint(heldOut.rows, 4)
  if (lastRows !== undefined) writer.uint(lastRowsTag, 1).uint(lastRows, 4)
  if (base !== undefined) writer.uint(baseTag, 1).hash(base)
  return writer.bytes()
}

/** Read a canonical job; only shapes of the encoding are judged here. */
export function decodeJob(bytes: Uint8Array): Result<Job, CodecFault> {
  return decode(bytes, readJob)
}

function readJob(reader: Reader): Job {
  return { ...readFields(reader), ...readExtras(reader) }
}

/** What a job may have or not. */
type Extras = Pick<Job, 'heldOut' | 'lastRows' | 'base'>

function readExtras(reader: Reader): Extras {
  const rows = () => reader.number(4) || reader.fail('rows')
  let extras: Extras = {}
  for (let before = 0; reader.left > 0; ) {
    const tag = reader.number(1)
    if (tag <= before) reader.fail('order of tags')
    before = tag
    if (tag === heldOutTag)
      extras = { ...extras, heldOut: { dataset: reader.hash(), rows: rows() } }
    else if (tag === lastRowsTag) extras = { ...extras, lastRows: rows() }
    else if (tag === baseTag) extras = { ...extras, base: reader.hash() }
    else reader.fail('tag')
  }
  return extras
}

function readFields(reader: Reader): Job {
  const short = (from: Reader) => from.number(1)
  return {
    chainId: reader.number(8),
    owner: addressFromBytes(reader.fixed(20)),
    nonce: reader.uint(8),
    proofKind: proofKinds[reader.number(1)] ?? reader.fail('proof kind'),
    dataset: reader.hash(),
    layers: reader.list(maxLayers + 1, (from) => from.number(4)),
    batch: reader.number(4),
    steps: reader.number(4),
    leaseSteps: reader.number(2),
    fractionBits: reader.number(1),
    forwardShifts: reader.list(maxLayers, short),
    schedule: reader.list(maxPhases, (from) => ({
      fromStep: from.number(4),
      updateShifts: from.list(maxLayers, short),
      backwardShifts: from.list(maxLayers, short),
    })),
    initBound: reader.number(1),
    pricePerMac: reader.uint(16),
  }
}

/** Number of weight layers, `L`. */
export function depthOf(job: Job): number {
  return job.layers.length - 1
}

/** Number of weights. */
export function weightCount(job: Job): number {
  return job.layers.slice(1).reduce((sum, width, i) => sum + width * job.layers[i]!, 0)
}

/**
 * Work units of one step: multiply-accumulates of the forward, weight-gradient and input-gradient
 * products, from shapes alone. The first layer has no input gradient.
 */
export function stepMacs(job: Job): bigint {
  const first = job.layers[0]! * job.layers[1]!
  return BigInt(job.batch) * (3n * BigInt(weightCount(job)) - BigInt(first))
}

/** Number of leases (step ranges); the last may be shorter. */
export function rangeCount(job: Job): number {
  return Math.ceil(job.steps / job.leaseSteps)
}

/** First step and number of steps of range `g`; none beyond the last range. */
export function rangeSteps(
  job: Job,
  range: number,
): { readonly from: number; readonly count: number } {
  const from = range * job.leaseSteps
  return { from, count: Math.max(0, Math.min(job.leaseSteps, job.steps - from)) }
}

/** The rows of its dataset, which has `rows`, that a job draws its batches from. */
export function rowSpan(
  { dataset, heldOut, lastRows }: Job,
  rows: number,
): { readonly first: number; readonly count: number } {
  if (lastRows !== undefined) return { first: rows - lastRows, count: lastRows }
  return { first: 0, count: heldOut?.dataset === dataset ? rows - heldOut.rows : rows }
}

/** The schedule's phase at `step`. */
export function phaseAt(job: Job, step: number): Phase {
  return job.schedule.findLast((phase) => phase.fromStep <= step) ?? job.schedule[0]!
}
