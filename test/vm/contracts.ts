/**
 * Contracts for tests, in bytecode: forwarders with each kind of call, and the code that deploys them.
 */
import type { Address } from '../../primitives/address.ts'

const opcodes = { call: 'f1', callcode: 'f2', delegatecall: 'f4', staticcall: 'fa' } as const

export type CallKind = keyof typeof opcodes

/** Copies calldata to memory and calls `to` with it; leaves the success flag on the stack. */
export function forward(kind: CallKind, to: Address, value = '5f'): string {
  const takesValue = kind === 'call' || kind === 'callcode'
  const inputs = takesValue ? `5f5f365f${value}` : '5f5f365f'
  return `365f5f37${inputs}73${to.slice(2)}5a${opcodes[kind]}`
}

/** Returns the flag as a word, then what the call returned. */
export const returnFlagAndData = '5f523d5f60203e3d6020015ff3'

export const revert = '505f5ffd'

/** Creation code whose result is `runtime`. */
export function creation(runtime: string): string {
  const length = (runtime.length / 2).toString(16).padStart(4, '0')
  return `0x61${length}80600a5f395ff3${runtime}`
}
