/**
 * Certificates in blocks: a top-level call of `Jobs.certify`. Its proof travels beside the block, so a
 * block in which such a call reverts is invalid: nobody shall have verified a proof for nothing.
 */
import { toFunctionSelector } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import type { Engine } from '../vm/engine.ts'
import { selectorOf, type Transaction } from '../vm/transaction.ts'

/** Selector of `Jobs.certify`, or null on a chain whose modules have none. */
function certifySelector(engine: Engine): string | null {
  const abi = engine.modules.get(moduleAddresses.jobs)?.abi ?? []
  const item = abi.find((entry) => entry.type === 'function' && entry.name === 'certify')
  return item?.type === 'function' ? toFunctionSelector(item) : null
}

export function isCertify(engine: Engine, { tx, to }: Pick<Transaction, 'tx' | 'to'>): boolean {
  return to === moduleAddresses.jobs && selectorOf(tx) === certifySelector(engine)
}
