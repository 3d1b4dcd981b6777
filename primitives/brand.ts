/**
 * Brands: values that only their parser can mint, so that a checked value never needs checking again;
 * and the units of coin: wei, gwei (10^9 wei), coins (10^18 wei).
 */

declare const brand: unique symbol

/** Structurally a `T`, nominally a `Name`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Wei in one Gwei. */
export const weiPerGwei = 1_000_000_000n

/** Wei in one coin. */
export const weiPerCoin = 1_000_000_000_000_000_000n
