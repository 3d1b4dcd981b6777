/**
 * Starting and stopping the parts of a node in order.
 */

/** A part of the node that runs. `start`, then `stop`, once each. */
export type Service = {
  readonly name: string
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * Start `services` in order and return what stops them, last first.
 *
 * @throws {Error} if one fails to start, after stopping those before it; `cause` is its error.
 */
export async function startAll(services: readonly Service[]): Promise<() => Promise<void>> {
  const running: Service[] = []
  for (const service of services) {
    try {
      await service.start()
      running.unshift(service)
    } catch (cause) {
      await stopAll(running)
      throw new Error(`could not start ${service.name}: ${(cause as Error).message}`, { cause })
    }
  }
  return () => stopAll(running)
}

/** Stop every service even if some refuse, then report the refusals together. */
async function stopAll(running: readonly Service[]): Promise<void> {
  const failures: unknown[] = []
  for (const service of running) await service.stop().catch((error) => failures.push(error))
  if (failures.length > 0) throw new AggregateError(failures, 'some services did not stop')
}
