/**
 * Genesis of development networks: the committed one with any number of validators, whose keys
 * everybody knows.
 */
import { namesOf, possessionOf } from '../node/keys.ts'
import { devnetKeys } from '../node/keysDevnet.ts'
import { weiPerCoin } from '../primitives/brand.ts'
import { invariant } from '../primitives/result.ts'

/** Coins that each validator's account starts with, for gas. */
const gasCoins = 1_000n

/** What `genesis.json` says of validator `index`. */
export type DevnetValidator = {
  readonly address: string
  readonly publicKey: string
  readonly possession: string
  readonly stake: string
  readonly ask: string
  readonly maxParams: number
}

/** One million coins at stake, any model up to 2^32 weights, at half the least price. */
export function devnetValidator(index: number): DevnetValidator {
  const keys = devnetKeys(index)
  return {
    ...namesOf(keys),
    possession: possessionOf(keys),
    stake: '1000000000000000',
    ask: '50000000',
    maxParams: 2 ** 32,
  }
}

/** `balances` of the first `count` validators. */
export function validatorBalances(count: number): Readonly<Record<string, string>> {
  const wei = (gasCoins * weiPerCoin).toString()
  const addresses = Array.from({ length: count }, (_, i) => devnetKeys(i).address)
  return Object.fromEntries(addresses.map((address) => [address, wei]))
}

export type DevnetChanges = {
  /** Fields of `params` that differ from the committed genesis. @default none */
  readonly params?: Readonly<Record<string, number | string>> | undefined
  /** @default true */
  readonly firstJob?: boolean | undefined
}

/**
 * The committed genesis for `count` validators.
 *
 * @param text - of the committed `genesis.json`.
 */
export function devnetGenesis(text: string, count: number, changes: DevnetChanges = {}): string {
  invariant(Number.isInteger(count) && count >= 1 && count <= 100, `devnetGenesis: ${count}`)
  const genesis = JSON.parse(text) as {
    readonly params: object
    readonly balances: object
    readonly firstJob: object | null
  }
  const { params = {}, firstJob = true } = changes
  const changed = {
    ...genesis,
    params: { ...genesis.params, ...params },
    validators: Array.from({ length: count }, (_, i) => devnetValidator(i)),
    balances: { ...genesis.balances, ...validatorBalances(count) },
    firstJob: firstJob ? genesis.firstJob : null,
  }
  return `${JSON.stringify(changed, null, 2)}\n`
}
