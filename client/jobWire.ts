/**
 * Jobs between the command line, the node's answers and the `Jobs` module's ABI.
 */
import type { Hex } from '../primitives/bytes.ts'
import { zeroHash } from '../primitives/hash.ts'
import { type HeldOut, type Job, proofKinds } from '../registry/job.ts'
import type { JobWire } from './wire.ts'

/** What is chosen when a job is opened; the rest the chain knows. */
export type JobSpec = Omit<Job, 'chainId' | 'owner' | 'nonce' | 'lastRows'>

/** The tuple `JobSpec` of the ABI; the base is an argument beside it. */
export function abiSpec(spec: JobSpec) {
  const { proofKind, schedule, heldOut = nothing, base: _, ...rest } = spec
  return { ...rest, proofKind: proofKinds.indexOf(proofKind), schedule: [...schedule], heldOut }
}

/** Nothing held out: the model is not evaluated. */
const nothing: HeldOut = { dataset: zeroHash, rows: 0 }

/** The job that a node described. */
export function jobOfWire({ definition }: JobWire): Job {
  const { heldOut, base } = definition
  return {
    chainId: number(definition.chainId),
    owner: definition.owner,
    nonce: BigInt(definition.nonce),
    proofKind: definition.proofKind,
    dataset: definition.dataset,
    layers: definition.layers.map(number),
    batch: number(definition.batch),
    steps: number(definition.steps),
    leaseSteps: number(definition.leaseSteps),
    fractionBits: number(definition.fractionBits),
    forwardShifts: definition.forwardShifts.map(number),
    schedule: definition.schedule.map((phase) => ({
      fromStep: number(phase.fromStep),
      updateShifts: phase.updateShifts.map(number),
      backwardShifts: phase.backwardShifts.map(number),
    })),
    initBound: number(definition.initBound),
    pricePerMac: BigInt(definition.pricePerMac),
    ...(heldOut && { heldOut: { dataset: heldOut.dataset, rows: number(heldOut.rows) } }),
    ...(base && { base }),
  }
}

function number(quantity: Hex): number {
  return Number(BigInt(quantity))
}
