/**
 * Runs native modules inside the EVM. A listener sees each message before it is executed and gives
 * the messages to a module's address a function instead of code; the EVM has by then made the
 * checkpoint that undoes storage, value and logs when the module refuses or a caller reverts.
 */
import { type EVM, EVMError, type ExecResult, type Log, type Message } from '@ethereumjs/evm'
import {
  type Abi,
  type AbiFunction,
  decodeFunctionData,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  encodeFunctionData,
  encodeFunctionResult,
  getAbiItem,
  type Hex,
} from 'viem'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import { fromHex, toHex } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import type { CallBlock, NativeModule, NativeOutcome } from './nativeModule.ts'
import { worldOf } from './worldView.ts'

/** Gas of entering a module and decoding its arguments. */
const entryGas = 700n
const entryGasPerByte = 16n
const logGas = 375n
const logGasPerTopic = 375n
const logGasPerByte = 8n

/** Errors that every module declares. */
type CommonError = 'Delegated' | 'Malformed' | 'ReadOnly' | 'NotPayable'

/** Thrown by the meter, caught in {@link runNative}; never leaves this file. */
class OutOfGas extends Error {}

/** Route messages for `modules` to native code. Once per EVM, which serves one block. */
export function installNatives(
  evm: EVM,
  modules: ReadonlyMap<Address, NativeModule>,
  block: CallBlock,
): void {
  let origin: Address | undefined
  // Exactly one parameter: with two the EVM would wait for a callback.
  evm.events.on('beforeMessage', (message: Message) => {
    if (message.depth === 0) origin = addressFromBytes(message.caller.bytes)
    if (message.to === undefined || message.code !== undefined) return
    const module = modules.get(addressFromBytes(message.codeAddress.bytes))
    if (module === undefined) return
    invariant(origin !== undefined, 'installNatives: an inner message came first')
    const call: Call = { evm, module, message, block, origin }
    // A preset code is kept by the EVM, and a compiled one is called as a function.
    message.isCompiled = true
    message.code = ({ gasLimit }: { readonly gasLimit: bigint }) => runNative(call, gasLimit)
  })
}

type Call = {
  readonly evm: EVM
  readonly module: NativeModule
  readonly message: Message
  readonly block: CallBlock
  readonly origin: Address
}

async function runNative(call: Call, gasLimit: bigint): Promise<ExecResult> {
  let used = 0n
  const charge = (gas: bigint): void => {
    invariant(gas >= 0n, 'natives: negative gas')
    used += gas
    if (used > gasLimit) throw new OutOfGas()
  }
  const logs: Log[] = []
  try {
    const verdict = await answer(call, charge, logs)
    if (verdict.ok) return { returnValue: verdict.output, executionGasUsed: used, logs }
    const exceptionError = new EVMError(EVMError.errorMessages.REVERT)
    return { returnValue: verdict.error, executionGasUsed: used, exceptionError }
  } catch (error) {
    if (!(error instanceof OutOfGas)) throw error
    const exceptionError = new EVMError(EVMError.errorMessages.OUT_OF_GAS)
    return { returnValue: new Uint8Array(), executionGasUsed: gasLimit, exceptionError }
  }
}

type Answer =
  | { readonly ok: true; readonly output: Uint8Array }
  | { readonly ok: false; readonly error: Uint8Array }

async function answer(call: Call, charge: (gas: bigint) => void, logs: Log[]): Promise<Answer> {
  const { evm, module, message, block, origin } = call
  const { abi } = module
  charge(entryGas + entryGasPerByte * BigInt(message.data.length))
  // DELEGATECALL and CALLCODE would run the module in another account's name.
  if (message.delegatecall || !message.to!.equals(message.codeAddress))
    return commonError(abi, 'Delegated')
  const decoded = decodeCall(abi, message.data)
  if (decoded === null) return commonError(abi, 'Malformed')
  const { functionName, args, mutability } = decoded
  const view = mutability === 'view' || mutability === 'pure'
  if (message.isStatic && !view) return commonError(abi, 'ReadOnly')
  if (message.value > 0n && mutability !== 'payable') return commonError(abi, 'NotPayable')
  const world = worldOf({
    state: evm.stateManager,
    putAccount: (address, account) => evm.journal.putAccount(address, account),
    charge,
    readOnly: view,
  })
  const emit = (eventName: string, values: Readonly<Record<string, unknown>>): void => {
    invariant(!view, `${module.name}: a view emitted ${eventName}`)
    const [topics, data] = encodeEvent(abi, eventName, values)
    charge(logGas + logGasPerTopic * BigInt(topics.length) + logGasPerByte * BigInt(data.length))
    logs.push([message.to!.bytes, topics, data])
  }
  const outcome = await module.call({
    functionName,
    args,
    caller: addressFromBytes(message.caller.bytes),
    origin,
    value: message.value,
    topLevel: message.depth === 0,
    block,
    world,
    charge,
    emit,
  })
  return encodeOutcome(abi, functionName, outcome)
}

type DecodedCall = {
  readonly functionName: string
  readonly args: readonly unknown[]
  readonly mutability: AbiFunction['stateMutability']
}

/**
 * Strict: what decodes must encode to the same bytes again, so a lax decoder, padding or trailing
 * bytes cannot make two programs read one call differently.
 */
export function decodeCall(abi: Abi, data: Uint8Array): DecodedCall | null {
  const hex = toHex(data)
  try {
    const { functionName, args = [] } = decodeFunctionData({ abi, data: hex })
    if (encodeFunctionData({ abi, functionName, args }) !== hex) return null
    const item = getAbiItem({ abi, name: hex.slice(0, 10) as Hex })
    if (item?.type !== 'function') return null
    return { functionName, args, mutability: item.stateMutability }
  } catch {
    return null
  }
}

function commonError(abi: Abi, errorName: CommonError): Answer {
  return { ok: false, error: fromHex(encodeErrorResult({ abi, errorName })) }
}

function encodeOutcome(abi: Abi, functionName: string, outcome: NativeOutcome): Answer {
  if (!outcome.ok) {
    const { errorName, args } = outcome
    return { ok: false, error: fromHex(encodeErrorResult({ abi, errorName, args })) }
  }
  const { outputs } = outcome
  const result = outputs.length === 1 ? outputs[0] : outputs
  return { ok: true, output: fromHex(encodeFunctionResult({ abi, functionName, result })) }
}

/** Topics and data of an event: indexed inputs first, the others in order of declaration. */
function encodeEvent(
  abi: Abi,
  eventName: string,
  values: Readonly<Record<string, unknown>>,
): readonly [topics: Uint8Array[], data: Uint8Array] {
  const item = abi.find((entry) => entry.type === 'event' && entry.name === eventName)
  invariant(item?.type === 'event', `encodeEvent: no event ${eventName}`)
  const topics = encodeEventTopics({ abi, eventName, args: values } as Parameters<
    typeof encodeEventTopics
  >[0])
  const plain = item.inputs.filter((input) => input.indexed !== true)
  const data = encodeAbiParameters(
    plain,
    plain.map((input) => values[input.name!]),
  )
  return [topics.map((topic) => fromHex(topic as Hex)), fromHex(data)]
}
