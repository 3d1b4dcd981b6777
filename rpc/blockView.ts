/**
 * From the library's blocks and transactions to plain views.
 */
import type { Block, BlockHeader } from '@ethereumjs/block'
import {
  type EOACode7702Tx,
  isAccessList2930Tx,
  isBlob4844Tx,
  isEOACode7702Tx,
  isFeeMarket1559Tx,
  isLegacyTx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import { bytesToUint, toHex } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import type {
  AccessList,
  AuthorizationView,
  BlockView,
  FeeView,
  HeaderView,
  TransactionView,
} from './views.ts'

export function blockViewOf(block: Block): BlockView {
  let header: HeaderView | null = null
  let size: number | null = null
  let hashes: readonly Hash[] | null = null
  let transactions: readonly TransactionView[] | null = null
  // Every block has a view, and few are asked for more than a part of it.
  return {
    get header() {
      header ??= headerViewOf(block.header)
      return header
    },
    get size() {
      size ??= block.serialize().length
      return size
    },
    get transactionHashes() {
      hashes ??= block.transactions.map((tx) => hashFromBytes(tx.hash()))
      return hashes
    },
    uncles: block.uncleHeaders.map((uncle) => hashFromBytes(uncle.hash())),
    withdrawals:
      block.withdrawals?.map(({ index, validatorIndex, address, amount }) => ({
        index,
        validatorIndex,
        address: addressFromBytes(address.bytes),
        amount,
      })) ?? null,
    transactions: () => {
      transactions ??= block.transactions.map((tx) => transactionViewOf(tx))
      return transactions
    },
    raw: () => ({ block: toHex(block.serialize()), header: toHex(block.header.serialize()) }),
  }
}

export function headerViewOf(header: BlockHeader): HeaderView {
  return {
    number: header.number,
    hash: hashFromBytes(header.hash()),
    parentHash: hashFromBytes(header.parentHash),
    sha3Uncles: hashFromBytes(header.uncleHash),
    miner: addressFromBytes(header.coinbase.bytes),
    stateRoot: hashFromBytes(header.stateRoot),
    transactionsRoot: hashFromBytes(header.transactionsTrie),
    receiptsRoot: hashFromBytes(header.receiptTrie),
    logsBloom: toHex(header.logsBloom),
    difficulty: header.difficulty,
    gasLimit: header.gasLimit,
    gasUsed: header.gasUsed,
    timestamp: header.timestamp,
    extraData: toHex(header.extraData),
    mixHash: hashFromBytes(header.mixHash),
    nonce: toHex(header.nonce),
    baseFeePerGas: header.baseFeePerGas ?? null,
    withdrawalsRoot: maybeHash(header.withdrawalsRoot),
    blobGasUsed: header.blobGasUsed ?? null,
    excessBlobGas: header.excessBlobGas ?? null,
    parentBeaconBlockRoot: maybeHash(header.parentBeaconBlockRoot),
    requestsHash: maybeHash(header.requestsHash),
    fees: feesOf(header),
  }
}

function feesOf(header: BlockHeader): FeeView {
  const blobs = header.excessBlobGas !== undefined
  return {
    nextBaseFee: header.baseFeePerGas === undefined ? 0n : header.calcNextBaseFee(),
    blobBaseFee: blobs ? header.getBlobGasPrice() : null,
    nextBlobBaseFee: blobs ? header.calcNextBlobGasPrice(header.common) : null,
    maxBlobGas: blobs ? header.common.getBlobGasSchedule().maxBlobGasPerBlock : null,
  }
}

/** A signed transaction as a plain view. @param sender - recovered from the signature if not given. */
export function transactionViewOf(
  tx: TypedTransaction,
  sender: Address = addressFromBytes(tx.getSenderAddress().bytes),
): TransactionView {
  const { v = 0n, r = 0n, s = 0n } = tx
  const market = isFeeMarket1559Tx(tx) || isBlob4844Tx(tx) || isEOACode7702Tx(tx)
  const listed = market || isAccessList2930Tx(tx)
  const blobs = isBlob4844Tx(tx)
  return {
    hash: hashFromBytes(tx.hash()),
    type: tx.type,
    from: sender,
    to: tx.to === undefined ? null : addressFromBytes(tx.to.bytes),
    nonce: tx.nonce,
    gas: tx.gasLimit,
    value: tx.value,
    input: toHex(tx.data),
    gasPrice: market ? null : (tx as Extract<TypedTransaction, { gasPrice: bigint }>).gasPrice,
    maxFeePerGas: market ? tx.maxFeePerGas : null,
    maxPriorityFeePerGas: market ? tx.maxPriorityFeePerGas : null,
    maxFeePerBlobGas: blobs ? tx.maxFeePerBlobGas : null,
    blobVersionedHashes: blobs
      ? tx.blobVersionedHashes.map((hash) => hash as string as Hash)
      : null,
    chainId: isLegacyTx(tx) ? legacyChainId(v) : (tx as { readonly chainId: bigint }).chainId,
    accessList: listed ? accessListOf(tx.accessList) : null,
    authorizationList: isEOACode7702Tx(tx) ? authorizationsOf(tx) : null,
    v,
    r,
    s,
    raw: toHex(tx.serialize()),
  }
}

/** What a legacy signature binds; 27 and 28 bind nothing. @see EIP-155 */
function legacyChainId(v: bigint): bigint | null {
  return v >= 35n ? (v - 35n) / 2n : null
}

type Listed = Extract<TypedTransaction, { accessList: unknown }>

function accessListOf(list: Listed['accessList']): AccessList {
  return list.map(([address, keys]) => ({
    address: addressFromBytes(address),
    storageKeys: keys.map(hashFromBytes),
  }))
}

function authorizationsOf({ authorizationList }: EOACode7702Tx): readonly AuthorizationView[] {
  return authorizationList.map(([chainId, address, nonce, yParity, r, s]) => ({
    chainId: bytesToUint(chainId),
    address: addressFromBytes(address),
    nonce: bytesToUint(nonce),
    yParity: bytesToUint(yParity),
    r: bytesToUint(r),
    s: bytesToUint(s),
  }))
}

function maybeHash(bytes: Uint8Array | undefined): Hash | null {
  return bytes === undefined ? null : hashFromBytes(bytes)
}
