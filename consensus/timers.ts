/**
 * The timers of one height: the machine's timeouts on the node's clock. The wait for a proposal counts
 * from when one may be made, so it moves when work arrives on an idle chain.
 */
import type { Clock } from '../primitives/clock.ts'
import type { DriverParams, Head } from './driverModules.ts'
import { Step } from './machineState.ts'
import { proposeFromMs, timeoutMs } from './timeouts.ts'

export type TimerModules = {
  readonly clock: Clock
  readonly params: DriverParams
  readonly parent: Head
  readonly hasWork: () => boolean
  readonly fire: (step: Step, round: number) => void
}

export type Timers = {
  readonly schedule: (step: Step, round: number) => void
  /** Work has arrived: a proposal may be due earlier than thought. */
  readonly onWork: () => void
  readonly cancel: () => void
}

export function createTimers(modules: TimerModules): Timers {
  const { clock, params, parent, hasWork, fire } = modules
  const running = new Set<() => void>()
  /** The wait for a proposal in round 0 of an idle chain. */
  let idle: (() => void) | null = null

  function start(delayMs: number, step: Step, round: number): () => void {
    const cancel = clock.after(delayMs, () => {
      running.delete(cancel)
      fire(step, round)
    })
    running.add(cancel)
    return () => {
      running.delete(cancel)
      cancel()
    }
  }

  function awaitProposal(round: number, work: boolean): void {
    const wait = Math.max(0, proposeFromMs(params, parent, round, work) - clock.now())
    const cancel = start(wait + timeoutMs(params, Step.Propose, round), Step.Propose, round)
    idle = round === 0 && !work ? cancel : null
  }

  return {
    schedule: (step, round) => {
      if (step === Step.Propose) awaitProposal(round, hasWork())
      else start(timeoutMs(params, step, round), step, round)
    },
    onWork: () => {
      if (idle === null) return
      idle()
      awaitProposal(0, true)
    },
    cancel: () => {
      for (const cancel of running) cancel()
      running.clear()
      idle = null
    },
  }
}
