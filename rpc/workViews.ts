/**
 * What the methods see of training: jobs, leases, certificates, datasets, validators, service.
 * Plain data; `wire.ts` spells integers of both kinds as quantities.
 */
import type { Supply } from '../chain/supply.ts'
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Dataset } from '../registry/datasets.ts'
import type { DatasetTerms } from '../registry/datasetTerms.ts'
import type { Evaluation } from '../registry/evaluation.ts'
import type { Job, ProofKind } from '../registry/job.ts'
import type { Royalty } from '../registry/jobCharges.ts'
import type { JobStatus } from '../registry/jobRecord.ts'
import type { Model } from '../registry/models.ts'
import type { ModelTerms } from '../registry/modelTerms.ts'
import type { Lease } from '../registry/schedule.ts'
import type { ServiceRecord } from '../registry/service.ts'
import type { Validator } from '../registry/validatorSet.ts'

export type JobView = {
  readonly id: Hash
  readonly status: JobStatus
  readonly definition: Job
  readonly openedAt: bigint
  /** Seed of weights and batches; null until two blocks after it became active. */
  readonly seed: Hash | null
  /** Wei held for settlements to come. */
  readonly escrow: bigint
  readonly ranges: number
  /** Also the number of the running range, while one runs. */
  readonly rangesDone: number
  readonly stepsDone: number
  /** Block that opened the running range. */
  readonly rangeSince: bigint
  /** Commitment to, and blob of, the newest certified weights; null before the first certificate. */
  readonly commitment: Hash | null
  readonly weights: Hash | null
  readonly cancelRequested: boolean
  /** Null: not evaluated, or not yet. */
  readonly evaluation: Evaluation | null
}

export type RangeView = {
  readonly job: Hash
  readonly range: number
  readonly fromStep: number
  readonly steps: number
  readonly status: 'waiting' | 'running' | 'certified'
  /** The lease after the last range, if rows are held out. */
  readonly evaluates: boolean
}

export type LeaseView = Lease & { readonly fromStep: number; readonly steps: number }

/** A settled certificate. */
export type CertificateView = {
  readonly job: Hash
  readonly range: number
  readonly steps: number
  readonly worker: Address
  /** Commitment to, and blob of, the weights after the range. */
  readonly stateAfter: Hash
  readonly weights: Hash
  /** Of each step, as `Jobs.certify` was told. */
  readonly losses: readonly bigint[]
  /** Wei. */
  readonly fee: bigint
  /** Name of the sidecar that its judges saw. */
  readonly sidecar: Hash
  readonly blockNumber: bigint
  readonly transactionHash: Hash
}

/** The sidecar of a settled certificate, and what it cost this node. */
export type SidecarView = {
  readonly kind: ProofKind
  readonly name: Hash
  readonly bytes: Uint8Array
  /** Bits of proven soundness; null for a certificate that is judged by re-execution. */
  readonly soundnessBits: number | null
  /** Milliseconds to make it; null where another node did. */
  readonly proveMs: number | null
  /** Milliseconds to judge it; null where this node did not. */
  readonly verifyMs: number | null
}

/** How often a checkpoint's weights were right, as one node found: no part of any proof. */
export type Accuracy = {
  /** Rows that training never saw, or a sample of those it draws from. */
  readonly on: 'heldOut' | 'training'
  readonly rows: number
  readonly correct: number
}

/** A measurement just made. */
export type AccuracyView = Accuracy & {
  readonly job: Hash
  readonly range: number
  readonly stepsDone: number
}

/** The weights after a certified range. */
export type CheckpointView = {
  readonly range: number
  readonly stepsDone: number
  /** Over the rows of the range's steps. */
  readonly loss: bigint
  readonly rows: number
  /** Null: this node has not measured it, or lacks its weights or its rows. */
  readonly accuracy: Accuracy | null
}

/** An event of the `Jobs` module, named as in its ABI, with its arguments. */
export type JobEvent = {
  readonly job: Hash
  readonly event: string
  readonly blockNumber: bigint
  readonly transactionHash: Hash
  readonly details: Readonly<Record<string, unknown>>
}

export type WeightsView = {
  readonly job: Hash
  readonly stepsDone: number
  readonly commitment: Hash
  /** Content hash, for `GET /blob/HASH`. */
  readonly blob: Hash
  /** Bytes, if this node holds them. */
  readonly size: number | null
}

export type DatasetView = Dataset & {
  readonly size: number | null
  /** And how many accounts are on its list. */
  readonly terms: DatasetTerms & { readonly listed: number }
}
export type ModelView = Model & { readonly size: number | null; readonly terms: ModelTermsView }

type ModelTermsView = ModelTerms & { readonly sold: bigint }

/** Where a job's weights come from, and what it owes for that. */
export type LineageView = {
  /** The model's own, finished or not. */
  readonly terms: ModelTermsView
  /** The nearest first; the oldest may have some of its own. */
  readonly ancestors: readonly Model[]
  readonly royalties: readonly Royalty[]
  /** Wei for each row of training, and of the evaluation. */
  readonly rowPrice: bigint
  readonly heldOutRowPrice: bigint
}

export type PriceView = {
  /** Least price of a multiply-accumulate, wei. */
  readonly basePrice: bigint
  readonly certificateFee: bigint
  readonly openFee: bigint
}

/** A job that somebody thinks of opening: what decides its cost and time. */
export type JobDraft = Pick<Job, 'layers' | 'batch' | 'steps' | 'leaseSteps' | 'proofKind'> & {
  /** Wei; null for the least. */
  readonly pricePerMac: bigint | null
  readonly owner: Address | null
  /** Whose rows it draws, and the model that it starts from; null: left open, and free. */
  readonly dataset: Hash | null
  readonly base: Hash | null
  /** Rows of the evaluation, of the job's own dataset where none is named; null or none: it has none. */
  readonly heldOut: { readonly dataset: Hash | null; readonly rows: number } | null
}

export type EstimateView = Omit<PriceView, 'certificateFee'> & {
  /** Of training and, as `leases`, of the evaluation. */
  readonly macs: bigint
  readonly leases: bigint
  readonly pricePerMac: bigint
  /** What is held until it is earned, and with it what is never refunded. */
  readonly escrow: bigint
  /** What of the escrow is for rows, and for the owners of ancestors. */
  readonly onTop: bigint
  readonly total: bigint
  /** Validators that would take its leases. */
  readonly able: number
  readonly activeJobs: number
  readonly waitingJobs: number
  /** Once it is active: if every worker is as fast as can be, and if each takes its whole lease. */
  readonly blocksAtLeast: bigint
  readonly blocksAtMost: bigint
  readonly secondsAtLeast: bigint
  readonly secondsAtMost: bigint
}

export type ValidatorSetView = {
  readonly epoch: number
  readonly hash: Hash
  readonly totalPower: bigint
  readonly validators: readonly Validator[]
}

type CommitView = {
  readonly height: bigint
  readonly round: number
  readonly envelopeHash: Hash
  readonly validatorsHash: Hash
  readonly bitmap: Hex
  readonly signature: Hex
}

/** Duties, work and reputation of one validator. */
export type ServiceView = ServiceRecord & { readonly address: Address }

/** A window on a list: `items` from `cursor` on, and where the next window starts. */
export type Page<T> = { readonly items: readonly T[]; readonly next: number | null }
export type Window = { readonly cursor: number; readonly limit: number }

type JobFilter = { readonly status: JobStatus | null; readonly owner: Address | null }
type LeaseFilter = { readonly job: Hash | null; readonly holder: Address | null }

export type TrainViews = {
  readonly job: (id: Hash) => Promise<JobView | null>
  /** In the order of opening. A page may be short, even empty, and still have a `next`. */
  readonly jobs: (filter: JobFilter, window: Window) => Promise<Page<JobView>>
  readonly ranges: (job: Hash, window: Window) => Promise<Page<RangeView> | null>
  /** Leases that a certificate in the next block would be judged by. */
  readonly leases: (filter: LeaseFilter) => Promise<readonly LeaseView[]>
  readonly certificate: (job: Hash, range: number) => Promise<CertificateView | null>
  readonly certificates: (job: Hash, window: Window) => Promise<Page<CertificateView> | null>
  /** At most 66 checkpoints of a job, ascending; has this node measure their accuracy. */
  readonly course: (job: Hash) => Promise<readonly CheckpointView[] | null>
  /** What proves a certificate; null where this node does not keep it. */
  readonly sidecar: (job: Hash, range: number) => Promise<SidecarView | null>
  /** After `range`; null: the newest. */
  readonly weights: (job: Hash, range: number | null) => Promise<WeightsView | null>
  readonly price: () => Promise<PriceView>
  readonly estimate: (draft: JobDraft) => Promise<EstimateView>
}

export type DataViews = {
  readonly dataset: (root: Hash) => Promise<DatasetView | null>
  readonly datasets: (window: Window) => Promise<Page<DatasetView>>
  /** Named by the job that trained it. */
  readonly model: (job: Hash) => Promise<ModelView | null>
  readonly models: (window: Window) => Promise<Page<ModelView>>
  /** Of a job; null if there is none. */
  readonly lineage: (job: Hash) => Promise<LineageView | null>
  /** Accounts on a dataset's list. */
  readonly allowed: (root: Hash, window: Window) => Promise<Page<Address>>
}

export type ValViews = {
  /** Every wei accounted for, after the head block; walks all accounts, once per head. */
  readonly supply: () => Promise<Supply>
  readonly epoch: () => number
  /** The frozen set of `epoch`; null if it is not frozen yet, or no longer kept. */
  readonly set: (epoch: number) => Promise<ValidatorSetView | null>
  /** As a member of the current set. */
  readonly validator: (address: Address) => Promise<Validator | null>
  readonly proposer: (height: bigint, round: number) => Promise<Address | null>
  /** The commit of block `height`, for light clients. */
  readonly commit: (height: bigint) => Promise<CommitView | null>
  /** Encoded light block of `height` (`consensus/lightBlock.ts`); null where it is not kept. */
  readonly lightBlock: (height: bigint) => Promise<Hex | null>
}

export type RepViews = {
  /** Null for addresses that never bonded. */
  readonly service: (address: Address) => Promise<ServiceView | null>
  /** Of every member of the current set. */
  readonly participation: () => Promise<readonly ServiceView[]>
}
