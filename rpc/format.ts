/**
 * Blocks, transactions, receipts and logs as Ethereum clients expect them on the wire.
 *
 * @see the public execution-apis specification, schemas Block, TransactionInfo, ReceiptInfo, Log
 */
import { generateAddress } from '@ethereumjs/util'
import type { Address } from '../primitives/address.ts'
import { addressBytes, addressFromBytes } from '../primitives/address.ts'
import { uintBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type {
  AccessList,
  BlockView,
  HeaderView,
  LogView,
  ReceiptView,
  TransactionView,
} from './views.ts'
import { type JsonObject, maybeQuantity, present, quantity } from './wire.ts'

/** Header fields, as `newHeads` sends them. */
export function formatHeader(header: HeaderView): JsonObject {
  return {
    number: quantity(header.number),
    hash: header.hash,
    parentHash: header.parentHash,
    nonce: header.nonce,
    mixHash: header.mixHash,
    sha3Uncles: header.sha3Uncles,
    logsBloom: header.logsBloom,
    stateRoot: header.stateRoot,
    transactionsRoot: header.transactionsRoot,
    receiptsRoot: header.receiptsRoot,
    miner: header.miner,
    difficulty: quantity(header.difficulty),
    extraData: header.extraData,
    gasLimit: quantity(header.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(header.timestamp),
    ...present({
      baseFeePerGas: maybeQuantity(header.baseFeePerGas),
      withdrawalsRoot: header.withdrawalsRoot,
      blobGasUsed: maybeQuantity(header.blobGasUsed),
      excessBlobGas: maybeQuantity(header.excessBlobGas),
      parentBeaconBlockRoot: header.parentBeaconBlockRoot,
      requestsHash: header.requestsHash,
    }),
  }
}

/** @param full - whole transactions instead of their hashes. */
export function formatBlock(block: BlockView, full: boolean): JsonObject {
  const { header, withdrawals } = block
  return {
    ...formatHeader(header),
    size: quantity(block.size),
    uncles: block.uncles,
    transactions: full
      ? block
          .transactions()
          .map((transaction, index) => formatTransaction(transaction, { header, index }))
      : block.transactionHashes,
    ...present({
      withdrawals:
        withdrawals?.map(({ index, validatorIndex, address, amount }) => ({
          index: quantity(index),
          validatorIndex: quantity(validatorIndex),
          address,
          amount: quantity(amount),
        })) ?? null,
    }),
  }
}

/** Where a transaction was committed; null while it waits in the pool. */
export type Place = { readonly header: HeaderView; readonly index: number } | null

export function formatTransaction(transaction: TransactionView, place: Place): JsonObject {
  const { type, v } = transaction
  return {
    ...formatPlace(place),
    hash: transaction.hash,
    type: quantity(type),
    from: transaction.from,
    to: transaction.to,
    nonce: quantity(transaction.nonce),
    gas: quantity(transaction.gas),
    gasPrice: quantity(gasPriceOf(transaction, place?.header.baseFeePerGas ?? null)),
    value: quantity(transaction.value),
    input: transaction.input,
    v: quantity(v),
    r: quantity(transaction.r),
    s: quantity(transaction.s),
    ...present({
      yParity: type === 0 ? null : quantity(v),
      chainId: maybeQuantity(transaction.chainId),
      maxFeePerGas: maybeQuantity(transaction.maxFeePerGas),
      maxPriorityFeePerGas: maybeQuantity(transaction.maxPriorityFeePerGas),
      maxFeePerBlobGas: maybeQuantity(transaction.maxFeePerBlobGas),
      blobVersionedHashes: transaction.blobVersionedHashes,
      accessList: formatAccessList(transaction.accessList),
      authorizationList:
        transaction.authorizationList?.map((item) => ({
          chainId: quantity(item.chainId),
          address: item.address,
          nonce: quantity(item.nonce),
          yParity: quantity(item.yParity),
          r: quantity(item.r),
          s: quantity(item.s),
        })) ?? null,
    }),
  }
}

function formatPlace(place: Place): JsonObject {
  if (place === null) return { blockHash: null, blockNumber: null, transactionIndex: null }
  const { header, index } = place
  return {
    blockHash: header.hash,
    blockNumber: quantity(header.number),
    blockTimestamp: quantity(header.timestamp),
    transactionIndex: quantity(index),
  }
}

function formatAccessList(list: AccessList | null) {
  return list?.map(({ address, storageKeys }) => ({ address, storageKeys })) ?? null
}

/** Wei per gas: what was paid at `baseFee`, or the most that may be paid while that is unknown. */
export function gasPriceOf(transaction: TransactionView, baseFee: bigint | null): bigint {
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = transaction
  if (gasPrice !== null) return gasPrice
  if (baseFee === null) return maxFeePerGas ?? 0n
  const wanted = baseFee + (maxPriorityFeePerGas ?? 0n)
  return maxFeePerGas !== null && maxFeePerGas < wanted ? maxFeePerGas : wanted
}

/** Receipts of one block, in order. */
export function formatReceipts(
  block: BlockView,
  receipts: readonly ReceiptView[],
): readonly JsonObject[] {
  const transactions = block.transactions()
  let logIndex = 0
  let gasBefore = 0n
  return receipts.map((receipt, index) => {
    const place = { header: block.header, index, logIndex, gasBefore }
    logIndex += receipt.logs.length
    gasBefore = receipt.cumulativeGasUsed
    return formatReceipt(receipt, transactions[index]!, place)
  })
}

type ReceiptPlace = NonNullable<Place> & {
  /** Index within the block of the receipt's first log. */
  readonly logIndex: number
  /** Gas used by the block's transactions before this one. */
  readonly gasBefore: bigint
}

function formatReceipt(
  receipt: ReceiptView,
  transaction: TransactionView,
  { header, index, logIndex, gasBefore }: ReceiptPlace,
): JsonObject {
  const { from, to, nonce, hash, type, blobVersionedHashes } = transaction
  return {
    blockHash: header.hash,
    blockNumber: quantity(header.number),
    transactionHash: hash,
    transactionIndex: quantity(index),
    type: quantity(type),
    from,
    to,
    contractAddress: to === null ? createdAddress(from, nonce) : null,
    cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
    gasUsed: quantity(receipt.cumulativeGasUsed - gasBefore),
    effectiveGasPrice: quantity(gasPriceOf(transaction, header.baseFeePerGas)),
    logsBloom: receipt.logsBloom,
    logs: receipt.logs.map((log, i) =>
      formatLog(log, { header, index, transactionHash: hash, logIndex: logIndex + i }),
    ),
    ...present({
      status: receipt.status === null ? null : quantity(receipt.status ? 1 : 0),
      root: receipt.root,
    }),
    ...(blobVersionedHashes === null ? {} : formatBlobGas(header, blobVersionedHashes.length)),
  }
}

/** Gas of one blob. @see EIP-4844 */
const gasPerBlob = 131_072

function formatBlobGas({ fees }: HeaderView, blobs: number): JsonObject {
  return {
    blobGasUsed: quantity(blobs * gasPerBlob),
    blobGasPrice: quantity(fees.blobBaseFee ?? 0n),
  }
}

export type LogPlace = {
  readonly header: HeaderView
  /** Index of the transaction within the block. */
  readonly index: number
  readonly transactionHash: Hash
  /** Index of the log within the block. */
  readonly logIndex: number
}

export function formatLog(log: LogView, place: LogPlace): JsonObject {
  const { header, index, transactionHash, logIndex } = place
  return {
    address: log.address,
    topics: log.topics,
    data: log.data,
    blockNumber: quantity(header.number),
    blockHash: header.hash,
    blockTimestamp: quantity(header.timestamp),
    transactionHash,
    transactionIndex: quantity(index),
    logIndex: quantity(logIndex),
    removed: false,
  }
}

/** Address of the contract that `sender`'s transaction with `nonce` creates. */
function createdAddress(sender: Address, nonce: bigint): Address {
  const width = Math.ceil(nonce.toString(16).length / 2)
  const bytes = nonce === 0n ? new Uint8Array() : uintBytes(nonce, width)
  return addressFromBytes(generateAddress(addressBytes(sender), bytes))
}
