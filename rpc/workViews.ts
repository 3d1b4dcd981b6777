/**
 * What the methods see of training: jobs, leases, certificates, datasets, validators, reputation.
 * Plain data; `wire.ts` spells integers of both kinds as quantities.
 */
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Job } from '../registry/job.ts'

/** `queued` waits for a place among the active jobs. */
export const jobStatuses = ['queued', 'active', 'done', 'cancelled'] as const
export type JobStatus = (typeof jobStatuses)[number]

export type JobView = {
  readonly id: Hash
  readonly status: JobStatus
  readonly definition: Job
  /** `h0`, the block that opened it. */
  readonly openedAt: bigint
  /** Seed of weights and batches; null until block `h0 + 2`. */
  readonly seed: Hash | null
  /** Wei still held for future steps. */
  readonly escrow: bigint
  /** Step ranges in all, and how many are certified. */
  readonly ranges: number
  readonly rangesDone: number
  readonly stepsDone: number
  /** Commitment to the newest certified weights; null before the first certificate. */
  readonly weights: Hash | null
  /** Result on held-out rows after the last step; null until evaluated. */
  readonly evaluation: { readonly rows: number; readonly correct: number } | null
}

export type RangeView = {
  readonly job: Hash
  readonly range: number
  readonly fromStep: number
  readonly steps: number
  readonly status: 'waiting' | 'leased' | 'certified'
}

export type LeaseView = {
  readonly job: Hash
  readonly range: number
  /** 0 for the first draw; 2 and more are open to all. */
  readonly attempt: number
  /** Null when open to all. */
  readonly holder: Address | null
  /** A certificate may be in blocks `start <= height < end`. */
  readonly start: bigint
  readonly end: bigint
}

export type CertificateView = {
  readonly job: Hash
  readonly range: number
  readonly worker: Address
  /** Where it was committed. */
  readonly blockNumber: bigint
  readonly transactionHash: Hash
  /** Commitments to the weights before and after. */
  readonly input: Hash
  readonly output: Hash
  readonly macs: bigint
  /** Wei. */
  readonly fee: bigint
  /** Content hash of the proof. */
  readonly proof: Hash
}

export type WeightsView = {
  readonly job: Hash
  /** Steps applied. */
  readonly step: number
  readonly commitment: Hash
  /** Content hash of the bytes, for `GET /blob/HASH`; null if unpublished. */
  readonly blob: Hash | null
  readonly bytes: bigint | null
  /** Whether this node holds the bytes. */
  readonly held: boolean
}

export type DatasetView = {
  readonly id: Hash
  readonly name: string
  readonly owner: Address
  readonly root: Hash
  readonly blob: Hash
  readonly rows: number
  readonly features: number
  readonly classes: number
  /** Validators that signed that they hold it. */
  readonly custodians: number
  readonly usable: boolean
  readonly held: boolean
}

export type ModelView = {
  readonly job: Hash
  readonly owner: Address
  readonly weights: Hash
  readonly parent: Hash | null
  readonly licence: string
  /** Wei. */
  readonly price: bigint
}

export type ValidatorView = {
  readonly address: Address
  readonly publicKey: Hex
  /** Gwei. */
  readonly stake: bigint
  /** In [0, 2^32]. */
  readonly reputation: bigint
  readonly power: bigint
  readonly slotWeight: bigint
  readonly jailed: boolean
  readonly ask: bigint
  readonly maxParams: bigint
}

export type ValidatorSetView = {
  readonly epoch: number
  readonly hash: Hash
  readonly totalPower: bigint
  readonly validators: readonly ValidatorView[]
}

export type CommitView = {
  readonly height: bigint
  readonly round: number
  readonly envelopeHash: Hash
  readonly validatorsHash: Hash
  readonly bitmap: Hex
  readonly signature: Hex
}

export type ReputationView = {
  readonly address: Address
  /** In [0, 2^32]. */
  readonly reputation: bigint
  /** `W`: decayed burn of its own certificates, gwei. */
  readonly work: bigint
  readonly participation: ParticipationView
}

/** Duties of the running epoch. */
export type ParticipationView = {
  readonly address: Address
  readonly epoch: number
  /** Blocks it should have signed, and did. */
  readonly due: number
  readonly signed: number
  /** Pay of leases that ended this epoch, by how they ended. */
  readonly doneWei: bigint
  readonly missedWei: bigint
}

/** A window on a list: `items` from `cursor` on, and where the next window starts. */
export type Page<T> = { readonly items: readonly T[]; readonly next: number | null }
export type Window = { readonly cursor: number; readonly limit: number }

export type JobFilter = { readonly status: JobStatus | null; readonly owner: Address | null }

export type TrainViews = {
  readonly job: (id: Hash) => Promise<JobView | null>
  readonly jobs: (filter: JobFilter, window: Window) => Promise<Page<JobView>>
  readonly ranges: (job: Hash, window: Window) => Promise<Page<RangeView> | null>
  /** Leases in force at the head; of one job, or of one holder. */
  readonly leases: (
    filter: { readonly job: Hash | null; readonly holder: Address | null },
    window: Window,
  ) => Promise<Page<LeaseView>>
  readonly certificate: (job: Hash, range: number) => Promise<CertificateView | null>
  readonly certificates: (job: Hash, window: Window) => Promise<Page<CertificateView> | null>
  /** After `step` steps; null step: the newest. */
  readonly weights: (job: Hash, step: number | null) => Promise<WeightsView | null>
  /** Least price of a multiply-accumulate now, wei. */
  readonly basePrice: () => Promise<bigint>
}

export type DataViews = {
  readonly dataset: (id: Hash) => Promise<DatasetView | null>
  readonly datasets: (window: Window) => Promise<Page<DatasetView>>
  readonly model: (job: Hash) => Promise<ModelView | null>
  readonly models: (window: Window) => Promise<Page<ModelView>>
}

export type ValViews = {
  /** The frozen set of `epoch`; null if unknown or not yet frozen. */
  readonly set: (epoch: number) => Promise<ValidatorSetView | null>
  readonly epoch: () => number
  readonly validator: (address: Address) => Promise<ValidatorView | null>
  readonly proposer: (height: bigint, round: number) => Promise<Address | null>
  /** The commit of block `height`, for light clients. */
  readonly commit: (height: bigint) => Promise<CommitView | null>
}

export type RepViews = {
  readonly reputation: (address: Address) => Promise<ReputationView | null>
  readonly participation: () => Promise<readonly ParticipationView[]>
}
