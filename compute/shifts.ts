/**
 * The numbers of one step's arithmetic: all of them public fields of the job, some of them scheduled.
 */
import { maxInnerDim } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'
import { type Job, phaseAt } from '../registry/job.ts'

export type StepShifts = {
  /** `F`. */
  readonly fractionBits: number
  /** `s_1..s_L`. */
  readonly forward: readonly number[]
  /** `t_1..t_{L−1}`: entry `l − 1` rescales the error that arrives at hidden layer `l`. */
  readonly backward: readonly number[]
  /** `u_1..u_L`. */
  readonly update: readonly number[]
}

/** What the arithmetic of a job's steps depends on. */
export type Recipe = Pick<Job, 'layers' | 'batch' | 'fractionBits' | 'forwardShifts' | 'schedule'>

/** The shifts that hold at `step`. */
export function shiftsAt(job: Recipe, step: number): StepShifts {
  const phase = phaseAt(job as Job, step)
  return {
    fractionBits: job.fractionBits,
    forward: job.forwardShifts,
    backward: phase.backwardShifts,
    update: phase.updateShifts,
  }
}

/**
 * Own-bug check that a job passed admission as far as this engine relies on it: as many shifts as
 * layers, and no update that could leave int32.
 */
export function assertRecipe(job: Recipe): void {
  const depth = job.layers.length - 1
  invariant(depth >= 1 && job.forwardShifts.length === depth, 'recipe: one forward shift per layer')
  invariant(job.schedule.length > 0, 'recipe: a first phase')
  for (const { updateShifts, backwardShifts } of job.schedule) {
    invariant(updateShifts.length === depth, 'recipe: one update shift per layer')
    invariant(backwardShifts.length === depth - 1, 'recipe: one backward shift per hidden layer')
    for (const u of updateShifts)
      invariant(
        256 * 2 ** job.fractionBits + 2 ** u * 127 * 127 * job.batch < 2 ** 31,
        `recipe: update by 2^${u} of ${job.batch} rows leaves int32`,
      )
  }
  invariant(
    job.layers.every((width) => width >= 1 && width <= maxInnerDim) && job.batch <= maxInnerDim,
    'recipe: a contraction is longer than 61,440',
  )
}
