/**
 * Receipts: what a transaction did. The chain commits to them in Ethereum's form; the store keeps the
 * same facts in the project's codec, and what follows from them (blooms) is computed again.
 */
import { Bloom, encodeReceipt, type RunTxResult } from '@ethereumjs/vm'
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes, hashFromBytes } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import type { Engine } from './engine.ts'
import { listRoot } from './listTrie.ts'
import type { Transaction } from './transaction.ts'

export type Log = {
  readonly address: Address
  /** At most four. */
  readonly topics: readonly Hash[]
  readonly data: Uint8Array
}

export type Receipt = {
  readonly type: number
  readonly succeeded: boolean
  readonly gasUsed: bigint
  /** Gas of this transaction and all before it in the block. */
  readonly cumulativeGasUsed: bigint
  /** Wei per gas that was paid. */
  readonly effectiveGasPrice: bigint
  readonly contractAddress: Address | null
  readonly logs: readonly Log[]
}

/** The receipt of `result`, the first in its block having `gasBefore` = 0. */
export function receiptOf(
  { tx }: Pick<Transaction, 'tx'>,
  result: RunTxResult,
  gasBefore: bigint,
): Receipt {
  const { totalGasSpent: gasUsed, createdAddress, execResult } = result
  const succeeded = execResult.exceptionError === undefined
  const created = tx.to === undefined && succeeded ? createdAddress : undefined
  return {
    type: tx.type,
    succeeded,
    gasUsed,
    cumulativeGasUsed: gasBefore + gasUsed,
    effectiveGasPrice: result.amountSpent / gasUsed,
    contractAddress: created === undefined ? null : addressFromBytes(created.bytes),
    logs: logsOf(execResult.logs),
  }
}

/** The EVM's logs as records. */
export function logsOf(logs: RunTxResult['execResult']['logs'] = []): readonly Log[] {
  return logs.map(([address, topics, data]) => ({
    address: addressFromBytes(address),
    topics: topics.map(hashFromBytes),
    data: Uint8Array.from(data),
  }))
}

/** The 2,048-bit filter over a receipt's addresses and topics. */
export function bloomOf(
  engine: Engine,
  logs: readonly Pick<Log, 'address' | 'topics'>[],
): Uint8Array {
  const bloom = new Bloom(undefined, engine.common)
  // Each once: hashing is what costs, and contracts log the same topics again and again.
  for (const address of new Set(logs.map((log) => log.address))) bloom.add(addressBytes(address))
  for (const topic of new Set(logs.flatMap((log) => log.topics))) bloom.add(hashBytes(topic))
  return bloom.bitvector
}

/** Root of the trie of receipts, as in Ethereum's headers, and the block's bloom. */
export function commitReceipts(
  engine: Engine,
  receipts: readonly Receipt[],
): { readonly root: Hash; readonly bloom: Uint8Array } {
  const bloom = new Uint8Array(256)
  const encoded = receipts.map((receipt) => {
    if (receipt.logs.length === 0) return encodeForTrie(receipt, noLogs)
    const own = bloomOf(engine, receipt.logs)
    for (let at = 0; at < 256; at++) bloom[at]! |= own[at]!
    return encodeForTrie(receipt, own)
  })
  return { root: listRoot(encoded), bloom }
}

/** The bloom of nothing. */
const noLogs = new Uint8Array(256)

function encodeForTrie(receipt: Receipt, bitvector: Uint8Array): Uint8Array {
  const { type, succeeded, cumulativeGasUsed, logs } = receipt
  return encodeReceipt(
    {
      status: succeeded ? 1 : 0,
      cumulativeBlockGasUsed: cumulativeGasUsed,
      bitvector,
      logs: logs.map(({ address, topics, data }) => [
        addressBytes(address),
        topics.map(hashBytes),
        data,
      ]),
    },
    type as Parameters<typeof encodeReceipt>[1],
  )
}

const maxReceipts = 65_536
const maxLogs = 1_000_000
const maxLogBytes = 16_777_216

/** All receipts of one block, for the store. */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return new Writer().list(receipts, writeReceipt).bytes()
}

export function decodeReceipts(bytes: Uint8Array): Result<readonly Receipt[], CodecFault> {
  return decode(bytes, (reader) => reader.list(maxReceipts, readReceipt))
}

function writeReceipt(receipt: Receipt, writer: Writer): void {
  const { contractAddress } = receipt
  writer
    .uint(receipt.type, 1)
    .uint(receipt.succeeded ? 1 : 0, 1)
    .uint(receipt.gasUsed, 8)
    .uint(receipt.cumulativeGasUsed, 8)
    .uint(receipt.effectiveGasPrice, 32)
    .blob(contractAddress === null ? new Uint8Array() : addressBytes(contractAddress))
    .list(receipt.logs, (log, into) =>
      into
        .fixed(addressBytes(log.address))
        .list(log.topics, (topic, at) => at.hash(topic))
        .blob(log.data),
    )
}

function readReceipt(reader: Reader): Receipt {
  return {
    type: reader.number(1),
    succeeded: reader.number(1, 1) === 1,
    gasUsed: reader.uint(8),
    cumulativeGasUsed: reader.uint(8),
    effectiveGasPrice: reader.uint(32),
    contractAddress: readMaybeAddress(reader),
    logs: reader.list(maxLogs, (from) => ({
      address: addressFromBytes(from.fixed(20)),
      topics: from.list(4, (topic) => topic.hash()),
      data: from.blob(maxLogBytes),
    })),
  }
}

function readMaybeAddress(reader: Reader): Address | null {
  const bytes = reader.blob(20)
  if (bytes.length === 0) return null
  return bytes.length === 20 ? addressFromBytes(bytes) : reader.fail('contract address')
}
