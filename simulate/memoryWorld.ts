/**
 * The world that the registry's rules act on, in memory and without a trie.
 */
import type { Address } from '../primitives/address.ts'
import { invariant } from '../primitives/result.ts'
import type { Records, World } from '../registry/records.ts'

export type MemoryWorld = World & {
  readonly balanceOf: (account: Address) => bigint
  /** Create coin. */
  readonly mint: (to: Address, wei: bigint) => void
  /** Coin of all accounts. */
  readonly supply: () => bigint
  /** Coin created and destroyed since the beginning. */
  readonly minted: () => bigint
  readonly burned: () => bigint
}

export function createMemoryWorld(): MemoryWorld {
  const balances = new Map<Address, bigint>()
  let [minted, burned] = [0n, 0n]
  const balanceOf = (account: Address) => balances.get(account) ?? 0n
  const move = (account: Address, wei: bigint) => {
    const after = balanceOf(account) + wei
    invariant(after >= 0n, `simulation: ${account} is overdrawn by ${-after}`)
    balances.set(account, after)
  }
  return {
    staking: createRecords(),
    registry: createRecords(),
    jobs: createRecords(),
    reputation: createRecords(),
    treasury: createRecords(),
    purse: {
      balance: async (of) => balanceOf(of),
      transfer: async (from, to, wei) => {
        move(from, -wei)
        move(to, wei)
      },
      burn: async (from, wei) => {
        move(from, -wei)
        burned += wei
      },
    },
    balanceOf,
    mint: (to, wei) => {
      move(to, wei)
      minted += wei
    },
    supply: () => [...balances.values()].reduce((sum, wei) => sum + wei, 0n),
    minted: () => minted,
    burned: () => burned,
  }
}

function createRecords(): Records {
  const words = new Map<bigint, bigint>()
  return {
    get: async (slot) => words.get(slot) ?? 0n,
    put: async (slot, value) => {
      if (value === 0n) words.delete(slot)
      else words.set(slot, value)
    },
  }
}
