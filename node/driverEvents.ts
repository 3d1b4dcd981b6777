/**
 * What consensus does, as log lines and metrics.
 */
import type { DriverEvent } from '../consensus/driverModules.ts'
import { type Logger, logFields } from './logger.ts'
import type { Metrics } from './metrics.ts'

export function createDriverEvents({
  metrics,
  log,
}: {
  readonly metrics: Metrics
  readonly log: Logger
}): (event: DriverEvent) => void {
  return (event) => {
    const { type, ...fields } = event
    const shown = logFields(fields)
    switch (type) {
      case 'commit':
        if (event.sinceProposalMs !== null)
          metrics.commitSeconds.observe(event.sinceProposalMs / 1_000)
        log.info(shown, 'block committed')
        return
      case 'round':
        if (event.round > 0) {
          metrics.rounds.inc()
          log.info(shown, 'round started')
        }
        return
      case 'refused':
        log.warn({ ...shown, fault: logFields(event.fault) }, 'proposal refused')
        return
      case 'evidence':
      case 'abstain':
      case 'torn':
        log.warn(shown, `consensus ${type}`)
        return
      case 'fork':
        log.error(shown, 'the chain has forked; see waggle forensics')
        return
      case 'halt':
        log.error(shown, 'consensus halted')
        return
      case 'height':
      case 'proposal':
      case 'vote':
        log.debug(shown, `consensus ${type}`)
        return
      default:
        event satisfies never
    }
  }
}
