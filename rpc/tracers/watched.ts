/**
 * Running something with a tracer in front of it, and telling what ended the tracer.
 */
import { ok, type Result, refuse } from '../../primitives/result.ts'
import type { RpcFault } from '../errors.ts'
import type { CallOutcome } from '../views.ts'
import { TraceLimit, type WatchedVm } from './tracer.ts'

/**
 * @param run - runs the VM that it shows to `watch` first.
 * @param observe - starts watching; its result stops that and throws what the tracer has thrown.
 */
export async function watched<T>(
  run: (watch: (vm: WatchedVm) => void) => Promise<T>,
  observe: (vm: WatchedVm) => () => void,
): Promise<Result<T, RpcFault>> {
  let stop: (() => void) | null = null
  const answer = await run((vm) => {
    stop = observe(vm)
  })
  try {
    ;(stop as (() => void) | null)?.()
    return ok(answer)
  } catch (error) {
    if (!(error instanceof TraceLimit)) throw error
    return refuse({ code: 'rpc/limit', what: error.what, limit: error.limit })
  }
}

/** The refusal of a call that could not even begin. */
export function failureFault(outcome: Extract<CallOutcome, { ok: false }>) {
  return refuse({ code: 'rpc/execution', reason: outcome.reason } as const)
}
