/**
 * Jobs and their work as the server sees them: read from the state after the head block.
 */
import type { Chain } from '../chain/chain.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { soundnessInputs } from '../proof/circuit.ts'
import { maxSaturated, shapeOf } from '../proof/parameters.ts'
import { decodeMode } from '../proof/proof.ts'
import { soundnessBits } from '../proof/security.ts'
import {
  type Evaluation,
  isEvaluation,
  leaseCount,
  leaseWork,
  readEvaluation,
} from '../registry/evaluation.ts'
import { type Job, ProofKind, rangeCount, rangeSteps } from '../registry/job.ts'
import { type JobRecord, jobAt, jobCount, readJob } from '../registry/jobRecord.ts'
import { basePriceOf } from '../registry/prices.ts'
import { assignSteps } from '../registry/schedule.ts'
import { decodeProofSidecar } from '../registry/sidecar.ts'
import { type AccuracyMeter, courseOf } from './course.ts'
import { pageOf, worldOf } from './headState.ts'
import { estimateJob } from './jobEstimate.ts'
import type { RpcBlobs } from './modules.ts'
import type { WorkIndex } from './workIndex.ts'
import type { JobView, LeaseView, RangeView, SidecarView, TrainViews } from './workViews.ts'

export type TrainViewModules = {
  readonly chain: Chain
  readonly index: Pick<WorkIndex, 'certificate'>
  readonly blobs: Pick<RpcBlobs, 'size'>
  readonly meter: AccuracyMeter
  /** A committed certificate's sidecar by its name; 0 milliseconds where another node did it. */
  readonly sidecar: (name: Hash) => Promise<KeptSidecar | null>
}

export type KeptSidecar = {
  readonly bytes: Uint8Array
  readonly proveMs: number
  readonly verifyMs: number
}

/** Jobs looked at for one page, however few pass the filter. */
const maxScan = 200

export function createTrainViews(modules: TrainViewModules): TrainViews {
  const { chain, index, blobs } = modules
  const { params } = chain.rules
  const record = async (id: Hash) => readJob(await worldOf(chain), id)
  const viewOf = async (found: JobRecord) =>
    jobView(found, await readEvaluation(await worldOf(chain), found.id))

  return {
    price: async () => ({
      basePrice: await basePriceOf(await worldOf(chain), params),
      certificateFee: params.certificateFee,
      openFee: params.openFee,
    }),
    estimate: (draft) => estimateJob(chain, draft),
    job: async (id) => {
      const found = await record(id)
      return found === null ? null : viewOf(found)
    },
    jobs: async ({ status, owner }, { cursor, limit }) => {
      const world = await worldOf(chain)
      const count = await jobCount(world)
      const end = Math.min(count, cursor + maxScan)
      const items: JobView[] = []
      let at = cursor
      for (; at < end && items.length < limit; at++) {
        const found = await readJob(world, await jobAt(world, at))
        const fits =
          found !== null &&
          (status === null || found.state.status === status) &&
          (owner === null || found.job.owner === owner)
        if (fits) items.push(await viewOf(found))
      }
      return { items, next: at < count ? at : null }
    },
    ranges: async (id, window) => {
      const found = await record(id)
      if (found === null) return null
      return pageOf(leaseCount(found.job), window, async (range) => rangeView(found, range))
    },
    leases: async ({ job, holder }) => {
      const world = await worldOf(chain)
      const leases: LeaseView[] = []
      for (const lease of await assignSteps(world, params, chain.head().height)) {
        if (job !== null && lease.job !== job) continue
        if (holder !== null && !lease.able.includes(holder)) continue
        const { job: definition } = (await readJob(world, lease.job))!
        const { from, count } = stepsOf(definition, lease.range)
        leases.push({ ...lease, fromStep: from, steps: count })
      }
      return leases
    },
    certificate: index.certificate,
    certificates: async (id, window) => {
      const found = await record(id)
      if (found === null) return null
      const page = await pageOf(found.state.range, window, (range) => index.certificate(id, range))
      return { ...page, items: page.items.filter((certificate) => certificate !== null) }
    },
    course: async (id) => {
      const found = await record(id)
      return found && courseOf(found, index.certificate, await modules.meter.ask(id))
    },
    sidecar: async (id, range) => {
      const found = await record(id)
      const certificate = await index.certificate(id, range)
      const kept = certificate && (await modules.sidecar(certificate.sidecar))
      return found === null || certificate === null || kept === null
        ? null
        : sidecarView(found.job, range, certificate.sidecar, kept)
    },
    weights: async (id, range) => {
      const found = await record(id)
      if (found === null) return null
      const newest = Math.min(found.state.range, rangeCount(found.job)) - 1
      const wanted = range ?? newest
      const certificate =
        wanted < 0 || isEvaluation(found.job, wanted) ? null : await index.certificate(id, wanted)
      if (certificate === null) return null
      const { from, count } = rangeSteps(found.job, certificate.range)
      return {
        job: id,
        stepsDone: from + count,
        commitment: certificate.stateAfter,
        blob: certificate.weights,
        size: await blobs.size(certificate.weights),
      }
    },
  }
}

function jobView({ id, job, state }: JobRecord, evaluation: Evaluation | null): JobView {
  const ranges = rangeCount(job)
  return {
    id,
    status: state.status,
    definition: job,
    openedAt: state.openedAt,
    seed: named(state.seed),
    escrow: state.escrow,
    ranges,
    rangesDone: Math.min(state.range, ranges),
    stepsDone: state.range < ranges ? rangeSteps(job, state.range).from : job.steps,
    rangeSince: state.rangeSince,
    commitment: named(state.commitment),
    weights: named(state.weights),
    cancelRequested: state.cancelRequested,
    evaluation,
  }
}

function sidecarView(
  job: Job,
  range: number,
  name: Hash,
  { bytes, proveMs, verifyMs }: KeptSidecar,
): SidecarView {
  const proof = job.proofKind === ProofKind.StepProof ? decodeProofSidecar(bytes) : null
  const mode = proof?.ok === true ? decodeMode(proof.value.proof) : null
  const work = leaseWork(job, range)
  const shape = mode?.ok === true ? shapeOf(work.job, work.range, mode.value.dense) : null
  return {
    kind: job.proofKind,
    name,
    bytes,
    soundnessBits: shape && Math.floor(soundnessBits(soundnessInputs(shape, maxSaturated))),
    proveMs: proveMs === 0 ? null : proveMs,
    verifyMs: verifyMs === 0 ? null : verifyMs,
  }
}

function rangeView({ id, job, state }: JobRecord, range: number): RangeView {
  const { from, count } = stepsOf(job, range)
  const running = range === state.range && state.status === 'active'
  const evaluates = isEvaluation(job, range)
  const status = range < state.range ? 'certified' : running ? 'running' : 'waiting'
  return { job: id, range, fromStep: from, steps: count, status, evaluates }
}

/** The steps of a lease: its range's, or the one of an evaluation, which follows the last. */
function stepsOf(job: Job, range: number): { readonly from: number; readonly count: number } {
  return isEvaluation(job, range) ? { from: job.steps, count: 1 } : rangeSteps(job, range)
}

/** Zero stands for "none" in the records. */
function named(hash: Hash): Hash | null {
  return hash === zeroHash ? null : hash
}
