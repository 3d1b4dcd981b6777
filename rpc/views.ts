/**
 * What the methods see of the chain: plain data, integers as bigint, byte strings as lowercase hex.
 * Fields that a block or transaction of an older fork lacks are null and are left out on the wire.
 */
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'

export type HeaderView = {
  readonly number: bigint
  readonly hash: Hash
  readonly parentHash: Hash
  readonly sha3Uncles: Hash
  readonly miner: Address
  readonly stateRoot: Hash
  readonly transactionsRoot: Hash
  readonly receiptsRoot: Hash
  /** 256 bytes. */
  readonly logsBloom: Hex
  readonly difficulty: bigint
  readonly gasLimit: bigint
  readonly gasUsed: bigint
  /** Unix seconds. */
  readonly timestamp: bigint
  readonly extraData: Hex
  readonly mixHash: Hash
  /** 8 bytes. */
  readonly nonce: Hex
  readonly baseFeePerGas: bigint | null
  readonly withdrawalsRoot: Hash | null
  readonly blobGasUsed: bigint | null
  readonly excessBlobGas: bigint | null
  readonly parentBeaconBlockRoot: Hash | null
  readonly requestsHash: Hash | null
  /** What follows from the header for its own blobs and for the next block. */
  readonly fees: FeeView
}

export type FeeView = {
  /** Base fee of the block after this one, wei. */
  readonly nextBaseFee: bigint
  /** Price of a unit of blob gas in this block, wei; null before blobs. */
  readonly blobBaseFee: bigint | null
  readonly nextBlobBaseFee: bigint | null
  /** Most blob gas of one block. */
  readonly maxBlobGas: bigint | null
}

type WithdrawalView = {
  readonly index: bigint
  readonly validatorIndex: bigint
  readonly address: Address
  /** Gwei. */
  readonly amount: bigint
}

export type BlockView = {
  readonly header: HeaderView
  /** Bytes of the block's RLP. */
  readonly size: number
  readonly uncles: readonly Hash[]
  readonly withdrawals: readonly WithdrawalView[] | null
  readonly transactionHashes: readonly Hash[]
  /** Decoded on demand: recovering senders is the dear part of reading a block. */
  readonly transactions: () => readonly TransactionView[]
  /** RLP. */
  readonly raw: () => { readonly block: Hex; readonly header: Hex }
}

export type AccessList = readonly {
  readonly address: Address
  readonly storageKeys: readonly Hash[]
}[]

export type AuthorizationView = {
  readonly chainId: bigint
  readonly address: Address
  readonly nonce: bigint
  readonly yParity: bigint
  readonly r: bigint
  readonly s: bigint
}

export type TransactionView = {
  readonly hash: Hash
  /** EIP-2718 type; 0 is legacy. */
  readonly type: number
  readonly from: Address
  readonly to: Address | null
  readonly nonce: bigint
  readonly gas: bigint
  readonly value: bigint
  readonly input: Hex
  /** Legacy and access-list transactions. */
  readonly gasPrice: bigint | null
  readonly maxFeePerGas: bigint | null
  readonly maxPriorityFeePerGas: bigint | null
  readonly maxFeePerBlobGas: bigint | null
  readonly blobVersionedHashes: readonly Hash[] | null
  /** Null for legacy transactions without replay protection. */
  readonly chainId: bigint | null
  readonly accessList: AccessList | null
  readonly authorizationList: readonly AuthorizationView[] | null
  readonly v: bigint
  readonly r: bigint
  readonly s: bigint
  /** The signed bytes. */
  readonly raw: Hex
}

export type LogView = {
  readonly address: Address
  readonly topics: readonly Hash[]
  readonly data: Hex
}

/** The consensus part of a receipt; the rest follows from the transaction and its block. */
export type ReceiptView = {
  /** Whether it succeeded; null before Byzantium, which has `root` instead. */
  readonly status: boolean | null
  readonly root: Hash | null
  readonly cumulativeGasUsed: bigint
  readonly logsBloom: Hex
  readonly logs: readonly LogView[]
}

export type AccountView = { readonly nonce: bigint; readonly balance: bigint }

/** EIP-1186. Proof nodes are RLP. */
export type ProofView = {
  readonly balance: bigint
  readonly nonce: bigint
  readonly codeHash: Hash
  readonly storageHash: Hash
  readonly accountProof: readonly Hex[]
  /** In the order of the slots asked for. */
  readonly storageProof: readonly { readonly value: bigint; readonly proof: readonly Hex[] }[]
}

/** A transaction to imagine. Null means: not said. */
export type CallView = {
  readonly from: Address | null
  /** Null creates a contract. */
  readonly to: Address | null
  /** Includes the intrinsic cost, as in a transaction. */
  readonly gas: bigint
  /** Legacy price or the most per gas; null runs without fees. */
  readonly maxFeePerGas: bigint | null
  readonly maxPriorityFeePerGas: bigint | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly accessList: AccessList | null
  /** Present makes it a transaction of type 4. */
  readonly authorizationList: readonly AuthorizationView[] | null
}

/** `gasUsed` counts the intrinsic cost and is after refunds, as a receipt would say. */
export type CallOutcome =
  | { readonly ok: true; readonly returnData: Uint8Array; readonly gasUsed: bigint }
  | {
      readonly ok: false
      /** `revert`: the code said no and may say why; `halt`: out of gas, invalid code, no funds. */
      readonly kind: 'revert' | 'halt'
      readonly reason: string
      readonly returnData: Uint8Array
      readonly gasUsed: bigint
    }
