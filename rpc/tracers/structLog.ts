/**
 * The instruction-by-instruction trace of `debug_trace*`, as other nodes give it without a tracer.
 */
import type { InterpreterStep, Message } from '@ethereumjs/evm'
import { toHex, uintBytes } from '../../primitives/bytes.ts'
import { type JsonObject, quantity, word } from '../wire.ts'
import { TraceLimit, type Tracer, traceLimits } from './tracer.ts'

export type StructLogOptions = {
  readonly disableStack: boolean
  readonly disableStorage: boolean
  readonly enableMemory: boolean
  readonly enableReturnData: boolean
}

/** What all tracers of one request have used up. */
export type Spent = { steps: number; words: number }

/** The last instruction of a frame: -1 for none yet, its place among the logs, its own gas. */
type Frame = { readonly code: number; readonly at: number; readonly cost: number }

/** CALL, CALLCODE, DELEGATECALL, STATICCALL: what they pass on is part of their cost. */
const callCodes: ReadonlySet<number> = new Set([0xf1, 0xf2, 0xf4, 0xfa])
const stipendCodes: ReadonlySet<number> = new Set([0xf1, 0xf2])
const callStipend = 2_300n
/** STOP, RETURN, SELFDESTRUCT; after any other, the end of the code is a STOP. */
const endCodes: ReadonlySet<number> = new Set([0x00, 0xf3, 0xff])
const sloadCode = 0x54
const sstoreCode = 0x55

export function structLogTracer(options: StructLogOptions, spent: Spent): Tracer {
  const logs: JsonObject[] = []
  const frames: Frame[] = []
  const storages = new Map<string, Map<string, string>>()
  let returned: Uint8Array = new Uint8Array()

  function spend(words: number): void {
    spent.steps += 1
    spent.words += words
    if (spent.steps > traceLimits.steps) throw new TraceLimit('trace steps', traceLimits.steps)
    if (spent.words > traceLimits.words) throw new TraceLimit('trace words', traceLimits.words)
  }

  return {
    enter: (message) => {
      const before = frames.at(-1)
      if (before !== undefined && callCodes.has(before.code))
        logs[before.at] = {
          ...logs[before.at],
          gasCost: before.cost + passedOn(message, before.code),
        }
      frames.push({ code: -1, at: 0, cost: 0 })
    },
    exit: ({ execResult }) => {
      returned = execResult.returnValue
      const { code } = frames.pop()!
      const ended = execResult.exceptionError === undefined ? execResult.runState : undefined
      if (ended === undefined || code === -1 || endCodes.has(code)) return
      const stack = ended.stack.getStack()
      spend(stack.length)
      logs.push({
        pc: ended.programCounter,
        op: 'STOP',
        gas: Number(ended.gasLeft),
        gasCost: 0,
        depth: frames.length + 1,
        ...(options.disableStack ? {} : { stack: stack.map((item) => quantity(item)) }),
      })
    },
    step: async (step) => {
      const storage = options.disableStorage ? null : await storageAt(step, storages)
      const told = options.enableReturnData ? returned.length / 32 : 0
      spend(sizeOf(step, storage, options) + told)
      const { code, dynamicFee, fee } = step.opcode
      frames[frames.length - 1] = { code, at: logs.length, cost: Number(dynamicFee ?? fee) }
      logs.push({
        ...describeStep(step, options),
        ...(options.enableReturnData && returned.length > 0 ? { returnData: toHex(returned) } : {}),
        ...(storage === null ? {} : { storage }),
      })
    },
    finish: ({ failed, returnData, gasUsed }) => ({
      gas: Number(gasUsed),
      failed,
      returnValue: toHex(returnData),
      structLogs: logs,
    }),
  }
}

/** Gas that a call gives to its callee, without what the callee gets for free. */
function passedOn({ gasLimit, value }: Message, code: number): number {
  const free = value > 0n && stipendCodes.has(code) ? callStipend : 0n
  return Number(gasLimit - free)
}

/** Words that the step will show. */
function sizeOf(
  { stack, memory }: InterpreterStep,
  storage: JsonObject | null,
  { disableStack, enableMemory }: StructLogOptions,
): number {
  const slots = storage === null ? 0 : Object.keys(storage).length
  return (disableStack ? 0 : stack.length) + (enableMemory ? memory.length / 32 : 0) + 2 * slots
}

function describeStep(
  { pc, opcode, gasLeft, depth, stack, memory, gasRefund }: InterpreterStep,
  { disableStack, enableMemory }: StructLogOptions,
): JsonObject {
  return {
    pc,
    op: opcode.name,
    gas: Number(gasLeft),
    gasCost: Number(opcode.dynamicFee ?? opcode.fee),
    depth: depth + 1,
    ...(disableStack ? {} : { stack: stack.map((item) => quantity(item)) }),
    ...(enableMemory ? { memory: memoryWords(memory) } : {}),
    ...(gasRefund > 0n ? { refund: Number(gasRefund) } : {}),
  }
}

/** What the transaction has seen of the contract's storage, at instructions that use it. */
async function storageAt(
  { opcode, stack, address, stateManager }: InterpreterStep,
  storages: Map<string, Map<string, string>>,
): Promise<JsonObject | null> {
  if (opcode.code !== sloadCode && opcode.code !== sstoreCode) return null
  const [slot, stored] = [stack.at(-1), stack.at(-2)]
  if (slot === undefined) return null
  const own = storages.get(address.toString()) ?? new Map<string, string>()
  storages.set(address.toString(), own)
  if (opcode.code === sstoreCode) own.set(word(slot), word(stored ?? 0n))
  else {
    const value = await stateManager.getStorage(address, uintBytes(slot, 32))
    own.set(word(slot), word(BigInt(value.length === 0 ? 0 : toHex(value))))
  }
  return Object.fromEntries(own)
}

function memoryWords(memory: Uint8Array): readonly string[] {
  return Array.from({ length: memory.length / 32 }, (_, i) =>
    toHex(memory.subarray(i * 32, (i + 1) * 32)),
  )
}
