/**
 * Which accounts and storage slots a transaction touches.
 */
import type { InterpreterStep } from '@ethereumjs/evm'
import { type Address, addressFromBytes } from '../../primitives/address.ts'
import { uintBytes } from '../../primitives/bytes.ts'
import { TraceLimit, type Tracer, traceLimits } from './tracer.ts'

/** Slots by account; an account may have none. */
export type Touched = Map<Address, Set<bigint>>

/** Instructions that name an account, with the place of the address on the stack. */
const accountCodes: ReadonlyMap<number, number> = new Map([
  [0x31, -1], // BALANCE
  [0x3b, -1], // EXTCODESIZE
  [0x3c, -1], // EXTCODECOPY
  [0x3f, -1], // EXTCODEHASH
  [0xf1, -2], // CALL
  [0xf2, -2], // CALLCODE
  [0xf4, -2], // DELEGATECALL
  [0xfa, -2], // STATICCALL
  [0xff, -1], // SELFDESTRUCT
])
const sloadCode = 0x54
const sstoreCode = 0x55

/** Fills `touched` while the transaction runs. */
export function touchTracer(touched: Touched): Tracer {
  let count = 0
  function slotsOf(address: Address): Set<bigint> {
    const known = touched.get(address)
    if (known !== undefined) return known
    grow()
    const slots = new Set<bigint>()
    touched.set(address, slots)
    return slots
  }

  function grow(): void {
    count += 1
    if (count > traceLimits.touched)
      throw new TraceLimit('touched accounts and slots', traceLimits.touched)
  }

  return {
    step: ({ opcode, stack, address }: InterpreterStep) => {
      const place = accountCodes.get(opcode.code)
      const named = place === undefined ? undefined : stack.at(place)
      if (named !== undefined) slotsOf(addressFromBytes(uintBytes(named, 32).subarray(12)))
      if (opcode.code !== sloadCode && opcode.code !== sstoreCode) return
      const slot = stack.at(-1)
      if (slot === undefined) return
      const slots = slotsOf(addressFromBytes(address.bytes))
      if (!slots.has(slot)) grow()
      slots.add(slot)
    },
    created: (address) => {
      slotsOf(addressFromBytes(address))
    },
    finish: () => null,
  }
}
