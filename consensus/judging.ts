/**
 * Judging the values that the machine looks for: each at most once at a time, started when its bytes and
 * sidecars are here, stopped when nobody looks for it any more.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { DriverModules, Judged } from './driverModules.ts'
import type { State } from './machineState.ts'
import { wantedValues } from './round.ts'
import type { ValueStore } from './valueStore.ts'

export type JudgingModules = Pick<DriverModules, 'judge' | 'report'> & {
  readonly height: bigint
  readonly store: ValueStore
  /** Bytes of a value are whole, for the first time since the machine looks for it. */
  readonly completed: (value: Hash) => void
  /** Everything of a value is here: it may be logged. */
  readonly ready: (value: Hash) => void
  readonly judged: (value: Hash, result: Result<Judged, Fault>) => void
}

export type Judging = {
  /** Catch up with what the machine now looks for. */
  readonly pursue: (state: State) => void
  readonly abandon: () => void
}

export function createJudging(modules: JudgingModules): Judging {
  const { height, store, judge, completed, ready, judged, report } = modules
  /** Values whose judging has begun; one that failed by an exception is not begun again. */
  const running = new Map<Hash, AbortController>()

  function start(value: Hash, bytes: Uint8Array, sidecars: ReadonlyMap<Hash, Uint8Array>): void {
    const controller = new AbortController()
    running.set(value, controller)
    judge(height, bytes, sidecars, controller.signal)
      .then((result) => {
        if (!controller.signal.aborted) judged(value, result)
      })
      .catch((error: unknown) => {
        if (!controller.signal.aborted) report(error)
      })
  }

  function stop(value: Hash, controller: AbortController): void {
    controller.abort()
    running.delete(value)
  }

  function pursueOne(state: State, value: Hash): void {
    const bytes = store.bytesOf(value)
    if (bytes === null) return
    const verdict = state.verdicts.get(value)
    if (verdict === undefined) {
      completed(value)
      return
    }
    const sidecars = store.sidecarsOf(value)
    if (verdict.type !== 'complete' || sidecars === null || running.has(value)) return
    ready(value)
    start(value, bytes, sidecars)
  }

  return {
    pursue: (state) => {
      const wanted = wantedValues(state)
      // A value with a verdict stays: the machine may decide on it while the verdict is there.
      store.want([...wanted, ...state.verdicts.keys()])
      for (const [value, controller] of running) {
        const settled = (state.verdicts.get(value)?.type ?? 'complete') !== 'complete'
        if (settled || !wanted.includes(value)) stop(value, controller)
      }
      if (state.decided === null) for (const value of wanted) pursueOne(state, value)
    },
    abandon: () => {
      for (const [value, controller] of running) stop(value, controller)
    },
  }
}
