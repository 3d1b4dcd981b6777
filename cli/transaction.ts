/**
 * Calls to native modules that change something: tried first, then sent, then awaited.
 */
import type { Abi, LocalAccount, TransactionReceipt } from 'viem'
import type { Address } from '../primitives/address.ts'
import { fail } from './failure.ts'
import { explain, type Node } from './rpc.ts'

export type ModuleCall = {
  readonly address: Address
  readonly abi: Abi
  readonly functionName: string
  readonly args: readonly unknown[]
  /** Wei that go with it. @default 0n */
  readonly value?: bigint | undefined
}

/** Blocks come every second or few; after this long something is wrong. */
const receiptTimeoutMs = 120_000

/**
 * Send the call and wait until it is in a block, which is final.
 *
 * @throws {Failure} with the module's own error if it refuses.
 */
export async function sendCall(
  node: Node,
  account: LocalAccount,
  call: ModuleCall,
): Promise<TransactionReceipt> {
  return explain(node.url, async () => {
    await node.client.simulateContract({ ...call, account } as never)
    const hash = await node.wallet(account).writeContract({ ...call } as never)
    const receipt = await node.client.waitForTransactionReceipt({
      hash,
      timeout: receiptTimeoutMs,
    })
    if (receipt.status === 'success') return receipt
    return fail({
      what: `the transaction ${hash} failed`,
      why: `it reverted in block ${receipt.blockNumber}, though it would have passed before`,
      next: 'something changed in between: try again',
    })
  })
}
