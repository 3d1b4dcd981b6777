/**
 * Whether a transaction may run now: what the state and the block decide, checked before the EVM is
 * started so that a refusal has a code and numbers.
 */
import type { StateManagerInterface } from '@ethereumjs/common'
import { Account } from '@ethereumjs/util'
import { equalBytes } from '../primitives/bytes.ts'
import type { HeldAccounts } from './heldAccounts.ts'
import { feeCap, maxCost, type Transaction, tipCap } from './transaction.ts'
import { ethAddress } from './worldView.ts'

export type PaymentFault =
  | { readonly code: 'transaction/nonce'; readonly expected: bigint; readonly got: bigint }
  | { readonly code: 'transaction/balance'; readonly needed: bigint; readonly got: bigint }
  | { readonly code: 'transaction/fee'; readonly baseFee: bigint; readonly got: bigint }
  | { readonly code: 'transaction/blockGas'; readonly left: bigint; readonly got: bigint }
  | { readonly code: 'transaction/senderIsContract'; readonly sender: string }

/** First bytes of the code of an account that only delegates. @see EIP-7702 */
const delegationPrefix = Uint8Array.of(0xef, 0x01, 0x00)

/** What blocks `transaction` at this point of a block, or null. @param gasLeft of the block. */
export async function paymentFault(
  state: Pick<StateManagerInterface, 'getCode'>,
  held: Pick<HeldAccounts, 'get'>,
  { tx, sender }: Transaction,
  baseFee: bigint,
  gasLeft: bigint,
): Promise<PaymentFault | null> {
  if (tx.gasLimit > gasLeft)
    return { code: 'transaction/blockGas', left: gasLeft, got: tx.gasLimit }
  if (feeCap(tx) < baseFee || feeCap(tx) < tipCap(tx))
    return { code: 'transaction/fee', baseFee, got: feeCap(tx) }
  const account = (await held.get(sender)) ?? new Account()
  if (account.nonce !== tx.nonce)
    return { code: 'transaction/nonce', expected: account.nonce, got: tx.nonce }
  if (account.balance < maxCost(tx))
    return { code: 'transaction/balance', needed: maxCost(tx), got: account.balance }
  if (!account.isContract()) return null
  const code = await state.getCode(ethAddress(sender))
  return equalBytes(code.subarray(0, 3), delegationPrefix)
    ? null
    : { code: 'transaction/senderIsContract', sender }
}
