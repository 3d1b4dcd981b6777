/**
 * Admission: the bounds that make every step of a job provable and free of wrap-around in the proof
 * field. Derived sizes (`κ`, `H`) are functions of the job, never chosen by a prover.
 *
 * Rules W-20 to W-27 of docs/spec/work.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { babyBear, maxInnerDim } from '../params/protocol.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { evaluationJob, isEvaluation, leaseWork } from './evaluation.ts'
import { depthOf, type Job, maxLayers, maxPhases, ProofKind, stepMacs, weightCount } from './job.ts'

export type AdmissionFault =
  | {
      readonly code: 'jobs/outOfRange'
      readonly field: string
      readonly got: bigint
      readonly min: bigint
      readonly max: bigint
    }
  | {
      readonly code: 'jobs/wraps'
      readonly family: string
      readonly got: bigint
      readonly max: bigint
    }

/** Largest product of two operands. */
const square = 127n * 127n
const maxTableRows = 1n << 20n
const maxLeaves = 1n << 30n
/** Longest lease, blocks: draws of two attempts stay within the kept history. */
export const maxLeaseBlocks = 1_024n

/** Shape of one family of rescaled products. */
export type Family = {
  readonly name: 'hidden' | 'output' | 'backward'
  /** Longest contraction. */
  readonly inner: bigint
  readonly shifts: readonly number[]
}

/** Quotient split of a family: `z + 2^(s−1) = 2^κ·h + g`, `|h| ≤ H`. */
export type Split = { readonly kappa: number; readonly bound: bigint }

/** Whether a job's numbers are admissible; the dataset and the escrow are judged elsewhere. */
export function admitJob(job: Job, params: ChainParams): Result<Job, AdmissionFault> {
  const fault =
    rangeFault(job) ?? wrapFault(job) ?? costFault(job, params) ?? heldOutFault(job, params)
  return fault === null ? ok(job) : refuse(fault)
}

/** The evaluation is a job of one step, and held to the same bounds. */
function heldOutFault({ heldOut, ...job }: Job, params: ChainParams): AdmissionFault | null {
  if (heldOut === undefined) return null
  const evaluation = evaluationJob({ ...job, heldOut })
  return (
    within('heldOut.rows', heldOut.rows, 1, 2 ** 32 - 1) ??
    wrapFault({ ...evaluation, leaseSteps: 1 }) ??
    costFault({ ...evaluation, leaseSteps: 1 }, params)
  )
}

function within(field: string, got: number | bigint, min: number | bigint, max: number | bigint) {
  const value = BigInt(got)
  return value >= BigInt(min) && value <= BigInt(max)
    ? null
    : ({
        code: 'jobs/outOfRange',
        field,
        got: value,
        min: BigInt(min),
        max: BigInt(max),
      } as const)
}

function rangeFault(job: Job): AdmissionFault | null {
  // No layer at all is refused with a number that the ABI has, too.
  const depth = Math.max(depthOf(job), 0)
  return (
    within('layers', depth, 1, maxLayers) ??
    firstFault(job.layers.map((width, i) => within(`layers.${i}`, width, 1, maxInnerDim))) ??
    within('batch', job.batch, 1, maxInnerDim) ??
    within('steps', job.steps, 1, 2 ** 31) ??
    within('leaseSteps', job.leaseSteps, 1, 64) ??
    within('fractionBits', job.fractionBits, 1, 20) ??
    within('initBound', job.initBound, 1, 127) ??
    within('forwardShifts', job.forwardShifts.length, depth, depth) ??
    firstFault(job.forwardShifts.map((shift, i) => within(`forwardShifts.${i}`, shift, 1, 10))) ??
    within('schedule', job.schedule.length, 1, maxPhases) ??
    scheduleFault(job, depth)
  )
}

function scheduleFault(job: Job, depth: number): AdmissionFault | null {
  for (const [i, phase] of job.schedule.entries()) {
    const name = `schedule.${i}`
    const least = i === 0 ? 0 : job.schedule[i - 1]!.fromStep + 1
    const most = i === 0 ? 0 : 2 ** 31
    const fault =
      within(`${name}.fromStep`, phase.fromStep, least, most) ??
      within(`${name}.updateShifts`, phase.updateShifts.length, depth, depth) ??
      within(`${name}.backwardShifts`, phase.backwardShifts.length, depth - 1, depth - 1) ??
      firstFault(phase.updateShifts.map((u, l) => within(`${name}.updateShifts.${l}`, u, 0, 20))) ??
      firstFault(
        phase.backwardShifts.map((t, l) => within(`${name}.backwardShifts.${l}`, t, 1, 10)),
      )
    if (fault !== null) return fault
  }
  return null
}

function firstFault(faults: readonly (AdmissionFault | null)[]): AdmissionFault | null {
  return faults.find((fault) => fault !== null) ?? null
}

/** The families of a job that has passed the range checks. */
export function familiesOf(job: Job): readonly Family[] {
  const depth = depthOf(job)
  const longest = (from: number, to: number) => BigInt(Math.max(...job.layers.slice(from, to)))
  const output: Family = {
    name: 'output',
    inner: BigInt(job.layers[depth - 1]!),
    shifts: job.forwardShifts.slice(-1),
  }
  if (depth === 1) return [output]
  const hidden: Family = {
    name: 'hidden',
    inner: longest(0, depth - 1),
    shifts: job.forwardShifts.slice(0, -1),
  }
  const backward: Family = {
    name: 'backward',
    inner: longest(2, depth + 1),
    shifts: job.schedule.flatMap((phase) => phase.backwardShifts),
  }
  return [hidden, output, backward]
}

/** `κ ≥` every shift, minimising `2^(κ+1) + 2H`; ties go to the smaller. */
export function splitOf(family: Family): Split {
  const largest = Math.max(...family.shifts)
  let best: Split | null = null
  let bestCost = 0n
  for (let kappa = largest; kappa <= 31; kappa++) {
    const bound = ceilDiv(square * family.inner + (1n << BigInt(largest)), 1n << BigInt(kappa)) + 1n
    const cost = (1n << BigInt(kappa + 1)) + 2n * bound
    if (best === null || cost < bestCost) {
      best = { kappa, bound }
      bestCost = cost
    }
  }
  return best!
}

/** `H_W`: bound on a weight's excess in one update, with the largest `u` of the schedule. */
export function excessBound(job: Job): bigint {
  return ceilDiv(gradientBound(job), 1n << BigInt(job.fractionBits)) + 1n
}

function gradientBound(job: Job): bigint {
  const largest = Math.max(...job.schedule.flatMap((phase) => phase.updateShifts))
  return (square * BigInt(job.batch)) << BigInt(largest)
}

function wrapFault(job: Job): AdmissionFault | null {
  const field = BigInt(babyBear) - 1n
  for (const family of familiesOf(job)) {
    const { kappa, bound } = splitOf(family)
    const shift = BigInt(Math.max(...family.shifts))
    const reach = square * family.inner + (1n << (shift - 1n))
    const table = (bound << BigInt(kappa)) + (127n << shift) + (1n << BigInt(kappa))
    if (reach + table > field)
      return { code: 'jobs/wraps', family: family.name, got: reach + table, max: field }
    const rows = tableRows(family.name, shift, kappa, bound)
    if (rows > maxTableRows)
      return { code: 'jobs/wraps', family: `${family.name} table`, got: rows, max: maxTableRows }
  }
  return updateFault(job, field)
}

/** Rows of the larger table of a family: the rescaling table or the saturation table. */
function tableRows(family: Family['name'], shift: bigint, kappa: number, bound: bigint): bigint {
  const span = (family === 'hidden' ? 127n : 253n) << shift
  const rescale = span + (1n << BigInt(kappa + 1))
  const saturate = 256n + 2n * bound
  return rescale > saturate ? rescale : saturate
}

function updateFault(job: Job, field: bigint): AdmissionFault | null {
  const excess = excessBound(job)
  const scale = 1n << BigInt(job.fractionBits)
  const reach = scale * (128n + excess) + 128n * scale + gradientBound(job)
  if (reach > field) return { code: 'jobs/wraps', family: 'update', got: reach, max: field }
  const rows = 255n + 2n * excess
  if (rows > maxTableRows)
    return { code: 'jobs/wraps', family: 'update table', got: rows, max: maxTableRows }
  const leaves = liveLeaves(job)
  return leaves > maxLeaves
    ? { code: 'jobs/wraps', family: 'leaves', got: leaves, max: maxLeaves }
    : null
}

/** Lookups and table rows of one lease. */
function liveLeaves(job: Job): bigint {
  const hidden = job.layers.slice(1, -1).reduce((sum, width) => sum + width, 0)
  const perStep = 2 * weightCount(job) + job.batch * (4 * hidden + 3 * job.layers.at(-1)!)
  const distinct = (shifts: readonly number[]) => BigInt(new Set(shifts).size)
  const tables = familiesOf(job).reduce((sum, family) => {
    const { kappa, bound } = splitOf(family)
    const shift = BigInt(Math.max(...family.shifts))
    return sum + (distinct(family.shifts) + 1n) * tableRows(family.name, shift, kappa, bound)
  }, 0n)
  const weights = (1n << BigInt(job.fractionBits)) + 255n + 2n * excessBound(job) + 510n
  return BigInt(perStep) * BigInt(job.leaseSteps) + tables + weights
}

function costFault(job: Job, params: ChainParams): AdmissionFault | null {
  const leaseMacs = BigInt(job.leaseSteps) * stepMacs(job)
  return (
    within('pricePerMac', job.pricePerMac, params.basePrice, (1n << 96n) - 1n) ??
    within('leaseBlocks', leaseBlocks(job, params), 1, maxLeaseBlocks) ??
    (job.proofKind === ProofKind.Replay
      ? within('replayMacs', leaseMacs, 1, params.replayMacsCap)
      : null)
  )
}

/** `L`: blocks of a lease, without the grace for inclusion. @param range - 0: any but the evaluation. */
export function leaseBlocks(job: Job, params: ChainParams, range = 0): bigint {
  const evaluates = isEvaluation(job, range)
  const steps = evaluates ? 1 : job.leaseSteps
  const { job: work } = leaseWork(job, range)
  const training = ceilDiv(BigInt(steps) * stepMacs(work), params.macsPerBlock)
  if (job.proofKind === ProofKind.Replay) return 8n + training
  return 8n + training + ceilDiv(committedElements(work, steps), params.elementsPerBlock)
}

/** Elements that the proof of `steps` steps commits to: two per weight and state, and activations. */
export function committedElements(job: Job, steps: number): bigint {
  const hidden = job.layers.slice(1, -1).reduce((sum, width) => sum + width, 0)
  const perStep = 2 * weightCount(job) + job.batch * (5 * hidden + 3 * job.layers.at(-1)!)
  return BigInt(2 * weightCount(job)) + BigInt(steps) * BigInt(perStep)
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b
}
