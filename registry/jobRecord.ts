/**
 * A job's state on the chain: its canonical bytes, written once, and what changes as it runs.
 */
import type { Address } from '../primitives/address.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { decodeJob, encodeJob, type Job } from './job.ts'
import {
  addressOfWord,
  getBytes,
  hashOfWord,
  listItem,
  listLength,
  putBytes,
  slotOf,
} from './layout.ts'
import type { World } from './records.ts'

export const JobStatus = {
  Waiting: 'waiting',
  Active: 'active',
  Finished: 'finished',
  Cancelled: 'cancelled',
} as const
export type JobStatus = (typeof JobStatus)[keyof typeof JobStatus]

/** Codes in storage and in the ABI; 0 is "no such job". */
export const jobStatuses: readonly (JobStatus | null)[] = [
  null,
  JobStatus.Waiting,
  JobStatus.Active,
  JobStatus.Finished,
  JobStatus.Cancelled,
]

/** What changes as a job runs. */
export type JobState = {
  readonly status: JobStatus
  readonly openedAt: bigint
  /** From `mixHash` two blocks after it became active; zero before. */
  readonly seed: Hash
  /** `g`, the running range. */
  readonly range: number
  /** `h0`: the block that opened the running range. */
  readonly rangeSince: bigint
  /** Wei held for settlements to come. */
  readonly escrow: bigint
  /** Commitment to, and blob of, the newest weights; zero before the first certificate. */
  readonly commitment: Hash
  readonly weights: Hash
  /** Who declined the running range; the zero address if nobody has. */
  readonly declinedBy: Address
  /** Attempts of the running range whose holders have paid for missing it. */
  readonly missesPaid: number
  readonly cancelRequested: boolean
  /** From `mixHash` two blocks after the last step was certified; zero before, and without evaluation. */
  readonly evaluationSeed: Hash
}

export type JobRecord = { readonly id: Hash; readonly job: Job; readonly state: JobState }

const fields = [
  'status',
  'openedAt',
  'seed',
  'range',
  'rangeSince',
  'escrow',
  'commitment',
  'weights',
  'declinedBy',
  'missesPaid',
  'cancelRequested',
  'evaluationSeed',
] as const satisfies readonly (keyof JobState)[]

/** Bytes of the largest canonical job. */
const maxJobBytes = 16_384

const place = (id: Hash, field: keyof JobState): bigint =>
  slotOf('job', id) + BigInt(fields.indexOf(field))
const bytesPlace = (id: Hash): bigint => slotOf('jobBytes', id)

export async function readJob(world: World, id: Hash): Promise<JobRecord | null> {
  const state = await readJobState(world, id)
  if (state === null) return null
  const decoded = decodeJob(await getBytes(world.jobs, bytesPlace(id), maxJobBytes))
  invariant(decoded.ok, `job ${id}: stored bytes do not decode`)
  return { id, job: decoded.value, state }
}

export async function readJobState(world: World, id: Hash): Promise<JobState | null> {
  const get = (field: keyof JobState) => world.jobs.get(place(id, field))
  const status = jobStatuses[Number(await get('status'))] ?? null
  if (status === null) return null
  return {
    status,
    openedAt: await get('openedAt'),
    seed: hashOfWord(await get('seed')),
    range: Number(await get('range')),
    rangeSince: await get('rangeSince'),
    escrow: await get('escrow'),
    commitment: hashOfWord(await get('commitment')),
    weights: hashOfWord(await get('weights')),
    declinedBy: addressOfWord(await get('declinedBy')),
    missesPaid: Number(await get('missesPaid')),
    cancelRequested: (await get('cancelRequested')) === 1n,
    evaluationSeed: hashOfWord(await get('evaluationSeed')),
  }
}

export async function writeJobState(
  world: World,
  id: Hash,
  changes: Partial<JobState>,
): Promise<void> {
  for (const field of fields) {
    const value = changes[field]
    if (value !== undefined) await world.jobs.put(place(id, field), wordOf(value))
  }
}

function wordOf(value: JobState[keyof JobState]): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n
  const status = jobStatuses.indexOf(value as JobStatus)
  return status > 0 ? BigInt(status) : BigInt(value)
}

/** Store a new job's canonical bytes; its state follows by {@link writeJobState}. */
export async function writeJobBytes(world: World, id: Hash, job: Job): Promise<void> {
  await putBytes(world.jobs, bytesPlace(id), encodeJob(job))
}

export function jobCount(world: World): Promise<number> {
  return listLength(world.jobs, 'jobs')
}

/** Name of the job opened as number `index`. */
export async function jobAt(world: World, index: number): Promise<Hash> {
  return hashOfWord(await listItem(world.jobs, index, 'jobs'))
}

/** Whether a range has no certificate yet to build on: the weights are the initial ones. */
export function isFresh(state: JobState): boolean {
  return state.commitment === zeroHash
}
