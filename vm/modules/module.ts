/**
 * How a native module is put together: an ABI, and one handler for each of its functions. Faults of the
 * registry become ABI errors of the same name (`jobs/wrongEscrow` is `WrongEscrow`), whose arguments
 * are the fault's fields.
 */
import type { Abi, AbiParameter } from 'viem'
import type { Address } from '../../primitives/address.ts'
import { type Fault, invariant } from '../../primitives/result.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'

/** Errors that every module declares. */
export const commonErrors = [
  'error Delegated()',
  'error Malformed()',
  'error ReadOnly()',
  'error NotPayable()',
  'error TopLevelOnly()',
] as const

export type Handler = (call: NativeCall) => Promise<NativeOutcome>

/** A module from its handlers; every function of the ABI must have one. */
export function defineModule(
  name: string,
  address: Address,
  abi: Abi,
  handlers: Readonly<Record<string, Handler>>,
): NativeModule {
  for (const item of abi)
    if (item.type === 'function')
      invariant(handlers[item.name] !== undefined, `${name}.${item.name} has no handler`)
  return { name, address, abi, call: (call) => handlers[call.functionName]!(call) }
}

/** An address as the ABI decodes it, with its checksum's capitals, in the form that keys records. */
export function addressOf(argument: unknown): Address {
  return (argument as string).toLowerCase() as Address
}

/** The answer of a function: its ABI outputs in order. */
export function answer(...outputs: readonly unknown[]): NativeOutcome {
  return { ok: true, outputs }
}

/** The refusal of a function: the ABI error that bears the fault's name. */
export function refusal(abi: Abi, fault: Fault): NativeOutcome {
  const errorName = errorNameOf(fault)
  const item = abi.find((entry) => entry.type === 'error' && entry.name === errorName)
  invariant(item?.type === 'error', `no ABI error ${errorName} for ${fault.code}`)
  const values = fault as Readonly<Record<string, unknown>>
  const args = item.inputs.map((input: AbiParameter) => {
    const value = values[input.name ?? '']
    invariant(value !== undefined, `${fault.code} has no ${input.name}`)
    return value
  })
  return { ok: false, errorName, args }
}

function errorNameOf(fault: Fault): string {
  const what = fault.code.slice(fault.code.indexOf('/') + 1)
  return what[0]!.toUpperCase() + what.slice(1)
}
