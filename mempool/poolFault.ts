/**
 * Why the pool refuses a transaction that is well formed.
 */
import type { Hash } from '../primitives/hash.ts'
import type { TransactionFault } from '../vm/transaction.ts'

export type PoolFault =
  | TransactionFault
  | { readonly code: 'pool/known'; readonly hash: Hash }
  /** Certificates travel with their proofs, through the certificate pool. */
  | { readonly code: 'pool/certificate'; readonly hash: Hash }
  | { readonly code: 'pool/blockGas'; readonly max: bigint; readonly got: bigint }
  | { readonly code: 'pool/fee'; readonly least: bigint; readonly got: bigint }
  | { readonly code: 'pool/tip'; readonly least: bigint; readonly got: bigint }
  | { readonly code: 'pool/nonceLow'; readonly next: bigint; readonly got: bigint }
  | { readonly code: 'pool/nonceGap'; readonly max: bigint; readonly got: bigint }
  | { readonly code: 'pool/balance'; readonly needed: bigint; readonly got: bigint }
  | {
      readonly code: 'pool/underpriced'
      readonly leastFee: bigint
      readonly leastTip: bigint
      readonly gotFee: bigint
      readonly gotTip: bigint
    }
  | { readonly code: 'pool/senderFull'; readonly max: number }
  | { readonly code: 'pool/full'; readonly leastTip: bigint; readonly gotTip: bigint }
