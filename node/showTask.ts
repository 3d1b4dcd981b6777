/**
 * What a keeper of data does when it is asked for a part of it: find the part, and the digests that lead
 * from it to the name of the whole.
 */
import type { Dataset } from '../compute/dataset.ts'
import { decodeState } from '../compute/modelState.ts'
import { hashBytes } from '../primitives/hash.ts'
import { merkleLeaf } from '../primitives/merkle.ts'
import { MerkleStream } from '../primitives/merkleStream.ts'
import { type Fault, ok, type Result } from '../primitives/result.ts'
import { openWeights } from '../proof/weightsTree.ts'
import type { Part } from '../registry/challenges.ts'
import { decodeJob } from '../registry/job.ts'
import type { ProofTaskModules } from './proofTask.ts'

export type ShowTask = {
  readonly kind: 'show'
  /** Which row, or which position of the weights' code. */
  readonly index: number
  readonly of:
    | { readonly rows: string }
    /** Canonical bytes of a job, and of weights of its shape. */
    | { readonly job: Uint8Array; readonly state: Uint8Array }
}

export function show(
  { index, of }: ShowTask,
  { kernels, openDataset }: Pick<ProofTaskModules, 'kernels' | 'openDataset'>,
): Result<Part, Fault> {
  if ('rows' in of) {
    const dataset = openDataset(of.rows)
    return dataset.ok ? ok(rowPart(dataset.value, index % dataset.value.rows)) : dataset
  }
  const job = decodeJob(of.job)
  if (!job.ok) return job
  const state = decodeState(job.value, of.state)
  return state.ok ? ok(openWeights(job.value, state.value, index, kernels)) : state
}

/** Row `index` with its path, in one pass and little memory however many rows there are. */
export function rowPart(dataset: Dataset, index: number): Part {
  const path: Uint8Array[] = []
  let [from, to] = [0, dataset.rows]
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from)
    const left = index < middle
    path.unshift(left ? rootOf(dataset, middle, to) : rootOf(dataset, from, middle))
    if (left) to = middle
    else from = middle
  }
  return { data: Uint8Array.from(dataset.rowBytes(index)), path }
}

function rootOf(dataset: Dataset, from: number, to: number): Uint8Array {
  const stream = new MerkleStream()
  for (let row = from; row < to; row++) stream.add(merkleLeaf(dataset.rowBytes(row)))
  return hashBytes(stream.root())
}

/** @param n - at least 2. */
function largestPowerBelow(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1))
}
