/**
 * The registry's view of the state: each native module's records are its account's storage, and the
 * purse moves balances. Metered inside a call, unmetered for system steps and reads.
 */
import type { StateManagerInterface } from '@ethereumjs/common'
import { Account, Address as EthAddress } from '@ethereumjs/util'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, addressBytes } from '../primitives/address.ts'
import { bytesToUint, uintBytes } from '../primitives/bytes.ts'
import { Bug, invariant } from '../primitives/result.ts'
import type { PrivateFacts, Purse, Records, World } from '../registry/records.ts'

/** Gas of one access: flat, no refunds, no warm prices. */
const nativeGas = { get: 2_100n, put: 20_000n, balance: 2_100n, move: 9_000n } as const

/** What a view of the state needs; `charge` is called before each access. */
export type WorldSource = {
  readonly state: StateManagerInterface
  /** Writes an account so that a revert undoes it and an empty one is swept. */
  readonly putAccount: (address: EthAddress, account: Account) => Promise<void>
  readonly charge: (gas: bigint) => void
  /** Whether writing is our own mistake: a view, or a static call. */
  readonly readOnly: boolean
}

export function worldOf(source: WorldSource): World & PrivateFacts {
  return {
    staking: recordsOf(source, moduleAddresses.staking),
    registry: recordsOf(source, moduleAddresses.registry),
    jobs: recordsOf(source, moduleAddresses.jobs),
    reputation: recordsOf(source, moduleAddresses.reputation),
    treasury: recordsOf(source, moduleAddresses.treasury),
    verifiers: recordsOf(source, moduleAddresses.verifiers),
    groups: recordsOf(source, moduleAddresses.groups),
    purse: purseOf(source),
  }
}

/** An unmetered world over a state that nobody writes: RPC reads, header checks, the pool. */
export function readWorld(state: StateManagerInterface): World {
  const putAccount = async () => {
    throw new Bug('readWorld: written to')
  }
  return worldOf({ state, putAccount, charge: () => {}, readOnly: true })
}

/** Records of the account at `address`. It must exist (genesis gives it code) before a put. */
function recordsOf({ state, charge, readOnly }: WorldSource, address: Address): Records {
  const account = ethAddress(address)
  return {
    get: async (slot) => {
      charge(nativeGas.get)
      return bytesToUint(await state.getStorage(account, uintBytes(slot, 32)))
    },
    put: async (slot, value) => {
      invariant(!readOnly, 'records: a view wrote')
      charge(nativeGas.put)
      await state.putStorage(account, uintBytes(slot, 32), uintBytes(value, 32))
    },
  }
}

function purseOf({ state, putAccount, charge, readOnly }: WorldSource): Purse {
  const read = async (of: EthAddress) => (await state.getAccount(of)) ?? new Account()

  async function debit(from: Address, wei: bigint): Promise<void> {
    invariant(!readOnly, 'purse: a view paid')
    const address = ethAddress(from)
    const account = await read(address)
    invariant(
      wei >= 0n && account.balance >= wei,
      `purse: ${from} has ${account.balance} of ${wei}`,
    )
    account.balance -= wei
    await putAccount(address, account)
  }

  async function credit(to: Address, wei: bigint): Promise<void> {
    const address = ethAddress(to)
    const account = await read(address)
    account.balance += wei
    await putAccount(address, account)
  }

  return {
    balance: async (of) => {
      charge(nativeGas.balance)
      return (await read(ethAddress(of))).balance
    },
    transfer: async (from, to, wei) => {
      charge(nativeGas.move)
      await debit(from, wei)
      await credit(to, wei)
    },
    burn: async (from, wei) => {
      charge(nativeGas.move)
      await debit(from, wei)
    },
  }
}

export function ethAddress(address: Address): EthAddress {
  return new EthAddress(addressBytes(address))
}
