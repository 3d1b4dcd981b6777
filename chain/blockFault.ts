/**
 * Why a block is refused: one code for each rule, with the numbers that show it.
 */
import type { CodecFault } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Fault } from '../primitives/result.ts'
import type { PaymentFault } from '../vm/payment.ts'
import type { TransactionFault } from '../vm/transaction.ts'

/** A field that must equal what the rules say. */
type Mismatch<Code extends string, Value> = {
  readonly code: Code
  readonly expected: Value
  readonly got: Value
}

export type HeaderFault =
  | Mismatch<'block/parentHash', Hash>
  | Mismatch<'block/number', bigint>
  | { readonly code: 'block/timestamp'; readonly above: bigint; readonly got: bigint }
  | Mismatch<'block/gasLimit', bigint>
  | Mismatch<'block/baseFee', bigint>
  | Mismatch<'block/excessBlobGas', bigint>
  | Mismatch<'block/blobGasUsed', bigint>
  | { readonly code: 'block/coinbase'; readonly got: string }
  | { readonly code: 'block/reveal'; readonly proposer: string; readonly height: bigint }
  | Mismatch<'block/mixHash', Hash>
  | { readonly code: 'block/extraData'; readonly max: number; readonly got: number }
  | Mismatch<'block/difficulty', bigint>
  | Mismatch<'block/nonce', Hash | string>
  | { readonly code: 'block/uncles'; readonly got: number }
  | Mismatch<'block/transactionsRoot', Hash>
  | Mismatch<'block/withdrawalsRoot', Hash>
  | Mismatch<'block/requestsHash', Hash>

export type BlockFault =
  | HeaderFault
  | { readonly code: 'block/envelope'; readonly fault: CodecFault }
  | { readonly code: 'block/size'; readonly max: number; readonly got: number }
  | { readonly code: 'block/malformed'; readonly why: string }
  | { readonly code: 'block/encoding' }
  | { readonly code: 'block/parentCommit'; readonly height: bigint; readonly fault: Fault }
  | { readonly code: 'block/withdrawals'; readonly index: number; readonly expected: number }
  | {
      readonly code: 'block/transaction'
      readonly index: number
      readonly fault: TransactionFault | PaymentFault
    }
  | { readonly code: 'block/evidence'; readonly index: number; readonly fault: Fault }
  | Mismatch<'block/beaconRoot', Hash>
  | { readonly code: 'block/certifyReverted'; readonly index: number; readonly transaction: Hash }
  | { readonly code: 'block/execution'; readonly index: number; readonly why: string }
  | { readonly code: 'block/slow'; readonly index: number }
  | Mismatch<'block/gasUsed', bigint>
  | Mismatch<'block/receiptsRoot', Hash>
  | { readonly code: 'block/bloom' }
  | Mismatch<'block/stateRoot', Hash>
