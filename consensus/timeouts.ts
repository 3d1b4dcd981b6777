/**
 * When things are due: timeouts that grow by round, the moment from which a block may be proposed, and
 * whether a proposal's timestamp is believable. Times are milliseconds unless they say seconds.
 */
import type { DriverParams, Head } from './driverModules.ts'
import { Step } from './machineState.ts'

/** Linear growth, so that delays eventually outgrow the network's, up to a cap. */
export function timeoutMs(params: DriverParams, step: Step, round: number): number {
  const base = {
    [Step.Propose]: params.proposeTimeoutMs,
    [Step.Prevote]: params.prevoteTimeoutMs,
    [Step.Precommit]: params.precommitTimeoutMs,
  }[step]
  return Math.min(base + round * params.timeoutGrowthMs, params.maxTimeoutMs)
}

/** Earliest timestamp of a child of `parent`, Unix seconds: they are whole and must grow. */
function earliestTime(params: DriverParams, parent: Head): bigint {
  return parent.time + BigInt(Math.ceil(params.minBlockIntervalMs / 1000))
}

/**
 * From when a proposal may be made, on the wall clock. In round 0 a chain without work waits for the
 * idle interval; later rounds wait for nothing but the timestamp.
 */
export function proposeFromMs(
  params: DriverParams,
  parent: Head,
  round: number,
  hasWork: boolean,
): number {
  const earliest = Number(earliestTime(params, parent)) * 1000
  if (round > 0 || hasWork) return earliest
  return Math.max(earliest, Number(parent.time) * 1000 + params.idleBlockIntervalMs)
}

/**
 * Whether a new proposal that arrives at `now` carries a believable timestamp. Bounds grow by round,
 * so that slow networks still agree in the end. Timestamps are cut to seconds, hence the extra one.
 *
 * @param time - of the block, Unix seconds.
 * @see "Proposer-based timestamps", CometBFT specification
 */
export function isTimely(
  params: DriverParams,
  parent: Head,
  time: bigint,
  round: number,
  now: number,
): boolean {
  if (time < earliestTime(params, parent)) return false
  const at = Number(time) * 1000
  const delay = params.proposalDelayMs * (1 + round / 2)
  return at <= now + params.clockPrecisionMs && now <= at + 1000 + params.clockPrecisionMs + delay
}
