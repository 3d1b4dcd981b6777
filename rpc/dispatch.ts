/**
 * Carrying out calls: so many at once, so many waiting, each within its time; whatever goes wrong is
 * an answer.
 */
import type { Clock } from '../primitives/clock.ts'
import { refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import type { Answer, CallContext, Methods } from './method.ts'

export type DispatchLimits = {
  /** Calls in progress. */
  readonly maxRunning: number
  /** Calls that wait for one of those to end; more are refused. */
  readonly maxWaiting: number
  /** From arrival to answer. */
  readonly callTimeoutMs: number
}

type DispatchStats = { calls: number; refused: number; failed: number }

export type Dispatcher = {
  readonly dispatch: (method: string, params: unknown, context: CallContext) => Promise<Answer>
  /** Begin what calls of a batch have in common; whatever goes wrong shows when they are carried out. */
  readonly prepare: (method: string, params: unknown) => Promise<void>
  readonly stats: () => Readonly<DispatchStats>
}

export function createDispatcher(
  limits: DispatchLimits,
  methods: Methods,
  { clock, report }: { readonly clock: Clock; readonly report: (error: unknown) => void },
): Dispatcher {
  const table = new Map(Object.entries(methods))
  const { acquire, release } = createSlots(limits.maxRunning, limits.maxWaiting)
  const stats: DispatchStats = { calls: 0, refused: 0, failed: 0 }

  async function dispatch(name: string, params: unknown, context: CallContext): Promise<Answer> {
    stats.calls++
    const answer = await attempt(name, params, context)
    if (!answer.ok) stats.refused++
    return answer
  }

  async function attempt(name: string, params: unknown, context: CallContext): Promise<Answer> {
    const method = table.get(name)
    if (method === undefined) return refuse({ code: 'rpc/method', method: name })
    const slot = acquire()
    if (slot === null) return busy(limits)
    return within(slot.then(() => method.run(params, context)).finally(release))
  }

  /** The answer, or that it took too long; the work itself keeps its slot until it ends. */
  function within(work: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve) => {
      const limitMs = limits.callTimeoutMs
      const cancel = clock.after(limitMs, () => resolve(refuse({ code: 'rpc/timeout', limitMs })))
      work
        .catch((error: unknown): Answer => {
          stats.failed++
          report(error)
          return refuse({ code: 'rpc/internal' })
        })
        .then((answer) => {
          cancel()
          resolve(answer)
        }, report)
    })
  }

  async function prepare(name: string, params: unknown): Promise<void> {
    await table.get(name)?.prepare?.(params)?.catch(report)
  }

  return { dispatch, prepare, stats: () => ({ ...stats }) }
}

function busy({ maxRunning, maxWaiting }: DispatchLimits): Answer {
  const limit = maxRunning + maxWaiting
  const fault: RpcFault = { code: 'rpc/limit', what: 'calls at once', limit }
  return refuse(fault)
}

/** A counter of free places with a bounded line in front of it, first come first served. */
function createSlots(places: number, maxWaiting: number) {
  const line: (() => void)[] = []
  let taken = 0
  return {
    /** Resolves when a place is the caller's; null: the line is full. */
    acquire: (): Promise<void> | null => {
      if (taken < places) {
        taken++
        return Promise.resolve()
      }
      if (line.length >= maxWaiting) return null
      return new Promise((resolve) => line.push(resolve))
    },
    release: (): void => {
      const next = line.shift()
      if (next === undefined) taken--
      else next()
    },
  }
}
