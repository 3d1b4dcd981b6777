/**
 * Accounts that a run of plain transfers has in hand: read once, changed in place and written back when
 * something else wants to see the state. The state manager would decode and encode an account at every
 * step of every transfer.
 */
import type { StateManagerInterface } from '@ethereumjs/common'
import { Account } from '@ethereumjs/util'
import type { Address } from '../primitives/address.ts'
import { ethAddress } from './worldView.ts'

export type HeldAccounts = {
  /** Not to be changed unless {@link change} is told before; null if there is none. */
  readonly get: (address: Address) => Promise<Account | null>
  /** The account to be changed by the caller, who leaves none that is empty (EIP-161). */
  readonly change: (address: Address) => Promise<Account>
  /** Write back what was changed and hold nothing: before anybody else reads or writes the state. */
  readonly release: () => Promise<void>
}

export function holdAccounts(state: StateManagerInterface): HeldAccounts {
  const held = new Map<Address, Account | null>()
  const changed = new Set<Address>()

  async function load(address: Address): Promise<Account | null> {
    const account = (await state.getAccount(ethAddress(address))) ?? null
    held.set(address, account)
    return account
  }

  return {
    get: async (address) => {
      const known = held.get(address)
      return known === undefined ? load(address) : known
    },
    change: async (address) => {
      const account = held.get(address) ?? (await load(address)) ?? new Account()
      held.set(address, account)
      changed.add(address)
      return account
    },
    release: async () => {
      for (const address of changed) await state.putAccount(ethAddress(address), held.get(address)!)
      held.clear()
      changed.clear()
    },
  }
}
