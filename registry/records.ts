/**
 * Records: what the registry's pure functions read and write. Each native module's records live in its
 * account's storage (32-byte slots), so one state root covers everything; the `vm` layer provides this
 * view, meters it and undoes it when a call reverts.
 */
import type { Address } from '../primitives/address.ts'

/** Word-sized storage of one native module. Unwritten slots read 0; writing 0 deletes. */
export type Records = {
  readonly get: (slot: bigint) => Promise<bigint>
  readonly put: (slot: bigint, value: bigint) => Promise<void>
}

/** Moves native coin between accounts, and burns it. Total: callers check balances first. */
export type Purse = {
  readonly balance: (of: Address) => Promise<bigint>
  readonly transfer: (from: Address, to: Address, wei: bigint) => Promise<void>
  /** Debits `from`; supply shrinks. */
  readonly burn: (from: Address, wei: bigint) => Promise<void>
}

/** Everything a rule of the registry may touch. */
export type World = {
  readonly staking: Records
  readonly registry: Records
  readonly jobs: Records
  readonly reputation: Records
  readonly treasury: Records
  readonly purse: Purse
}

/** What the modules of zero-knowledge proofs keep; no rule of the economy touches it. */
export type PrivateFacts = {
  readonly verifiers: Records
  readonly groups: Records
}

/**
 * `world` for one call that reads the frozen sets again and again: each word of the staking module is
 * asked for once.
 */
export function readingStakesOnce(world: World): World {
  const { staking } = world
  const known = new Map<bigint, bigint>()
  const get = async (slot: bigint): Promise<bigint> => {
    const value = known.get(slot) ?? (await staking.get(slot))
    known.set(slot, value)
    return value
  }
  const put = async (slot: bigint, value: bigint): Promise<void> => {
    await staking.put(slot, value)
    known.set(slot, value)
  }
  return { ...world, staking: { get, put } }
}
