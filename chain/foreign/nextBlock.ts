/**
 * A block on top of an imported chain's head, built on request and kept by nobody: what
 * `testing_buildBlockV1` answers with.
 */
import type { Block } from '@ethereumjs/block'
import { createTxFromRLP } from '@ethereumjs/tx'
import { createWithdrawal, type WithdrawalData } from '@ethereumjs/util'
import { buildBlock } from '@ethereumjs/vm'
import { type Address, addressBytes } from '../../primitives/address.ts'
import { type Hash, hashBytes } from '../../primitives/hash.ts'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { createChainVm, type Deadline } from '../../vm/chainVm.ts'
import { whyOf } from './fault.ts'
import type { ForeignChain } from './foreignChain.ts'

export type NextBlockRequest = {
  readonly timestamp: bigint
  readonly prevRandao: Hash
  readonly feeRecipient: Address
  readonly beaconRoot: Hash | null
  readonly withdrawals: readonly WithdrawalData[]
  readonly extraData: Uint8Array
  /** As they are signed and sent. */
  readonly transactions: readonly Uint8Array[]
  /** Whether a transaction that cannot run ends it all, or is left out. */
  readonly all: boolean
}

export type NextBlock = {
  readonly block: Block
  /** Type byte and content, without empty ones. @see EIP-7685 */
  readonly requests: readonly Uint8Array[]
  /** Wei that the fee recipient earns. */
  readonly value: bigint
}

export type NextBlockFault =
  | { readonly code: 'build/timestamp'; readonly above: bigint; readonly got: bigint }
  | { readonly code: 'build/transaction'; readonly index: number; readonly why: string }

/** Run `request` on the head. */
export async function buildNext(
  chain: ForeignChain,
  request: NextBlockRequest,
  expired: Deadline,
): Promise<Result<NextBlock, NextBlockFault>> {
  const parent = chain.blocks.at(-1)!.block
  const { timestamp, prevRandao, feeRecipient, beaconRoot } = request
  const height = parent.header.number + 1n
  if (timestamp <= parent.header.timestamp)
    return refuse({ code: 'build/timestamp', above: parent.header.timestamp, got: timestamp })
  const engine = chain.engineAt(height, timestamp)
  const { common } = engine
  const state = await chain.stateAt(parent.header.number)
  const context = { height, timestamp, mixHash: prevRandao, coinbase: feeRecipient }
  const { vm } = await createChainVm(engine, state, context, expired, chain.known)
  const root = common.isActivatedEIP(4788) && beaconRoot !== null
  const builder = await buildBlock(vm, {
    parentBlock: parent,
    headerData: {
      timestamp,
      coinbase: addressBytes(feeRecipient),
      mixHash: hashBytes(prevRandao),
      extraData: request.extraData,
      ...(root ? { parentBeaconBlockRoot: hashBytes(beaconRoot) } : {}),
    },
    ...(common.isActivatedEIP(4895)
      ? { withdrawals: request.withdrawals.map(createWithdrawal) }
      : {}),
    blockOpts: { putBlockIntoBlockchain: false },
  })
  for (const [index, bytes] of request.transactions.entries())
    try {
      await builder.addTransaction(createTxFromRLP(bytes, { common }))
    } catch (error) {
      if (request.all) return refuse({ code: 'build/transaction', index, why: whyOf(error) })
    }
  const { block, requests = [] } = await builder.build()
  const value = builder.minerValue
  // A request of its type byte alone is none.
  const filled = requests.map(({ bytes }) => bytes).filter(({ length }) => length > 1)
  return ok({ block, value, requests: filled })
}
