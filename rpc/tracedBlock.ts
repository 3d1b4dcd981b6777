/**
 * Tracing the transactions of a committed block.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import type { RpcChain } from './modules.ts'
import { callTracer } from './tracers/callTracer.ts'
import { type MakeTracer, traceBlock } from './tracers/tracer.ts'
import { watched } from './tracers/watched.ts'
import type { Json } from './wire.ts'

/** The answers of the tracers that `make` gives, by the index of the transaction. */
export async function tracedBlock(
  chain: RpcChain,
  number: bigint,
  make: MakeTracer,
): Promise<Result<ReadonlyMap<number, Json>, RpcFault>> {
  const answers = new Map<number, Json>()
  const ran = await watched(
    (watch) => chain.replay(number, watch),
    (vm) => traceBlock(vm, make, answers),
  )
  if (!ran.ok) return ran
  if (ran.value === null) return refuse({ code: 'rpc/notFound', what: 'state' })
  return ran.value
    ? ok(answers)
    : refuse({ code: 'rpc/execution', reason: 'the block took too long to trace' })
}

/** What `callTracer` says of a frame. */
type CallFrame = {
  readonly type: string
  readonly from: string
  readonly to?: string
  readonly value?: string
  readonly input: string
  readonly output?: string
  readonly error?: string
  readonly calls?: readonly CallFrame[]
}

/** A frame, and how deep it lies. */
export type TracedFrame = { readonly frame: CallFrame; readonly depth: number }

/** The frames of one transaction, each before those that it began. */
export async function tracedFrames(
  chain: RpcChain,
  place: { readonly number: bigint; readonly index: number },
): Promise<Result<readonly TracedFrame[], RpcFault>> {
  const traced = await tracedBlock(chain, place.number, (index) =>
    index === place.index ? callTracer({ onlyTopCall: false, withLog: false }, null) : null,
  )
  if (!traced.ok) return traced
  const root = traced.value.get(place.index)
  return ok(root === undefined ? [] : framesOf(root))
}

/** The frames in an answer of `callTracer`. */
export function framesOf(root: Json): readonly TracedFrame[] {
  return flatten(root as unknown as CallFrame, 0)
}

function flatten(frame: CallFrame, depth: number): readonly TracedFrame[] {
  const calls = frame.calls ?? []
  return [{ frame, depth }, ...calls.flatMap((call) => flatten(call, depth + 1))]
}
