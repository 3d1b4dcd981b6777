/**
 * Brands: values that only their parser can mint, so that a checked value never needs checking again.
 */

declare const brand: unique symbol

/** Structurally a `T`, nominally a `Name`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Block number; genesis is 0. */
export type Height = Brand<bigint, 'Height'>

/** Native coin amount in base units (1 coin = 10^18 Wei). */
export type Wei = Brand<bigint, 'Wei'>

/** Stake and withdrawals are counted in Gwei (10^9 Wei), as in Ethereum's consensus layer. */
export type Gwei = Brand<bigint, 'Gwei'>

/** Wei in one Gwei. */
export const weiPerGwei = 1_000_000_000n

/** Wei in one coin. */
export const weiPerCoin = 1_000_000_000_000_000_000n
