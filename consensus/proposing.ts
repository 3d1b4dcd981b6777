/**
 * Making a new value when it is our turn: wait until a block may be made, build it once, hand it on.
 */
import type { BuiltValue, DriverModules, Head } from './driverModules.ts'
import { proposeFromMs } from './timeouts.ts'

export type ProposingModules = Pick<
  DriverModules,
  'clock' | 'params' | 'hasWork' | 'buildValue' | 'report'
> & {
  readonly height: bigint
  readonly parent: Head
  readonly built: (round: number, value: BuiltValue) => void
}

export type Proposing = {
  /** It is our turn in `round`; whatever an earlier round wanted is given up. */
  readonly begin: (round: number) => void
  /** Work has arrived: an idle wait ends. */
  readonly onWork: () => void
  /** Another round or height has begun. */
  readonly abandon: () => void
}

export function createProposing(modules: ProposingModules): Proposing {
  const { clock, params, parent, height, hasWork, buildValue, built, report } = modules
  /** The round that waits for its moment; null while none does. */
  let waiting: number | null = null
  let cancel: () => void = () => {}

  function abandon(): void {
    cancel()
    waiting = null
  }

  function arm(): void {
    cancel()
    if (waiting === null) return
    const wait = proposeFromMs(params, parent, waiting, hasWork()) - clock.now()
    if (wait > 0) {
      cancel = clock.after(wait, arm)
      return
    }
    const round = waiting
    waiting = null
    buildValue(height, round).then((value) => built(round, value), report)
  }

  return {
    begin: (round) => {
      abandon()
      waiting = round
      arm()
    },
    onWork: arm,
    abandon,
  }
}
