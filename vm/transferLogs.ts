/**
 * Logs of one imagined transaction with its transfers of coin among them, as if the coin were a
 * token: in the order in which they happened, without those of calls that were undone.
 */
import type { InterpreterStep, Message } from '@ethereumjs/evm'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import { concatBytes, uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import type { ChainVm } from './chainVm.ts'
import { type Log, logsOf } from './receipts.ts'

/** Stands for the coin in logs. @see EIP-7528 */
const coin: Address = `0x${'ee'.repeat(20)}` as Address

/** Digest of `Transfer(address,address,uint256)`. */
const transferTopic: Hash =
  '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef' as Hash

const firstLogCode = 0xa0
const lastLogCode = 0xa4
const selfDestructCode = 0xff

/** Starts listening; the result takes what the last transaction left and begins anew. */
export function collectTransfers({ evm }: ChainVm): () => readonly Log[] {
  let kept: readonly Log[] = []
  const frames: { readonly logs: Log[]; readonly message: Message; readonly native: boolean }[] = []

  evm.events.on('beforeMessage', (message: Message) => {
    const logs: Log[] = []
    frames.push({ logs, message, native: typeof message.code === 'function' })
    if (message.value === 0n || message.delegatecall || message.to === undefined) return
    logs.push(transferLog(message.caller.bytes, message.to.bytes, message.value))
  })
  evm.events.on('newContract', ({ address }) => {
    const { logs, message } = frames.at(-1)!
    if (message.value > 0n)
      logs.push(transferLog(message.caller.bytes, address.bytes, message.value))
  })
  evm.events.on('step', (step: InterpreterStep, next) => {
    const own = frames.at(-1)!.logs
    const { code } = step.opcode
    if (code >= firstLogCode && code <= lastLogCode) own.push(logOfStep(step))
    if (code === selfDestructCode && step.account.balance > 0n) {
      const heir = uintBytes(step.stack.at(-1)!, 32).subarray(12)
      own.push(transferLog(step.address.bytes, heir, step.account.balance))
    }
    next?.()
  })
  evm.events.on('afterMessage', ({ execResult }) => {
    const { logs, native } = frames.pop()!
    if (execResult.exceptionError !== undefined) return
    const all = native ? [...logs, ...logsOf(execResult.logs)] : logs
    const parent = frames.at(-1)
    if (parent === undefined) kept = all
    else parent.logs.push(...all)
  })

  return () => {
    const taken = kept
    kept = []
    frames.length = 0
    return taken
  }
}

function transferLog(from: Uint8Array, to: Uint8Array, value: bigint): Log {
  const topic = (address: Uint8Array) => hashFromBytes(concatBytes(new Uint8Array(12), address))
  return {
    address: coin,
    topics: [transferTopic, topic(from), topic(to)],
    data: uintBytes(value, 32),
  }
}

/** Nobody has the gas for a longer log, so that one this long is never left. */
const maxLogBytes = 2 ** 24

/** What the LOG instruction about to run will leave, if its gas is there. */
function logOfStep({ opcode, stack, memory, address }: InterpreterStep): Log {
  const offset = Number(stack.at(-1))
  const length = Math.min(Number(stack.at(-2)), maxLogBytes)
  const topics = Array.from({ length: opcode.code - firstLogCode }, (_, i) => stack.at(-3 - i)!)
  const data = new Uint8Array(length)
  data.set(memory.subarray(offset, offset + length))
  return {
    address: addressFromBytes(address.bytes),
    topics: topics.map((topic) => hashFromBytes(uintBytes(topic, 32))),
    data,
  }
}
