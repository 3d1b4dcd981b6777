/**
 * What a training job would cost and how long it would take, at the prices and the pace of now.
 */
import type { Chain } from '../chain/chain.ts'
import { zeroAddress } from '../primitives/address.ts'
import { zeroHash } from '../primitives/hash.ts'
import { leaseBlocks } from '../registry/admission.ts'
import { validatorSetAt } from '../registry/epochSets.ts'
import { evaluationJob, leaseCount } from '../registry/evaluation.ts'
import { type Job, rangeCount, stepMacs } from '../registry/job.ts'
import { jobCost, totalFee } from '../registry/jobBook.ts'
import { listLength } from '../registry/layout.ts'
import { basePriceOf } from '../registry/prices.ts'
import { ableFor } from '../registry/schedule.ts'
import { epochOf } from '../registry/validatorSet.ts'
import { worldOf } from './headState.ts'
import type { EstimateView, JobDraft } from './workViews.ts'

/** Blocks over which the pace is measured. */
const paceBlocks = 64n
/** Blocks from the opening of a range to the first that may hold its certificate, and that one. */
const leastBlocks = 3n

export async function estimateJob(chain: Chain, draft: JobDraft): Promise<EstimateView> {
  const { params } = chain.rules
  const { height } = chain.head()
  const world = await worldOf(chain)
  const basePrice = await basePriceOf(world, params)
  const job = jobOf(draft, draft.pricePerMac ?? basePrice)
  const set = await validatorSetAt(world, epochOf(height, params.epochLength))
  const ranges = rangeCount(job)
  const leases = BigInt(leaseCount(job))
  const evaluates = job.heldOut !== undefined
  const evaluation = evaluates ? stepMacs(evaluationJob(job)) : 0n
  const escrow = await jobCost(world, params, job)
  const blocksAtLeast = leases * leastBlocks
  const blocksAtMost =
    BigInt(ranges) * (2n + leaseBlocks(job, params)) +
    (evaluates ? 2n + leaseBlocks(job, params, ranges) : 0n)
  const pace = await blockMs(chain)
  return {
    macs: BigInt(job.steps) * stepMacs(job) + evaluation,
    leases,
    pricePerMac: job.pricePerMac,
    basePrice,
    escrow,
    onTop: escrow - totalFee(job, params),
    openFee: params.openFee,
    total: escrow + params.openFee,
    able: ableFor(job, set).length,
    activeJobs: await listLength(world.jobs, 'active'),
    waitingJobs: await listLength(world.jobs, 'waiting'),
    blocksAtLeast,
    blocksAtMost,
    secondsAtLeast: (blocksAtLeast * pace) / 1_000n,
    secondsAtMost: (blocksAtMost * pace) / 1_000n,
  }
}

/** A job of the draft's shape; what the draft leaves open has no bearing on cost or time. */
function jobOf(draft: JobDraft, pricePerMac: bigint): Job {
  const { owner, layers, batch, steps, leaseSteps, proofKind, heldOut } = draft
  const dataset = draft.dataset ?? zeroHash
  const shifts = layers.slice(1).map(() => 1)
  return {
    chainId: 1,
    owner: owner ?? zeroAddress,
    nonce: 0n,
    proofKind,
    dataset,
    layers,
    batch,
    steps,
    leaseSteps,
    fractionBits: 16,
    forwardShifts: shifts,
    schedule: [{ fromStep: 0, updateShifts: shifts, backwardShifts: shifts.slice(1) }],
    initBound: 1,
    pricePerMac,
    ...(draft.base === null ? {} : { base: draft.base }),
    ...(heldOut === null || heldOut.rows === 0
      ? {}
      : { heldOut: { dataset: heldOut.dataset ?? dataset, rows: heldOut.rows } }),
  }
}

/** Mean time between the last blocks; the idle interval where there are too few. */
async function blockMs(chain: Chain): Promise<bigint> {
  const { height, header } = chain.head()
  const from = height > paceBlocks ? height - paceBlocks : 1n
  const first = from < height ? await chain.blockAt(from) : null
  if (first === null) return BigInt(chain.rules.params.idleBlockIntervalMs)
  const seconds = header.timestamp - first.block.header.timestamp
  return (seconds * 1_000n) / (height - from)
}
