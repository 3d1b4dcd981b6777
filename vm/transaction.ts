/**
 * Transactions: Ethereum's types 0, 1, 2 and 4 in their canonical bytes, bound to this chain's id.
 * Blob transactions (type 3) are refused: the chain has no blobs.
 */
import { RLP } from '@ethereumjs/rlp'
import {
  create1559FeeMarketTxFromBytesArray,
  createTxFromRLP,
  getMinimumGasLimit,
  isEOACode7702Tx,
  isFeeMarket1559Tx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import { bytesToUint, equalBytes, toHex } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Engine } from './engine.ts'
import { readFlatList } from './flatRlp.ts'
import { keccak256 } from './keccak.ts'
import { recentOf } from './recentTransactions.ts'

/** A transaction whose form and signature are right; whether it can be paid is the state's to say. */
export type Transaction = {
  readonly tx: TypedTransaction
  readonly hash: Hash
  readonly sender: Address
  /** Null creates a contract. */
  readonly to: Address | null
  readonly size: number
}

export type TransactionFault =
  | { readonly code: 'transaction/size'; readonly max: number; readonly got: number }
  | { readonly code: 'transaction/type'; readonly got: number }
  | { readonly code: 'transaction/malformed'; readonly why: string }
  | { readonly code: 'transaction/encoding' }
  | { readonly code: 'transaction/chainId'; readonly expected: bigint; readonly got: bigint }
  | { readonly code: 'transaction/unprotected' }
  | { readonly code: 'transaction/signature' }
  | { readonly code: 'transaction/gasCap'; readonly max: bigint; readonly got: bigint }
  | { readonly code: 'transaction/intrinsicGas'; readonly least: bigint; readonly got: bigint }

/** Largest transaction in bytes, as in the pools of Ethereum's clients. */
const maxTransactionBytes = 131_072

/** Most gas of one transaction. @see EIP-7825 */
export const maxTransactionGas = 16_777_216n

const knownTypes = [0, 1, 2, 4]

/** Encodings and inspections of transactions that are in use: they are frozen, so nothing changes. */
const encodings = new WeakMap<TypedTransaction, Uint8Array>()
const senders = new WeakMap<TypedTransaction, Address>()
const inspections = new WeakMap<TypedTransaction, Result<Transaction, TransactionFault>>()

/** The bytes that its hash is of; not to be written to. */
export function encodeTransaction(tx: TypedTransaction): Uint8Array {
  const known = encodings.get(tx)
  if (known !== undefined) return known
  const bytes = tx.serialize()
  encodings.set(tx, bytes)
  return bytes
}

/** Read a transaction from its bytes, as wallets send it and as block bodies name it. */
export function decodeTransaction(
  engine: Engine,
  bytes: Uint8Array,
): Result<Transaction, TransactionFault> {
  const read = readBytes(engine, bytes)
  if (!read.ok) return read
  return 'known' in read.value ? ok(read.value.known) : inspectRead(engine, read.value)
}

/** {@link decodeTransaction}, but its signer is found beside the main thread. */
export async function decodeTransactionAside(
  engine: Engine,
  bytes: Uint8Array,
): Promise<Result<Transaction, TransactionFault>> {
  const read = readBytes(engine, bytes)
  if (!read.ok) return read
  if ('known' in read.value) return ok(read.value.known)
  await findSenders(engine, [read.value.tx])
  return inspectRead(engine, read.value)
}

/** Have the signers of these transactions found beside the main thread: inspecting them is cheap then. */
export async function findSenders(
  { findSigners }: Engine,
  transactions: readonly TypedTransaction[],
): Promise<void> {
  const unknown = transactions.filter((tx) => !inspections.has(tx) && knownTypes.includes(tx.type))
  if (findSigners === undefined || unknown.length === 0) return
  const found = await findSigners(unknown.map(encodeTransaction))
  for (const [i, tx] of unknown.entries()) {
    const signer = found[i] ?? null
    if (signer === null) continue
    // Where the library looks first.
    tx.cache.senderPubKey = signer.slice(0, 64)
    senders.set(tx, addressFromBytes(signer.subarray(64)))
  }
}

type Read = { readonly tx: TypedTransaction; readonly hash: Hash }

function inspectRead(engine: Engine, { tx, hash }: Read): Result<Transaction, TransactionFault> {
  const inspected = inspectTransaction(tx, hash)
  if (inspected.ok) recentOf(engine).set(hash, inspected.value)
  return inspected
}

/** All that bytes say without asking who signed them. */
function readBytes(
  engine: Engine,
  bytes: Uint8Array,
): Result<Read | { readonly known: Transaction }, TransactionFault> {
  if (bytes.length > maxTransactionBytes)
    return refuse({ code: 'transaction/size', max: maxTransactionBytes, got: bytes.length })
  const digest = keccak256(bytes)
  const hash = hashFromBytes(digest)
  const known = recentOf(engine).get(hash)
  if (known !== undefined) return ok({ known })
  const type = typeOf(bytes)
  if (!knownTypes.includes(type)) return refuse({ code: 'transaction/type', got: type })
  try {
    const usual = type === 2 ? readUsual(engine, bytes) : null
    if (usual !== null && !usual.ok) return usual
    if (usual !== null) {
      usual.value.cache.hash = digest
      return ok({ tx: usual.value, hash })
    }
  } catch (error) {
    return refuse({ code: 'transaction/malformed', why: firstLine(error) })
  }
  const decoded = fieldsOf(type, bytes)
  if (!decoded.ok) return decoded
  const bound = checkChainId(BigInt(engine.chainId), type, decoded.value)
  return bound === null ? readAny(engine, bytes, hash) : refuse(bound)
}

function readAny(engine: Engine, bytes: Uint8Array, hash: Hash): Result<Read, TransactionFault> {
  let tx: TypedTransaction
  try {
    tx = createTxFromRLP(bytes, { common: engine.common })
  } catch (error) {
    return refuse({ code: 'transaction/malformed', why: firstLine(error) })
  }
  if (!equalBytes(encodeTransaction(tx), bytes)) return refuse({ code: 'transaction/encoding' })
  return ok({ tx, hash })
}

/**
 * Type 2 without access list, as nearly all are: the library would decode its fields twice, and encode
 * them again to see that the bytes are the only ones. Its constructor refuses numbers with leading
 * zeros, and {@link readFlatList} whatever else is not the one encoding.
 *
 * @returns null for all others, and where only the usual way can say what is wrong.
 * @throws {Error} what the library says of fields that are wrong.
 */
function readUsual(
  engine: Engine,
  bytes: Uint8Array,
): Result<TypedTransaction, TransactionFault> | null {
  // What was sent may be a piece of a larger message, and its fields are views.
  const own = bytes.slice()
  const fields = readFlatList(own, 1)?.items
  if (fields === undefined || fields.length !== 12) return null
  if (fields.some((field, i) => (field === null) !== (i === 8))) return null
  const [chainId, parity] = [fields[0]!, fields[9]!]
  if (chainId[0] === 0 || parity[0] === 0) return null
  const bound = checkChainId(BigInt(engine.chainId), 2, fields)
  if (bound !== null) return refuse(bound)
  const values = fields.map((field) => field ?? []) as Parameters<
    typeof create1559FeeMarketTxFromBytesArray
  >[0]
  const tx = create1559FeeMarketTxFromBytesArray(values, { common: engine.common })
  encodings.set(tx, own)
  return ok(tx)
}

/**
 * The checks that need no state, on a transaction already read as part of a block.
 *
 * @param hash - if it is known.
 */
export function inspectTransaction(
  tx: TypedTransaction,
  hash?: Hash,
): Result<Transaction, TransactionFault> {
  const known = inspections.get(tx)
  if (known !== undefined) return known
  const inspected = inspect(tx, hash)
  inspections.set(tx, inspected)
  return inspected
}

function inspect(tx: TypedTransaction, hash?: Hash): Result<Transaction, TransactionFault> {
  if (!knownTypes.includes(tx.type)) return refuse({ code: 'transaction/type', got: tx.type })
  if (tx.type === 0 && (tx.v === 27n || tx.v === 28n))
    return refuse({ code: 'transaction/unprotected' })
  const bytes = encodeTransaction(tx)
  const size = bytes.length
  if (size > maxTransactionBytes)
    return refuse({ code: 'transaction/size', max: maxTransactionBytes, got: size })
  if (tx.gasLimit > maxTransactionGas)
    return refuse({ code: 'transaction/gasCap', max: maxTransactionGas, got: tx.gasLimit })
  const least = getMinimumGasLimit(tx)
  if (tx.gasLimit < least)
    return refuse({ code: 'transaction/intrinsicGas', least, got: tx.gasLimit })
  const sender = senderOf(tx)
  if (sender === null) return refuse({ code: 'transaction/signature' })
  return ok({
    tx,
    hash: hash ?? hashFromBytes(keccak256(bytes)),
    sender,
    to: tx.to === undefined ? null : addressFromBytes(tx.to.bytes),
    size,
  })
}

function senderOf(tx: TypedTransaction): Address | null {
  try {
    if (!tx.isSigned()) return null
    return senders.get(tx) ?? addressFromBytes(tx.getSenderAddress().bytes)
  } catch {
    return null
  }
}

/** Bytes of RLP lists start at 0xc0; what starts below 0x80 names its type. */
function typeOf(bytes: Uint8Array): number {
  const first = bytes[0] ?? 0x80
  return first >= 0xc0 ? 0 : first
}

/** Of an empty list for what is none. */
function fieldsOf(type: number, bytes: Uint8Array): Result<readonly unknown[], TransactionFault> {
  try {
    const fields: unknown = RLP.decode(type === 0 ? bytes : bytes.subarray(1))
    return ok(Array.isArray(fields) ? fields : [])
  } catch (error) {
    return refuse({ code: 'transaction/malformed', why: firstLine(error) })
  }
}

/** Says "wrong chain" for what the library would only call malformed. */
function checkChainId(
  expected: bigint,
  type: number,
  fields: readonly unknown[],
): TransactionFault | null {
  const field = fields[type === 0 ? 6 : 0]
  if (!(field instanceof Uint8Array) || field.length > 32)
    return { code: 'transaction/malformed', why: 'no chain id' }
  const value = bytesToUint(field)
  if (type !== 0) return value === expected ? null : wrongChain(expected, value)
  if (value === 27n || value === 28n) return { code: 'transaction/unprotected' }
  if (value < 35n) return { code: 'transaction/signature' }
  const got = (value - 35n) / 2n
  return got === expected ? null : wrongChain(expected, got)
}

function wrongChain(expected: bigint, got: bigint): TransactionFault {
  return { code: 'transaction/chainId', expected, got }
}

/** The most wei per gas its sender pays. */
export function feeCap(tx: TypedTransaction): bigint {
  return isFeeMarket1559Tx(tx) || isEOACode7702Tx(tx) ? tx.maxFeePerGas : gasPriceOf(tx)
}

/** The most wei per gas the proposer gets. */
export function tipCap(tx: TypedTransaction): bigint {
  return isFeeMarket1559Tx(tx) || isEOACode7702Tx(tx) ? tx.maxPriorityFeePerGas : gasPriceOf(tx)
}

/** What the proposer gets per gas at `baseFee`; negative if the transaction cannot pay it. */
export function effectiveTip(tx: TypedTransaction, baseFee: bigint): bigint {
  const left = feeCap(tx) - baseFee
  return left < tipCap(tx) ? left : tipCap(tx)
}

/** The most its sender may have to pay, value included. */
export function maxCost(tx: TypedTransaction): bigint {
  return tx.gasLimit * feeCap(tx) + tx.value
}

function gasPriceOf(tx: TypedTransaction): bigint {
  return 'gasPrice' in tx ? tx.gasPrice : 0n
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 160)
}

/** The first 4 bytes of a call's data, or `0x` for shorter data. */
export function selectorOf(tx: TypedTransaction): string {
  return tx.data.length < 4 ? '0x' : toHex(tx.data.subarray(0, 4))
}
