/**
 * The validator's account: signs its transactions, one nonce after another.
 */
import { privateKeyToAccount } from 'viem/accounts'
import { type Address, parseAddress } from '../primitives/address.ts'
import { fromHex, type Hex, toHex } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'

export type Account = {
  readonly address: Address
  /** The signed bytes of an EIP-1559 transaction. */
  readonly sign: (transaction: UnsignedTransaction) => Promise<Uint8Array>
}

export type UnsignedTransaction = {
  readonly chainId: number
  readonly nonce: bigint
  readonly to: Address
  readonly data: Hex
  readonly gas: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** @param privateKey - secp256k1, 32 bytes. */
export function openAccount(privateKey: Uint8Array): Account {
  const account = privateKeyToAccount(toHex(privateKey))
  const address = parseAddress(account.address)
  invariant(address.ok, 'openAccount: viem spells addresses')
  return {
    address: address.value,
    sign: async ({ nonce, ...transaction }) =>
      fromHex(
        await account.signTransaction({ ...transaction, nonce: Number(nonce), type: 'eip1559' }),
      ),
  }
}
