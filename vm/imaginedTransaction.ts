/**
 * Transactions that nobody signed, as parts of imagined blocks: built like real ones, with zeros for
 * a signature, and checked in the order and with the refusals of Ethereum's clients.
 */
import type { BlockHeader } from '@ethereumjs/block'
import {
  createBlob4844Tx,
  createEOACode7702Tx,
  createFeeMarket1559Tx,
  createLegacyTx,
  getMinimumGasLimit,
  isBlob4844Tx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { Account } from '@ethereumjs/util'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { ChainVm } from './chainVm.ts'
import type { Engine } from './engine.ts'
import type { Authorization } from './simulate.ts'
import { ethAddress } from './worldView.ts'

/** Null: not said. */
export type ImaginedCall = {
  readonly from: Address
  /** Null creates a contract. */
  readonly to: Address | null
  readonly gas: bigint | null
  readonly nonce: bigint | null
  /** Makes it a legacy transaction. */
  readonly gasPrice: bigint | null
  readonly maxFeePerGas: bigint | null
  readonly maxPriorityFeePerGas: bigint | null
  readonly maxFeePerBlobGas: bigint | null
  readonly blobVersionedHashes: readonly Hash[] | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly accessList: readonly {
    readonly address: Address
    readonly storageKeys: readonly Hash[]
  }[]
  readonly authorizationList: readonly Authorization[] | null
}

/** Why an imagined transaction cannot be in its block. */
export type ImaginedFault =
  | {
      readonly code: 'imagined/nonce'
      readonly sender: Address
      readonly expected: bigint
      readonly got: bigint
    }
  | { readonly code: 'imagined/nonceMax'; readonly sender: Address; readonly got: bigint }
  | { readonly code: 'imagined/tip'; readonly most: bigint; readonly got: bigint }
  | { readonly code: 'imagined/fee'; readonly baseFee: bigint; readonly got: bigint }
  | { readonly code: 'imagined/blobFee'; readonly blobBaseFee: bigint; readonly got: bigint }
  | {
      readonly code: 'imagined/funds'
      readonly sender: Address
      readonly needed: bigint
      readonly got: bigint
    }
  | { readonly code: 'imagined/intrinsicGas'; readonly least: bigint; readonly got: bigint }
  | { readonly code: 'imagined/initCode'; readonly max: bigint; readonly got: number }
  | { readonly code: 'imagined/malformed'; readonly why: string }

/** Most per gas, wei. */
function feeCap(tx: TypedTransaction): bigint {
  return 'maxFeePerGas' in tx ? tx.maxFeePerGas : tx.gasPrice
}

function tipCap(tx: TypedTransaction): bigint {
  return 'maxFeePerGas' in tx ? tx.maxPriorityFeePerGas : tx.gasPrice
}

const maxNonce = 2n ** 64n - 1n

/** A transaction of `call`'s kind; its gas and nonce may be more than a real one could have. */
export function imaginedTx(
  { common, chainId }: Engine,
  call: ImaginedCall,
  gasLimit: bigint,
  nonce: bigint,
): Result<TypedTransaction, ImaginedFault> {
  const { from, to, value, data, accessList, authorizationList, blobVersionedHashes } = call
  const options = { common, freeze: false, allowUnlimitedInitCodeSize: true }
  const plain = { ...(to === null ? {} : { to }), value, data }
  const fields = {
    ...plain,
    chainId: BigInt(chainId),
    maxFeePerGas: call.maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: call.maxPriorityFeePerGas ?? 0n,
    accessList: accessList.map(({ address, storageKeys }) => ({
      address,
      storageKeys: [...storageKeys],
    })),
  }
  try {
    const tx = make()
    // Set afterwards: the library refuses gas above EIP-7825's cap and the greatest nonce.
    const unsigned = { nonce, gasLimit, v: 0n, r: 0n, s: 0n }
    return ok(Object.assign(tx, unsigned, { getSenderAddress: () => ethAddress(from) }))
  } catch (error) {
    return refuse({ code: 'imagined/malformed', why: String(error).slice(0, 200) })
  }

  function make(): TypedTransaction {
    if (call.gasPrice !== null || !common.isActivatedEIP(1559))
      return createLegacyTx({ ...plain, gasPrice: call.gasPrice ?? 0n }, options)
    if (authorizationList !== null) {
      const list = authorizationList.map((item) => ({ ...item }))
      return createEOACode7702Tx({ ...fields, authorizationList: list }, options)
    }
    if (blobVersionedHashes === null) return createFeeMarket1559Tx(fields, options)
    const blobs = {
      maxFeePerBlobGas: call.maxFeePerBlobGas ?? 0n,
      blobVersionedHashes: [...blobVersionedHashes],
    }
    return createBlob4844Tx({ ...fields, ...blobs }, options)
  }
}

/**
 * The first rule that `tx` breaks here, or null.
 *
 * @param strict - also judge nonce and fees, as for a real transaction.
 */
export async function imaginedFault(
  { state }: ChainVm,
  header: BlockHeader,
  tx: TypedTransaction,
  sender: Address,
  strict: boolean,
): Promise<ImaginedFault | null> {
  const account = (await state.getAccount(ethAddress(sender))) ?? new Account()
  const nonce = strict ? nonceFault(tx, sender, account.nonce) : null
  return (
    nonce ??
    feeFault(header, tx, strict) ??
    fundsFault(header, tx, sender, account.balance) ??
    gasFault(tx)
  )
}

function nonceFault(tx: TypedTransaction, sender: Address, expected: bigint): ImaginedFault | null {
  const got = tx.nonce
  if (got !== expected) return { code: 'imagined/nonce', sender, expected, got }
  return got >= maxNonce ? { code: 'imagined/nonceMax', sender, got } : null
}

function feeFault(
  header: BlockHeader,
  tx: TypedTransaction,
  strict: boolean,
): ImaginedFault | null {
  const most = feeCap(tx)
  const baseFee = header.baseFeePerGas ?? 0n
  if (strict || !isFree(tx)) {
    if (tipCap(tx) > most) return { code: 'imagined/tip', most, got: tipCap(tx) }
    if (most < baseFee) return { code: 'imagined/fee', baseFee, got: most }
  }
  if (!isBlob4844Tx(tx)) return null
  const blobBaseFee = header.getBlobGasPrice()
  const got = tx.maxFeePerBlobGas
  return got < blobBaseFee && (strict || got > 0n)
    ? { code: 'imagined/blobFee', blobBaseFee, got }
    : null
}

/** Offers nothing per gas, so that nothing is asked unless the caller wants the checks. */
export function isFree(tx: TypedTransaction): boolean {
  return feeCap(tx) === 0n && tipCap(tx) === 0n
}

function fundsFault(
  header: BlockHeader,
  tx: TypedTransaction,
  sender: Address,
  got: bigint,
): ImaginedFault | null {
  const blobGas = isBlob4844Tx(tx)
    ? BigInt(tx.numBlobs()) * header.common.param('blobGasPerBlob') * tx.maxFeePerBlobGas
    : 0n
  const needed = tx.gasLimit * feeCap(tx) + tx.value + blobGas
  return got < needed ? { code: 'imagined/funds', sender, needed, got } : null
}

function gasFault(tx: TypedTransaction): ImaginedFault | null {
  const least = getMinimumGasLimit(tx)
  if (tx.gasLimit < least) return { code: 'imagined/intrinsicGas', least, got: tx.gasLimit }
  if (tx.to !== undefined || !tx.common.isActivatedEIP(3860)) return null
  const max = tx.common.param('maxInitCodeSize')
  return tx.data.length > Number(max)
    ? { code: 'imagined/initCode', max, got: tx.data.length }
    : null
}
