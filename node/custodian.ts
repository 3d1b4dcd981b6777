/**
 * A validator as custodian: asked about weights, it fetches them, commits to them itself, and signs only
 * what it found.
 */
import { stateBytes } from '../compute/modelState.ts'
import { verify } from '../consensus/bls.ts'
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { type Hex, toHex } from '../primitives/bytes.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { custodyOf } from '../registry/custody.ts'
import { encodeJob, type Job } from '../registry/job.ts'
import { type JobRecord, JobStatus, readJob } from '../registry/jobRecord.ts'
import type { World } from '../registry/records.ts'
import { nextLease } from '../registry/schedule.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import {
  type CustodyQuestion,
  type CustodyRequest,
  custodyAskBytes,
  custodySignBytes,
  decodeCustodyQuestion,
  encodeCustodyAnswer,
} from './custodyMessage.ts'
import { type EnsureBlob, unavailable } from './leaseTraining.ts'
import { type Logger, logFields } from './logger.ts'
import type { ProofPool } from './proofPool.ts'

export type CustodianModules = {
  readonly self: Address
  readonly chainId: number
  readonly sign: (message: Uint8Array) => Uint8Array
  readonly params: ChainParams
  readonly head: () => bigint
  readonly world: () => Promise<World>
  readonly pool: Pick<ProofPool, 'commit'>
  readonly blobs: Pick<BlobStore, 'readAll'>
  readonly ensureBlob: EnsureBlob
  readonly log: Logger
}

export type Custodian = {
  /** Answer a peer's request; null where this node cannot or will not vouch. */
  readonly answer: (peer: string, bytes: Uint8Array) => Promise<Uint8Array | null>
  readonly stop: () => void
}

/** Questions of one peer that are looked at at once, of one asker that are worked on, and of all askers. */
const maxPerPeer = 4
const maxPerAsker = 2
const maxAtOnce = 16

export function createCustodian(modules: CustodianModules): Custodian {
  const { self, chainId, params, sign, pool, blobs, ensureBlob, log } = modules
  const stopping = new AbortController()
  /** Answers under way, by question: who hears one may repeat it, and takes nobody's place by that. */
  const answers = new Map<string, Promise<Uint8Array | null>>()
  const peers = new Map<string, number>()
  const askers = new Map<string, number>()

  async function answer(peer: string, bytes: Uint8Array): Promise<Uint8Array | null> {
    const question = decodeCustodyQuestion(bytes)
    if (!question.ok) return null
    const name = toHex(bytes)
    const known = answers.get(name)
    if (known !== undefined) return known
    if ((peers.get(peer) ?? 0) >= maxPerPeer) return null
    const found = counted(peers, peer, () => answerTo(peer, question.value))
    answers.set(name, found)
    return found.finally(() => answers.delete(name))
  }

  async function answerTo(peer: string, question: CustodyQuestion): Promise<Uint8Array | null> {
    const { request } = question
    const found = await examine(question)
    if (found.ok) {
      const signature = sign(custodySignBytes(chainId, request))
      return encodeCustodyAnswer({ custodian: self, signature })
    }
    log.debug({ peer, fault: logFields(found.fault) }, 'not vouched for')
    return null
  }

  async function examine(question: CustodyQuestion): Promise<Result<null, Fault>> {
    const { request, asker } = question
    const asked = await askedBy(question)
    if (!asked.ok) return asked
    const all = [...askers.values()].reduce((sum, count) => sum + count, 0)
    const got = askers.get(asker) ?? 0
    if (got >= maxPerAsker || all >= maxAtOnce) return refuse({ code: 'custody/busy', got, all })
    return counted(askers, asker, () => compare(request, asked.value))
  }

  /** The job of a lease that `asker` might certify in the next block, if it is the asker's question. */
  async function askedBy({
    request,
    asker,
    signature,
  }: CustodyQuestion): Promise<Result<Job, Fault>> {
    const head = modules.head()
    const world = await modules.world()
    const record = await readJob(world, request.job)
    if (record === null) return refuse({ code: 'jobs/unknown' })
    const { job, state } = record
    if (state.status !== JobStatus.Active || state.range !== request.range)
      return refuse({ code: 'custody/range', expected: state.range, got: request.range })
    const key = await keyOfTaker(world, record, asker, head)
    if (key === null) return refuse({ code: 'custody/stranger', asker })
    return verify(key, custodyAskBytes(chainId, request), signature)
      ? ok(job)
      : refuse({ code: 'custody/signature', asker })
  }

  /** The voting key of who may certify the job's running range in the block after `head`. */
  async function keyOfTaker(
    world: World,
    record: JobRecord,
    asker: Address,
    head: bigint,
  ): Promise<Hex | null> {
    const lease = await nextLease(world, params, record, head)
    if (lease === null) return null
    const takers = lease.holder === null ? lease.able : [lease.holder]
    const custody = await custodyOf(world, params, record.job, lease, head)
    const member = custody?.members.find(({ address }) => address === asker)
    return takers.includes(asker) ? (member?.publicKey ?? null) : null
  }

  /** Whether the published weights have the commitment. */
  async function compare(request: CustodyRequest, job: Job): Promise<Result<null, Fault>> {
    // What is longer than the weights is not worth this node's disk.
    const there = await ensureBlob(request.weights, stopping.signal, stateBytes(job))
    if (!there.ok) return there
    const bytes = await blobs.readAll(request.weights, stateBytes(job))
    if (!bytes.ok) return unavailable(bytes.fault)
    const task = { job: encodeJob(job), state: bytes.value }
    const committed = await pool.commit(task, { signal: stopping.signal })
    if (!committed.ok) return committed
    const { commitment: got } = committed.value
    return got === request.after
      ? ok(null)
      : refuse({ code: 'custody/commitment', expected: request.after, got })
  }

  return { answer, stop: () => stopping.abort() }
}

/** Run `work`, and count it under `name` until it ends. */
async function counted<T>(
  counts: Map<string, number>,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  counts.set(name, (counts.get(name) ?? 0) + 1)
  try {
    return await work()
  } finally {
    const left = counts.get(name)! - 1
    if (left === 0) counts.delete(name)
    else counts.set(name, left)
  }
}
