/**
 * Working a lease of a proven job: train and prove it in a child process while the custodians look at
 * the new weights.
 */
import { stateBytes } from '../compute/modelState.ts'
import type { Address } from '../primitives/address.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { type Fault, invariant, ok, type Result, refuse } from '../primitives/result.ts'
import type { Custody } from '../registry/custody.ts'
import { rowBlobsOf } from '../registry/datasets.ts'
import { isEvaluation } from '../registry/evaluation.ts'
import { encodeJob } from '../registry/job.ts'
import { encodeProofSidecar } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { GatherCustody, Vouched } from './custodyRound.ts'
import type { EnsureBlob } from './leaseTraining.ts'
import type { LeaseOrder, LeaseWork } from './leaseWork.ts'
import type { ProofPool } from './proofPool.ts'
import type { Trained } from './proofTask.ts'
import { datasetFileOf, ensureRows } from './rowFiles.ts'

export type ProofWorkModules = {
  readonly self: Address
  readonly pool: Pick<ProofPool, 'prove'>
  readonly gather: GatherCustody
  /** Who may vouch for the weights of a lease. */
  readonly custodyOf: (order: LeaseOrder) => Promise<Custody | null>
  readonly blobs: Pick<BlobStore, 'put' | 'readAll' | 'path'>
  readonly ensureBlob: EnsureBlob
}

type Published = {
  readonly weights: Hash
  readonly vouched: Pick<Vouched, 'custodians' | 'signature'>
}

/** In the place of a signature where there are no custodians. */
const nobodysSignature = new Uint8Array(96)

export function createProofWork(modules: ProofWorkModules): LeaseWork {
  const { self, pool, gather, custodyOf, blobs, ensureBlob } = modules

  /** Store the new weights and have them vouched for; an evaluation leaves those that there are. */
  async function publish(
    order: LeaseOrder,
    { state, commitment }: Trained,
    signal: AbortSignal,
  ): Promise<Result<Published, Fault>> {
    const { job, state: known } = order.record
    if (isEvaluation(job, order.lease.range))
      return ok({
        weights: known.weights,
        vouched: { custodians: 0n, signature: nobodysSignature },
      })
    const weights = await blobs.put(state)
    if (!weights.ok) return refuse(weights.fault)
    const custody = await custodyOf(order)
    if (custody === null) return refuse({ code: 'custody/unknown' })
    const { job: id, range } = order.lease
    const request = { job: id, range, after: commitment, weights: weights.value }
    const vouched = await gather(request, custody, signal)
    return vouched.ok ? ok({ weights: weights.value, vouched: vouched.value }) : vouched
  }

  async function stateBefore(
    { record: { job, state } }: LeaseOrder,
    signal: AbortSignal,
  ): Promise<Result<Uint8Array | null, Fault>> {
    if (state.weights === zeroHash) return ok(null)
    const there = await ensureBlob(state.weights, signal)
    return there.ok ? blobs.readAll(state.weights, stateBytes(job)) : there
  }

  return async (order, signal) => {
    const { record, dataset, lease, work } = order
    const { job, range, seed } = work
    const blobsOfRows = rowBlobsOf(dataset)
    const rows = await ensureRows(blobsOfRows, ensureBlob, signal)
    if (!rows.ok) return rows
    const before = await stateBefore(order, signal)
    if (!before.ok) return before
    let trained: Trained | null = null
    let publishing: Promise<Result<Published, Fault>> | null = null
    const task = {
      job: encodeJob(job),
      seed,
      range,
      worker: self,
      state: before.value,
      dataset: datasetFileOf(job.dataset, blobsOfRows, blobs),
    }
    const giveUp = new AbortController()
    const proven = await pool.prove(task, {
      signal,
      onProgress: (progress) => {
        trained = progress
        publishing = publish(order, progress, AbortSignal.any([signal, giveUp.signal]))
        // A failure waits for the proof's end, which may be minutes away.
        publishing.catch(() => {})
      },
    })
    if (!proven.ok) giveUp.abort()
    const published = await (publishing as Promise<Result<Published, Fault>> | null)
    if (!proven.ok) return proven
    invariant(published !== null && trained !== null, 'proofWork: a proof follows training')
    if (!published.ok) return published
    const { weights, vouched } = published.value
    const { before: from, commitment: after, losses, trainMs } = trained as Trained
    const { custodians, signature: custody } = vouched
    const { proof, proveMs } = proven.value
    return ok({
      claim: {
        job: record.id,
        range: lease.range,
        before: from,
        after,
        weights,
        losses,
        custodians,
      },
      sidecar: encodeProofSidecar({ custody, proof }),
      trainMs,
      proveMs,
    })
  }
}
