/**
 * A native module: consensus code at a fixed address with an ABI, called like a contract. What it may
 * see of a call and what it must answer; `vm/natives.ts` runs it inside the EVM.
 */
import type { Abi } from 'viem'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import type { PrivateFacts, World } from '../registry/records.ts'

/** The block that the call is part of. */
export type CallBlock = {
  readonly height: bigint
  readonly timestamp: bigint
  readonly mixHash: Hash
  /** The proposer, who earns the proposer's part of a settlement. */
  readonly coinbase: Address
}

/** One call of a module's function; arguments are decoded and canonical. */
export type NativeCall = {
  readonly functionName: string
  readonly args: readonly unknown[]
  readonly caller: Address
  /** Sender of the transaction. */
  readonly origin: Address
  /** Wei sent along; already credited to the module. */
  readonly value: bigint
  /** Called by a transaction, not by a contract. */
  readonly topLevel: boolean
  readonly block: CallBlock
  /** Metered and journalled: a refusal, a revert and running out of gas undo everything. */
  readonly world: World & PrivateFacts
  /** Charge gas beyond what storage and logs cost. */
  readonly charge: (gas: bigint) => void
  /** Emit an event of the module's ABI. */
  readonly emit: (eventName: string, args: Readonly<Record<string, unknown>>) => void
}

/** What a function answers: the values of its ABI outputs, or an error of its ABI. */
export type NativeOutcome =
  | { readonly ok: true; readonly outputs: readonly unknown[] }
  | { readonly ok: false; readonly errorName: string; readonly args: readonly unknown[] }

export type NativeModule = {
  readonly name: string
  readonly address: Address
  /**
   * Functions (view and payable as declared), events and custom errors. Besides its own errors every
   * module declares `Delegated()`, `Malformed()`, `ReadOnly()` and `NotPayable()`.
   */
  readonly abi: Abi
  readonly call: (call: NativeCall) => Promise<NativeOutcome>
}
