/**
 * A validator as custodian: asked about weights, it fetches them, commits to them itself, and signs only
 * what it found.
 */
import { stateBytes } from '../compute/modelState.ts'
import type { Address } from '../primitives/address.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { encodeJob, ProofKind } from '../registry/job.ts'
import { JobStatus, readJob } from '../registry/jobRecord.ts'
import type { World } from '../registry/records.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import {
  type CustodyRequest,
  custodySignBytes,
  decodeCustodyRequest,
  encodeCustodyAnswer,
} from './custodyMessage.ts'
import { type EnsureBlob, unavailable } from './leaseTraining.ts'
import { type Logger, logFields } from './logger.ts'
import type { ProofPool } from './proofPool.ts'

export type CustodianModules = {
  readonly self: Address
  readonly chainId: number
  readonly sign: (message: Uint8Array) => Uint8Array
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

/** Requests of one peer that are looked into at once, and of all peers together. */
const maxPerPeer = 2
const maxAtOnce = 16

export function createCustodian(modules: CustodianModules): Custodian {
  const { self, chainId, sign, pool, blobs, ensureBlob, log } = modules
  const stopping = new AbortController()
  const busy = new Map<string, number>()

  async function answer(peer: string, bytes: Uint8Array): Promise<Uint8Array | null> {
    const request = decodeCustodyRequest(bytes)
    const running = busy.get(peer) ?? 0
    const all = [...busy.values()].reduce((sum, count) => sum + count, 0)
    if (!request.ok || running >= maxPerPeer || all >= maxAtOnce) return null
    busy.set(peer, running + 1)
    try {
      const found = await examine(request.value)
      if (!found.ok) {
        log.debug({ peer, fault: logFields(found.fault) }, 'not vouched for')
        return null
      }
      const signature = sign(custodySignBytes(chainId, request.value))
      return encodeCustodyAnswer({ custodian: self, signature })
    } finally {
      const left = busy.get(peer)! - 1
      if (left === 0) busy.delete(peer)
      else busy.set(peer, left)
    }
  }

  /** Whether the published weights have the commitment, for a range that runs. */
  async function examine(request: CustodyRequest): Promise<Result<null, Fault>> {
    const record = await readJob(await modules.world(), request.job)
    if (record === null) return refuse({ code: 'jobs/unknown' })
    const { job, state } = record
    const fits =
      state.status === JobStatus.Active &&
      job.proofKind === ProofKind.StepProof &&
      state.range === request.range
    if (!fits) return refuse({ code: 'custody/range', expected: state.range, got: request.range })
    // Anybody may ask: what is longer than the weights is not worth this node's disk.
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
