/**
 * Watching transactions while they run: what a tracer sees, and how it is put in front of an EVM.
 */
import type { EVMResult, InterpreterStep, Message } from '@ethereumjs/evm'
import type { TypedTransaction } from '@ethereumjs/tx'
import type { RunTxResult } from '@ethereumjs/vm'
import type { ChainVm } from '../../vm/chainVm.ts'
import type { Json } from '../wire.ts'

/** The machine that runs a block or a call. */
export type WatchedVm = Pick<ChainVm, 'vm' | 'evm' | 'state'>

/** How a transaction ended. */
export type TraceOutcome = {
  readonly failed: boolean
  readonly returnData: Uint8Array
  readonly gasUsed: bigint
}

/** Sees one transaction. Whatever it throws ends the trace. */
export type Tracer = {
  /** Before anything is charged; absent for calls. */
  readonly before?: (tx: TypedTransaction, vm: WatchedVm) => Promise<void>
  readonly enter?: (message: Message) => void
  readonly step?: (step: InterpreterStep) => Promise<void> | void
  readonly created?: (address: Uint8Array) => void
  readonly exit?: (result: EVMResult) => void
  /** The answer; without a VM for calls. */
  readonly finish: (outcome: TraceOutcome, vm: WatchedVm | null) => Promise<Json> | Json
}

/** Makes a tracer for each transaction. */
export type MakeTracer = (index: number) => Tracer | null

/** A trace grew beyond what one answer holds. */
export class TraceLimit extends Error {
  override readonly name = 'TraceLimit'
  readonly what: string
  readonly limit: number

  constructor(what: string, limit: number) {
    super(`${what} (at most ${limit})`)
    this.what = what
    this.limit = limit
  }
}

/** What traces cost at most. */
export const traceLimits = Object.freeze({
  /** Instructions shown, of all transactions of a call together. */
  steps: 250_000,
  /** Words of stack, memory and storage shown with them. */
  words: 2_000_000,
  /** Frames of one transaction's calls, and bytes of what they were given, returned and logged. */
  frames: 50_000,
  bytes: 8_388_608,
  /** Accounts and slots of one transaction. */
  touched: 50_000,
})

type Done = (value?: unknown) => void

/** Go on when `work` is over, however it ended. */
function settle(work: Promise<void>, next: Done | undefined, fail: (error: unknown) => void): void {
  work.then(
    () => next?.(),
    (error: unknown) => {
      fail(error)
      next?.()
    },
  )
}

/** Put `tracer` in front of the EVM; the result takes it away, and throws what it has thrown. */
export function attach({ evm }: WatchedVm, tracer: Tracer): () => void {
  let failure: unknown
  const guard = (act: () => unknown): void => {
    if (failure !== undefined) throw failure
    try {
      act()
    } catch (error) {
      failure = error
      throw error
    }
  }
  const enter = (message: Message): void => guard(() => tracer.enter?.(message))
  const exit = (result: EVMResult): void => guard(() => tracer.exit?.(result))
  const created = ({ address }: { readonly address: { readonly bytes: Uint8Array } }): void =>
    guard(() => tracer.created?.(address.bytes))
  // Two parameters make the EVM wait, so a failure must not keep it waiting.
  const step = (at: InterpreterStep, next?: Done): void => {
    const look = async () => {
      if (failure === undefined) await tracer.step?.(at)
    }
    settle(look(), next, (error) => {
      failure = error
    })
  }
  evm.events.on('beforeMessage', enter)
  evm.events.on('afterMessage', exit)
  evm.events.on('newContract', created)
  if (tracer.step !== undefined) evm.events.on('step', step)
  return () => {
    evm.events.off('beforeMessage', enter)
    evm.events.off('afterMessage', exit)
    evm.events.off('newContract', created)
    evm.events.off('step', step)
    if (failure !== undefined) throw failure
  }
}

/**
 * Trace the transactions of a block that `vm` is about to run; the answers by their index. The result
 * throws what a tracer has thrown.
 */
export function traceBlock(
  vm: WatchedVm,
  make: MakeTracer,
  answers: Map<number, Json>,
): () => void {
  let index = -1
  let current: { readonly tracer: Tracer; readonly detach: () => void } | null = null
  let failure: unknown

  async function begin(tx: TypedTransaction): Promise<void> {
    index += 1
    const tracer = failure === undefined ? make(index) : null
    if (tracer === null) return
    await tracer.before?.(tx, vm)
    current = { tracer, detach: attach(vm, tracer) }
  }

  async function end({ execResult, totalGasSpent }: RunTxResult): Promise<void> {
    const ended = current
    current = null
    if (ended === null) return
    ended.detach()
    const outcome = {
      failed: execResult.exceptionError !== undefined,
      returnData: execResult.returnValue,
      gasUsed: totalGasSpent,
    }
    answers.set(index, await ended.tracer.finish(outcome, vm))
  }

  const wait = (work: Promise<void>, next?: Done): void =>
    settle(work, next, (error) => {
      failure = error
    })
  vm.vm.events.on('beforeTx', (tx, next) => wait(begin(tx), next))
  vm.vm.events.on('afterTx', (result, next) => wait(end(result), next))
  return () => {
    current?.detach()
    if (failure !== undefined) throw failure
  }
}
