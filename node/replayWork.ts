/**
 * Working a lease of a `replay` job: train it, publish the weights, and say so. The step of an evaluation
 * is done too, but its weights are nobody's.
 */

import type { Address } from '../primitives/address.ts'
import { ok, refuse } from '../primitives/result.ts'
import { rowBlobsOf } from '../registry/datasets.ts'
import { isEvaluation } from '../registry/evaluation.ts'
import { encodeReplaySidecar } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import type { TrainLease } from './leaseTraining.ts'
import type { LeaseWork } from './leaseWork.ts'

export type ReplayWorkModules = {
  readonly self: Address
  readonly train: TrainLease
  readonly blobs: Pick<BlobStore, 'put'>
}

export function createReplayWork({ self, train, blobs }: ReplayWorkModules): LeaseWork {
  return async ({ lease: { range }, record, work, dataset }, signal) => {
    const inputs = {
      ...work,
      weightsBefore: record.state.weights,
      ...rowBlobsOf(dataset),
    }
    const trained = await train(inputs, signal)
    if (!trained.ok) return trained
    const { before, commitment: after, losses, ms: trainMs } = trained.value
    const evaluates = isEvaluation(record.job, range)
    const weights = evaluates ? ok(record.state.weights) : await blobs.put(trained.value.state)
    if (!weights.ok) return refuse(weights.fault)
    const claim = {
      job: record.id,
      range,
      before,
      after,
      weights: weights.value,
      losses,
      custodians: 0n,
    }
    return ok({ claim, sidecar: encodeReplaySidecar({ worker: self, after }), trainMs, proveMs: 0 })
  }
}
