/**
 * Calls and logs of native modules in words. The ABIs are the node's own answer, so a module that a later
 * version adds is read as well.
 */
import { type Abi, type AbiParameter, decodeEventLog, decodeFunctionData, getAbiItem } from 'viem'
import type { Hex } from '../../primitives/bytes.ts'
import { network } from './net/live.ts'

export type LogWire = {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly blockNumber: Hex
  readonly transactionHash: Hex
  readonly logIndex: Hex
}

export type Argument = { readonly name: string; readonly type: string; readonly value: unknown }

/** A call or an event with its arguments. */
export type Told = {
  readonly module: string
  readonly name: string
  readonly args: readonly Argument[]
}

function moduleAt(address: string): { readonly name: string; readonly abi: Abi } | null {
  return network.get()?.modules.find((one) => one.address === address.toLowerCase()) ?? null
}

/** Null: not a native module's, or nothing its ABI knows. */
export function readLog({ address, topics, data }: LogWire): Told | null {
  const found = moduleAt(address)
  if (found === null || topics.length === 0) return null
  try {
    const event = decodeEventLog({ abi: found.abi, topics: topics as [Hex, ...Hex[]], data })
    const item = getAbiItem({ abi: found.abi, name: event.eventName! })
    const inputs = item?.type === 'event' ? item.inputs : []
    const values = event.args as unknown as Readonly<Record<string, unknown>>
    const args = inputs.map((input) => argumentOf(input, values[input.name ?? '']))
    return { module: found.name, name: event.eventName!, args }
  } catch {
    return null
  }
}

/** Null: not a call of a native module, or nothing its ABI knows. */
export function readCall(to: string | null, data: Hex): Told | null {
  const found = to === null ? null : moduleAt(to)
  if (found === null || data.length < 10) return null
  try {
    const { functionName, args = [] } = decodeFunctionData({ abi: found.abi, data })
    const item = getAbiItem({ abi: found.abi, name: functionName })
    const inputs = item?.type === 'function' ? item.inputs : []
    const list = args as readonly unknown[]
    return {
      module: found.name,
      name: functionName,
      args: inputs.map((input, i) => argumentOf(input, list[i])),
    }
  } catch {
    return null
  }
}

function argumentOf({ name = '', type }: AbiParameter, value: unknown): Argument {
  return { name, type, value }
}
