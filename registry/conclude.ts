/**
 * The end of a job that nobody evaluates. Rule W-76 of docs/spec/work.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { evaluationAttempts, isEvaluation } from './evaluation.ts'
import { endJob } from './jobBook.ts'
import { JobStatus, readJob } from './jobRecord.ts'
import { type Miss, settleMisses } from './misses.ts'
import { readingStakesOnce, type World } from './records.ts'
import { attemptAt, attemptStart } from './schedule.ts'

export type ConcludeFault =
  | { readonly code: 'jobs/unknown'; readonly id: Hash }
  | { readonly code: 'jobs/notRunning'; readonly id: Hash }
  | { readonly code: 'jobs/tooEarly'; readonly start: bigint; readonly height: bigint }

export type Concluded = { readonly misses: readonly Miss[]; readonly refund: bigint }

/**
 * `Jobs.conclude`: when all attempts of an evaluation have passed, anyone ends the job without it. The
 * model is registered, what was meant for the evaluation goes back to the owner, and who missed pays.
 */
export async function concludeJob(
  metered: World,
  params: ChainParams,
  id: Hash,
  caller: Address,
  height: bigint,
): Promise<Result<Concluded, ConcludeFault>> {
  const world = readingStakesOnce(metered)
  const record = await readJob(world, id)
  if (record === null) return refuse({ code: 'jobs/unknown', id })
  const { job, state } = record
  if (state.status !== JobStatus.Active || !isEvaluation(job, state.range))
    return refuse({ code: 'jobs/notRunning', id })
  const start = attemptStart(record, params, evaluationAttempts)
  if (attemptAt(record, params, height) < evaluationAttempts)
    return refuse({ code: 'jobs/tooEarly', start, height })
  const settled = await settleMisses(world, params, record, caller, height)
  const refund = await endJob(world, params, settled.record, JobStatus.Finished, height)
  return ok({ misses: settled.misses, refund })
}
