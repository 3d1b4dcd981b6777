/**
 * What a certificate names weights by: the root of the proof's tree over them for proven jobs, a hash
 * for those that judges train again.
 */
import {
  commitStateBytes,
  decodeState,
  encodeState,
  type ModelState,
  stateBytes,
} from '../compute/modelState.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { PortableVerifier } from '../proof/portable.ts'
import { type Job, ProofKind } from '../registry/job.ts'
import type { Source } from './ask.ts'

export type WeightsFault =
  | { readonly code: 'weights/commitment'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'weights/malformed'; readonly why: string }

export function commitmentOf(
  { commitWeights }: Pick<PortableVerifier, 'commitWeights'>,
  job: Job,
  state: ModelState,
): Hash {
  return job.proofKind === ProofKind.Replay
    ? commitStateBytes(encodeState(job, state))
    : commitWeights(job, state)
}

/** Fetch the weights in `blob`; a refusal if they are not those that `expected` commits to. */
export async function fetchWeights(
  verifier: Pick<PortableVerifier, 'commitWeights'>,
  source: Pick<Source, 'blob'>,
  job: Job,
  blob: Hash,
  expected: Hash,
): Promise<Result<ModelState, WeightsFault>> {
  const state = decodeState(job, await source.blob(blob, stateBytes(job)))
  if (!state.ok) return refuse({ code: 'weights/malformed', why: state.fault.code })
  const got = commitmentOf(verifier, job, state.value)
  return got === expected ? ok(state.value) : refuse({ code: 'weights/commitment', expected, got })
}
