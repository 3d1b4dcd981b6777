/**
 * A job's loss and accuracy at a few checkpoints.
 */
import type { CheckpointWire, JobWire } from '../../../client/wire.ts'
import { num } from '../format.ts'
import { measurements } from './live.ts'
import { node, type Query, useQuery } from './node.ts'
import { useStore } from './store.ts'

/** Read again when a range is certified or a checkpoint was measured. */
export function useCourse({ id, rangesDone }: JobWire): Query<readonly CheckpointWire[]> {
  const measured = useStore(measurements).get(id) ?? 0
  return useQuery(
    () => node.call<readonly CheckpointWire[]>('train_getCourse', id),
    [id, rangesDone, measured],
  )
}

export type Measured = {
  readonly step: number
  /** Part of the rows, in [0, 1]. */
  readonly accuracy: number
  readonly rows: number
  readonly on: 'heldOut' | 'training'
}

/** The checkpoints whose accuracy the node has measured. */
export function measuredOf(course: readonly CheckpointWire[]): readonly Measured[] {
  return course.flatMap(({ stepsDone, accuracy }) => {
    if (accuracy === null || num(accuracy.rows) === 0) return []
    const rows = num(accuracy.rows)
    return [{ step: num(stepsDone), accuracy: num(accuracy.correct) / rows, rows, on: accuracy.on }]
  })
}

/** Mean loss of a row at each checkpoint. */
export function lossesOf(course: readonly CheckpointWire[]): readonly number[] {
  return course.map(({ loss, rows }) => num(loss) / Math.max(1, num(rows)))
}
