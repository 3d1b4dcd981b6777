/**
 * Keys of development networks. **INSECURE: everybody knows them**, since they are the digests of
 * well-known words; they exist so that a devnet has one committed genesis and starts at once.
 */
import { mnemonicToAccount } from 'viem/accounts'
import { secretKeyFrom } from '../consensus/bls.ts'
import type { Address } from '../primitives/address.ts'
import { hashBytes, hashOf } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { namesOf, type ValidatorKeys } from './keys.ts'

/** Said wherever such keys are used. */
export const devnetWarning =
  'INSECURE: development keys that everybody knows. Never use them for anything of value.'

/** The phrase that development tools share; never holds anything of value. */
export const devnetMnemonic = 'test test test test test test test test test test test junk'

/** Accounts of {@link devnetMnemonic} that a devnet's genesis funds. */
export const devnetAccountCount = 10

/** Seals folders of keys that everybody knows anyway. */
export const devnetPassword = 'devnet'

const maxDevnetValidators = 100

/** Keys of validator `index`, counted from 0: digests of `waggle/devnet/validator/INDEX`. */
export function devnetKeys(index: number): ValidatorKeys {
  invariant(
    Number.isInteger(index) && index >= 0 && index < maxDevnetValidators,
    `devnetKeys: ${index}`,
  )
  const digest = (role: string) =>
    hashBytes(hashOf(`waggle/devnet/validator/${index}`, new TextEncoder().encode(role)))
  const secrets = {
    accountKey: digest('account'),
    votingKey: secretKeyFrom(digest('voting')),
    networkSeed: digest('network'),
  }
  return { ...secrets, ...namesOf(secrets) }
}

export type DevnetAccount = { readonly address: Address; readonly privateKey: Uint8Array }

/** Account `index` of {@link devnetMnemonic} at `m/44'/60'/0'/0/INDEX`. */
export function devnetAccount(index: number): DevnetAccount {
  invariant(Number.isInteger(index) && index >= 0 && index < 2 ** 31, `devnetAccount: ${index}`)
  const account = mnemonicToAccount(devnetMnemonic, { addressIndex: index })
  const privateKey = account.getHdKey().privateKey
  invariant(privateKey !== null && privateKey !== undefined, 'devnetAccount: no private key')
  return {
    address: account.address.toLowerCase() as Address,
    privateKey: Uint8Array.from(privateKey),
  }
}
