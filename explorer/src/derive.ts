/**
 * Figures that follow from what was read.
 */
import type { CertificateWire, JobWire } from '../../client/wire.ts'
import { num } from './format.ts'
import type { BlockRow } from './net/live.ts'

/** Multiply-accumulates of one step, as the chain prices it. */
export function stepMacs({ definition }: JobWire): number {
  const layers = definition.layers.map(num)
  const weights = weightsOf(layers)
  return num(definition.batch) * (3 * weights - layers[0]! * layers[1]!)
}

export function weightsOf(layers: readonly number[]): number {
  return layers.slice(1).reduce((sum, width, i) => sum + width * layers[i]!, 0)
}

export function layersText({ definition }: JobWire): string {
  return definition.layers.map(num).join('–')
}

/** Part of a job's steps that are certified, in [0, 1]. */
export function progressOf(job: JobWire): number {
  return num(job.stepsDone) / Math.max(1, num(job.definition.steps))
}

/** Seconds a block took, over the newest ones. */
export function blockSeconds(blocks: readonly BlockRow[]): number | null {
  const window = blocks.slice(0, 50).filter(({ number }) => number > 0)
  const [newest, oldest] = [window[0], window.at(-1)]
  if (newest === undefined || oldest === undefined || newest === oldest) return null
  return (newest.timestamp - oldest.timestamp) / (newest.number - oldest.number)
}

/** Blocks until the job ends at the pace of its last certificates; null while there is none. */
function blocksLeft(job: JobWire, certificates: readonly CertificateWire[]): number | null {
  const own = certificates.filter((one) => one.job === job.id)
  const left = num(job.ranges) - num(job.rangesDone)
  const [newest, oldest] = [own[0], own.at(-1)]
  if (left === 0) return 0
  if (newest === undefined || oldest === undefined || newest === oldest) return null
  const blocks = num(newest.blockNumber) - num(oldest.blockNumber)
  return (left * blocks) / (num(newest.range) - num(oldest.range))
}

/** Seconds until an active job ends, at the pace of its last certificates and of the newest blocks. */
export function secondsLeft(
  job: JobWire,
  certificates: readonly CertificateWire[],
  blocks: readonly BlockRow[],
): number | null {
  if (job.status !== 'active') return null
  const left = blocksLeft(job, certificates)
  const seconds = blockSeconds(blocks)
  return left === null || seconds === null ? null : left * seconds
}

/** Rows of one evaluation at most, as the chain has it. */
const maxEvaluationRows = 1_024

/**
 * Wei that a job's work costs when all of it is certified: its steps, its evaluation and a fee for each
 * certificate. Prices of rows and royalties come on top.
 */
export function workCost(job: JobWire, certificateFee: bigint): bigint {
  const { batch, steps, heldOut, pricePerMac } = job.definition
  const macs = BigInt(stepMacs(job))
  const judged = heldOut === undefined ? 0 : Math.min(num(heldOut.rows), maxEvaluationRows)
  const evaluation = (macs * BigInt(judged)) / BigInt(batch)
  const certificates = BigInt(job.ranges) + (judged > 0 ? 1n : 0n)
  return (macs * BigInt(steps) + evaluation) * BigInt(pricePerMac) + certificates * certificateFee
}

/** Certified MACs per second over the window of `blocks`. */
export function macsPerSecond(
  blocks: readonly BlockRow[],
  certificates: readonly CertificateWire[],
  jobs: readonly JobWire[],
): number {
  const [newest, oldest] = [blocks[0], blocks.findLast(({ number }) => number > 0)]
  if (newest === undefined || oldest === undefined || newest === oldest) return 0
  const byId = new Map(jobs.map((job) => [job.id, job]))
  const macs = certificates
    .filter(({ blockNumber }) => num(blockNumber) > oldest.number)
    .reduce((sum, { job, steps }) => {
      const known = byId.get(job)
      return known === undefined ? sum : sum + num(steps) * stepMacs(known)
    }, 0)
  return macs / Math.max(1, newest.timestamp - oldest.timestamp)
}

/** Mean loss of each step of certificates in range order; the evaluation is no step. */
export function lossCurve(
  certificates: readonly CertificateWire[],
  job: JobWire,
): { readonly steps: readonly number[]; readonly losses: readonly number[] } {
  const batch = num(job.definition.batch)
  const leaseSteps = num(job.definition.leaseSteps)
  const inOrder = certificates
    .filter(({ range }) => num(range) < num(job.ranges))
    .toSorted((a, b) => num(a.range) - num(b.range))
  const steps: number[] = []
  const losses: number[] = []
  for (const one of inOrder)
    for (const [i, loss] of one.losses.entries()) {
      steps.push(num(one.range) * leaseSteps + i + 1)
      losses.push(num(loss) / batch)
    }
  return { steps, losses }
}
