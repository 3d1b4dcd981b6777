/**
 * Transfers of coin to accounts without code, without the interpreter: the same changes of the state,
 * the same gas and the same receipt, at a tenth of the time. `runTx` stays the reference, and runs
 * everything that is not plain.
 */
import { isFeeMarket1559Tx, isLegacyTx } from '@ethereumjs/tx'
import { Account, type Address as EthAddress } from '@ethereumjs/util'
import { addressFromBytes } from '../primitives/address.ts'
import type { ChainVm } from './chainVm.ts'
import type { Engine } from './engine.ts'
import type { Receipt } from './receipts.ts'
import { effectiveTip, type Transaction } from './transaction.ts'
import { ethAddress } from './worldView.ts'

/** Gas of a transfer, its least and its floor. @see Yellow Paper, appendix G; EIP-7623 */
const transferGas = 21_000n

export type TransferContext = {
  readonly engine: Engine
  readonly baseFee: bigint
  readonly coinbase: EthAddress
  /** Gas of the block's transactions before this one. */
  readonly gasBefore: bigint
}

/**
 * Run `transaction`, which passed `paymentFault`, if it is plain.
 *
 * @returns its receipt; null if it is not plain, and nothing happened.
 */
export async function runPlainTransfer(
  { state, evm }: ChainVm,
  { tx, sender }: Transaction,
  { engine, baseFee, coinbase, gasBefore }: TransferContext,
): Promise<Receipt | null> {
  const listed = isFeeMarket1559Tx(tx) && tx.accessList.length > 0
  if (tx.to === undefined || tx.data.length > 0 || listed) return null
  if (!isLegacyTx(tx) && !isFeeMarket1559Tx(tx)) return null
  const to = addressFromBytes(tx.to.bytes)
  if (engine.modules.has(to) || evm.precompiles.has(to.slice(2))) return null
  const target = await state.getAccount(tx.to)
  if (target?.isContract() === true) return null

  const tip = effectiveTip(tx, baseFee)
  const price = baseFee + tip
  const from = ethAddress(sender)
  // One after the other: sender, recipient and proposer may be the same account.
  const payer = (await state.getAccount(from)) ?? new Account()
  payer.nonce += 1n
  payer.balance -= transferGas * price + tx.value
  await state.putAccount(from, payer)
  await credit(state, tx.to, tx.value)
  await credit(state, coinbase, transferGas * tip)
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
async function credit(state: ChainVm['state'], to: EthAddress, wei: bigint): Promise<void> {
  if (wei === 0n) return
  const account = (await state.getAccount(to)) ?? new Account()
  account.balance += wei
  await state.putAccount(to, account)
}
