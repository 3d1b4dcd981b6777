/**
 * Transfers of coin to accounts without code, without the interpreter: the same changes of the state,
 * the same gas and the same receipt, at a tenth of the time. `runTx` stays the reference, and runs
 * everything that is not plain.
 */
import { isFeeMarket1559Tx, isLegacyTx } from '@ethereumjs/tx'
import type { Address } from '../primitives/address.ts'
import type { ChainVm } from './chainVm.ts'
import type { Engine } from './engine.ts'
import type { HeldAccounts } from './heldAccounts.ts'
import type { Receipt } from './receipts.ts'
import { effectiveTip, type Transaction } from './transaction.ts'

/** Gas of a transfer, its least and its floor. @see Yellow Paper, appendix G; EIP-7623 */
const transferGas = 21_000n

export type TransferContext = {
  readonly engine: Engine
  readonly baseFee: bigint
  readonly coinbase: Address
  /** Gas of the block's transactions before this one. */
  readonly gasBefore: bigint
}

/**
 * Run `transaction`, which passed `paymentFault`, if it is plain.
 *
 * @returns its receipt; null if it is not plain, and nothing happened.
 */
export async function runPlainTransfer(
  { evm }: Pick<ChainVm, 'evm'>,
  held: HeldAccounts,
  { tx, sender, to }: Transaction,
  { engine, baseFee, coinbase, gasBefore }: TransferContext,
): Promise<Receipt | null> {
  const listed = isFeeMarket1559Tx(tx) && tx.accessList.length > 0
  if (to === null || tx.data.length > 0 || listed) return null
  if (!isLegacyTx(tx) && !isFeeMarket1559Tx(tx)) return null
  if (engine.modules.has(to) || evm.precompiles.has(to.slice(2))) return null
  if ((await held.get(to))?.isContract() === true) return null

  const tip = effectiveTip(tx, baseFee)
  const price = baseFee + tip
  // Sender, recipient and proposer may be the same account.
  const payer = await held.change(sender)
  payer.nonce += 1n
  payer.balance -= transferGas * price + tx.value
  await credit(held, to, tx.value)
  await credit(held, coinbase, transferGas * tip)
  return {
    type: tx.type,
    succeeded: true,
    gasUsed: transferGas,
    cumulativeGasUsed: gasBefore + transferGas,
    effectiveGasPrice: price,
    contractAddress: null,
    logs: [],
  }
}

/** An account that would be empty is not made. @see EIP-161 */
async function credit(held: HeldAccounts, to: Address, wei: bigint): Promise<void> {
  if (wei === 0n) return
  const account = await held.change(to)
  account.balance += wei
}
