/**
 * A job's course in a few checkpoints: the loss that their certificates tell, and the accuracy that this
 * node measured.
 */
import type { Hash } from '../primitives/hash.ts'
import { rangeCount, rangeSteps } from '../registry/job.ts'
import { type JobRecord, JobStatus } from '../registry/jobRecord.ts'
import type { WorkIndex } from './workIndex.ts'
import type { Accuracy, CheckpointView } from './workViews.ts'

/** A course has at most two more: the first checkpoint, and that of a job which ended early. */
export const maxCheckpoints = 64

/**
 * Certified ranges of a course, ascending: evenly spaced, the first, and once the job has ended the
 * last. A range that is one stays one, so what was measured is never in vain.
 */
export function checkpointsOf({ job, state }: Pick<JobRecord, 'job' | 'state'>): readonly number[] {
  const ranges = rangeCount(job)
  const done = Math.min(state.range, ranges)
  const spacing = Math.ceil(ranges / maxCheckpoints)
  const ended = state.status === JobStatus.Finished || state.status === JobStatus.Cancelled
  const found = done > 0 ? [0] : []
  for (let range = spacing - 1; range < done; range += spacing) if (range > 0) found.push(range)
  if (ended && done - 1 > (found.at(-1) ?? done)) found.push(done - 1)
  return found
}

/** @param measured - by range; what it lacks is not measured, or not yet. */
export async function courseOf(
  record: JobRecord,
  certificate: WorkIndex['certificate'],
  measured: ReadonlyMap<number, Accuracy>,
): Promise<readonly CheckpointView[]> {
  const { id, job } = record
  const course: CheckpointView[] = []
  for (const range of checkpointsOf(record)) {
    const found = await certificate(id, range)
    if (found === null) continue
    const { from, count } = rangeSteps(job, range)
    course.push({
      range,
      stepsDone: from + count,
      loss: found.losses.reduce((sum, loss) => sum + loss, 0n),
      rows: count * job.batch,
      accuracy: measured.get(range) ?? null,
    })
  }
  return course
}

/** What a node measures of weights, for its own pages: no part of any proof. */
export type AccuracyMeter = {
  /** What is known of `job`, by range. Whoever asks has the rest measured as well, when there is time. */
  readonly ask: (job: Hash) => Promise<ReadonlyMap<number, Accuracy>>
}
