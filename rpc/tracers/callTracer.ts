/**
 * The tree of a transaction's calls: `callTracer` of `debug_trace*`.
 */
import type { EVMResult, InterpreterStep, Message } from '@ethereumjs/evm'
import { addressFromBytes } from '../../primitives/address.ts'
import { toHex, uintBytes } from '../../primitives/bytes.ts'
import { describeRevert } from '../revert.ts'
import { type Json, type JsonObject, quantity } from '../wire.ts'
import { TraceLimit, type Tracer, traceLimits } from './tracer.ts'

export type CallTracerOptions = { readonly onlyTopCall: boolean; readonly withLog: boolean }

type Frame = {
  readonly type: string
  readonly message: Message
  readonly gas: bigint
  readonly input: Uint8Array
  readonly calls: Json[]
  readonly logs: Json[]
  to: string | null
}

/** Instructions that begin a frame. */
const beginners: ReadonlyMap<number, string> = new Map([
  [0xf0, 'CREATE'],
  [0xf1, 'CALL'],
  [0xf2, 'CALLCODE'],
  [0xf4, 'DELEGATECALL'],
  [0xf5, 'CREATE2'],
  [0xfa, 'STATICCALL'],
])
const selfDestructCode = 0xff
const firstLogCode = 0xa0
const lastLogCode = 0xa4

/** @param gasLimit - of the whole transaction; null: that of its outermost message. */
export function callTracer(options: CallTracerOptions, gasLimit: bigint | null): Tracer {
  const frames: Frame[] = []
  let limit = gasLimit
  let next = 'CALL'
  let count = 0
  let bytes = 0
  let root: JsonObject = {}

  function spend(length: number): void {
    bytes += length
    if (bytes > traceLimits.bytes) throw new TraceLimit('trace bytes', traceLimits.bytes)
  }

  function enter(message: Message): void {
    count += 1
    if (count > traceLimits.frames) throw new TraceLimit('trace frames', traceLimits.frames)
    const creates = message.to === undefined
    const type = frames.length > 0 ? next : creates ? 'CREATE' : 'CALL'
    const to = creates ? null : addressFromBytes(message.codeAddress.bytes)
    const { gasLimit: gas, data: input } = message
    frames.push({ type, message, gas, input, calls: [], logs: [], to })
  }

  function step({ opcode, stack, address, account, memory }: InterpreterStep): void {
    next = beginners.get(opcode.code) ?? next
    const frame = frames.at(-1)!
    if (opcode.code === selfDestructCode)
      frame.calls.push({
        type: 'SELFDESTRUCT',
        from: address.toString(),
        to: toHex(uintBytes(stack.at(-1) ?? 0n, 32).subarray(12)),
        value: quantity(account.balance),
        gas: '0x0',
        gasUsed: '0x0',
        input: '0x',
      })
    if (options.withLog && opcode.code >= firstLogCode && opcode.code <= lastLogCode) {
      const [offset, length] = [Number(stack.at(-1)), Number(stack.at(-2))]
      const topics = Array.from({ length: opcode.code - firstLogCode }, (_, i) => stack.at(-3 - i))
      spend(Math.min(length, memory.length))
      frame.logs.push({
        address: address.toString(),
        topics: topics.map((topic) => toHex(uintBytes(topic ?? 0n, 32))),
        data: toHex(memory.slice(offset, offset + length)),
        position: quantity(frame.calls.length),
      })
    }
  }

  function exit(result: EVMResult): void {
    const frame = frames.pop()!
    const parent = frames.at(-1)
    if (parent !== undefined && options.onlyTopCall) return
    spend(frame.input.length + result.execResult.returnValue.length)
    const shown = describeFrame(frame, result, options)
    if (parent === undefined) root = shown
    else parent.calls.push(shown)
  }

  return {
    before: async (tx) => {
      limit = tx.gasLimit
    },
    enter,
    step,
    exit,
    created: (address) => {
      frames.at(-1)!.to = addressFromBytes(address)
    },
    finish: ({ gasUsed }) => ({
      ...root,
      ...(limit === null ? {} : { gas: quantity(limit) }),
      gasUsed: quantity(gasUsed),
    }),
  }
}

function describeFrame(
  { type, message, gas, input, calls, logs, to }: Frame,
  { execResult }: EVMResult,
  { onlyTopCall }: CallTracerOptions,
): JsonObject {
  const { exceptionError, returnValue, executionGasUsed } = execResult
  const delegated = type === 'DELEGATECALL' || type === 'CALLCODE'
  const from = delegated ? message.to! : message.caller
  return {
    type,
    from: from.toString(),
    ...(to === null ? {} : { to }),
    ...(type === 'STATICCALL' ? {} : { value: quantity(message.value) }),
    gas: quantity(gas),
    gasUsed: quantity(executionGasUsed),
    input: toHex(input),
    ...(returnValue.length === 0 ? {} : { output: toHex(returnValue) }),
    ...(exceptionError === undefined ? {} : describeError(exceptionError.error, returnValue)),
    ...(calls.length === 0 || onlyTopCall ? {} : { calls }),
    ...(logs.length === 0 || exceptionError !== undefined ? {} : { logs }),
  }
}

function describeError(error: string, output: Uint8Array): JsonObject {
  if (error !== 'revert') return { error }
  const reason = describeRevert(output)
  const said = reason.startsWith('execution reverted: ')
    ? { revertReason: reason.slice('execution reverted: '.length) }
    : {}
  return { error: 'execution reverted', ...said }
}
