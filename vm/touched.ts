/**
 * Who had a part in a transaction: for finding it again by address. Nothing here bears on validity.
 */
import type { EVM, Message } from '@ethereumjs/evm'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import type { Transaction } from './transaction.ts'
import { ethAddress } from './worldView.ts'

/** A contract and who made it, which may be a contract itself. */
export type Creation = { readonly address: Address; readonly creator: Address }

export type Touched = {
  /** Its sender, its recipient, every account that sent or got a message, and what it created. */
  readonly addresses: readonly Address[]
  /** Contracts that are there after it and were not before. */
  readonly created: readonly Creation[]
}

export type TouchWatch = {
  /** What was seen since the last call; to be asked when `transaction` has run. */
  readonly take: (transaction: Pick<Transaction, 'sender' | 'to'>) => Promise<Touched>
}

/** Listen to the messages of `evm`. */
export function watchTouches(evm: EVM): TouchWatch {
  let seen = new Set<Address>()
  let candidates = new Map<Address, Address>()
  let creator: Address | null = null
  // A listener with a second parameter would be waited for.
  evm.events.on('beforeMessage', (message: Message) => {
    const caller = addressFromBytes(message.caller.bytes)
    seen.add(caller)
    if (message.to === undefined) creator = caller
    else seen.add(addressFromBytes(message.to.bytes))
  })
  evm.events.on('newContract', ({ address }) => {
    const made = addressFromBytes(address.bytes)
    seen.add(made)
    if (creator !== null) candidates.set(made, creator)
  })

  async function take(transaction: Pick<Transaction, 'sender' | 'to'>): Promise<Touched> {
    // Plain transfers send no message.
    seen.add(transaction.sender)
    if (transaction.to !== null) seen.add(transaction.to)
    const created: Creation[] = []
    for (const [address, by] of candidates) {
      // What failed, or was undone by its caller, left nothing.
      const account = await evm.stateManager.getAccount(ethAddress(address))
      if (account?.isContract() === true) created.push({ address, creator: by })
    }
    const addresses = [...seen]
    seen = new Set()
    candidates = new Map()
    creator = null
    return { addresses, created }
  }

  return { take }
}
