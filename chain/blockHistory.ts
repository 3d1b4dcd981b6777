/**
 * The part of the history index that follows from a block and its receipts, for checking and mending:
 * messages between contracts leave no other trace than in the index itself.
 */
import type { Block } from '@ethereumjs/block'
import { invariant } from '../primitives/result.ts'
import type { Write } from '../storage/keyValue.ts'
import type { Receipt } from '../vm/receipts.ts'
import { inspectTransaction } from '../vm/transaction.ts'
import { historyWrites } from './historyIndex.ts'

/** @throws {Bug} for a block that was never valid. */
export function blockHistory(
  height: bigint,
  all: Block['transactions'],
  receipts: readonly Receipt[],
): readonly Write[] {
  const transactions = all.map((tx) => {
    const inspected = inspectTransaction(tx)
    invariant(inspected.ok, `blockHistory: a transaction of block ${height} is wrong`)
    return inspected.value
  })
  const touched = transactions.map(({ sender, to }, index) => {
    const made = receipts[index]!.contractAddress
    const addresses = new Set([sender, to, made].filter((address) => address !== null))
    const created = made === null ? [] : [{ address: made, creator: sender }]
    return { addresses: [...addresses], created }
  })
  return historyWrites({ height, transactions, touched, receipts })
}
