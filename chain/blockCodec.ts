/**
 * Blocks to bytes and back. Transactions that were read before, on their way into the pool, are taken
 * as they are.
 */
import {
  Block,
  type BlockHeaderBytes,
  createBlockHeaderFromBytesArray,
  type WithdrawalsBytes,
} from '@ethereumjs/block'
import { RLP } from '@ethereumjs/rlp'
import { createTxFromBlockBodyData, type TypedTransaction } from '@ethereumjs/tx'
import { createWithdrawal } from '@ethereumjs/util'
import { equalBytes } from '../primitives/bytes.ts'
import { hashFromBytes } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Engine } from '../vm/engine.ts'
import { keccak256 } from '../vm/keccak.ts'
import { recentOf } from '../vm/recentTransactions.ts'
import { rlpList, rlpText } from '../vm/rlp.ts'
import { encodeTransaction } from '../vm/transaction.ts'
import type { BlockFault } from './blockFault.ts'
import type { Rules } from './rules.ts'

/** The block's one encoding. */
export function encodeBlock({ header, transactions, withdrawals = [] }: Block): Uint8Array {
  const body = transactions.map((tx) => {
    const bytes = encodeTransaction(tx)
    return tx.type === 0 ? bytes : rlpText(bytes)
  })
  return rlpList([
    RLP.encode(header.raw()),
    rlpList(body),
    rlpList([]),
    RLP.encode(withdrawals.map((withdrawal) => withdrawal.raw())),
  ])
}

/** The block in `bytes`, which must be its only encoding. */
export function readBlock(
  { engine, params }: { readonly engine: Engine; readonly params: Rules['params'] },
  bytes: Uint8Array,
): Result<Block, BlockFault> {
  if (bytes.length > params.maxBlockBytes)
    return refuse({ code: 'block/size', max: params.maxBlockBytes, got: bytes.length })
  try {
    const values = RLP.decode(bytes)
    if (!Array.isArray(values)) throw new Error('no list')
    const [header, transactions = [], uncles = [], withdrawals, ...rest] = values
    if (uncles.length > 0) return refuse({ code: 'block/uncles', got: uncles.length })
    if (rest.length > 0) throw new Error(`${rest.length} fields too many`)
    if (!Array.isArray(transactions) || !Array.isArray(withdrawals))
      throw new Error('transactions and withdrawals must be lists')
    const block = new Block(
      // The library's own proof-of-stake checks would come without codes; header.ts has them all.
      createBlockHeaderFromBytesArray(header as BlockHeaderBytes, {
        common: engine.common,
        skipConsensusFormatValidation: true,
      }),
      transactions.map((item) => readTransaction(engine, item)),
      [],
      (withdrawals as WithdrawalsBytes).map(([index, validatorIndex, address, amount]) =>
        createWithdrawal({ index, validatorIndex, address, amount }),
      ),
      { common: engine.common },
    )
    return equalBytes(encodeBlock(block), bytes) ? ok(block) : refuse({ code: 'block/encoding' })
  } catch (error) {
    return refuse({ code: 'block/malformed', why: String(error).slice(0, 200) })
  }
}

type Item = Parameters<typeof createTxFromBlockBodyData>[0]

/** A body's entry: bytes, or the fields of a transaction without a type. */
function readTransaction(engine: Engine, item: unknown): TypedTransaction {
  const bytes = item instanceof Uint8Array ? item : RLP.encode(item as never)
  const known = recentOf(engine).get(hashFromBytes(keccak256(bytes)))
  return known?.tx ?? createTxFromBlockBodyData(item as Item, { common: engine.common })
}
