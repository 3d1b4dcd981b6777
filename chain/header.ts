/**
 * Header rules: Ethereum's for proof of stake, with the gas limit fixed by the chain's parameters and
 * three fields bound to consensus (`coinbase`, `mixHash`, `parentBeaconBlockRoot`).
 */
import type { Block, BlockHeader } from '@ethereumjs/block'
import type { ParamsAt } from '../params/upgrades.ts'
import { addressFromBytes } from '../primitives/address.ts'
import { concatBytes, toHex, utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashFromBytes, keccakHash, sha256Hash } from '../primitives/hash.ts'
import { type Validator, type ValidatorSet, validatorSetHash } from '../registry/validatorSet.ts'
import { transactionsRoot, withdrawalsRoot } from '../vm/listTrie.ts'
import { envelopeLeaves, rootOfLeaves } from './beaconRoot.ts'
import type { HeaderFault } from './blockFault.ts'

/** Digest of no requests: the chain has none of EIP-7685's. */
export const emptyRequestsHash: Hash = sha256Hash(new Uint8Array())

/** Digest of a list without uncles. */
const emptyListHash: Hash = keccakHash(Uint8Array.of(0xc0))

/** Longest `extraData`. @see EIP-3675 */
const maxExtraData = 32

/** The block's randomness: folds the proposer's reveal into the parent's. */
export function nextMixHash(parent: Hash, reveal: Uint8Array): Hash {
  return sha256Hash(concatBytes(utf8ToBytes('waggle/randao/v1'), hashBytes(parent), reveal))
}

/** What `parentBeaconBlockRoot` commits to. */
export type BeaconFields = {
  readonly parentCommit: Uint8Array
  readonly reveal: Uint8Array
  readonly evidence: readonly Uint8Array[]
  readonly current: ValidatorSet
  readonly next: ValidatorSet
}

/** `parentBeaconBlockRoot` of a block with these fields; see `beaconRoot.ts`. */
export function beaconRoot({ parentCommit, reveal, evidence, current, next }: BeaconFields): Hash {
  return rootOfLeaves({
    ...envelopeLeaves({ parentCommit, reveal, evidence }),
    current: validatorSetHash(current),
    next: validatorSetHash(next),
  })
}

/** Fields of a child that follow from its parent and the parameters alone. */
export function childFields(parent: BlockHeader, paramsAt: ParamsAt) {
  const number = parent.number + 1n
  return {
    parentHash: hashFromBytes(parent.hash()),
    number,
    gasLimit: BigInt(paramsAt(number).blockGasLimit),
    baseFeePerGas: parent.calcNextBaseFee(),
    excessBlobGas: parent.calcNextExcessBlobGas(parent.common),
    blobGasUsed: 0n,
  }
}

/** The first rule that `header` breaks as a child of `parent`, or null. Reads no state. */
export function headerFault(
  parent: BlockHeader,
  header: BlockHeader,
  paramsAt: ParamsAt,
): HeaderFault | null {
  const child = childFields(parent, paramsAt)
  const parentHash = hashFromBytes(header.parentHash)
  if (parentHash !== child.parentHash)
    return { code: 'block/parentHash', expected: child.parentHash, got: parentHash }
  if (header.number !== child.number)
    return { code: 'block/number', expected: child.number, got: header.number }
  if (header.timestamp <= parent.timestamp)
    return { code: 'block/timestamp', above: parent.timestamp, got: header.timestamp }
  if (header.gasLimit !== child.gasLimit)
    return { code: 'block/gasLimit', expected: child.gasLimit, got: header.gasLimit }
  return feeFault(header, child) ?? stakeFault(header)
}

function feeFault(header: BlockHeader, child: ReturnType<typeof childFields>): HeaderFault | null {
  const { baseFeePerGas = 0n, excessBlobGas = 0n, blobGasUsed = 0n } = header
  if (baseFeePerGas !== child.baseFeePerGas)
    return { code: 'block/baseFee', expected: child.baseFeePerGas, got: baseFeePerGas }
  if (excessBlobGas !== child.excessBlobGas)
    return { code: 'block/excessBlobGas', expected: child.excessBlobGas, got: excessBlobGas }
  if (blobGasUsed !== child.blobGasUsed)
    return { code: 'block/blobGasUsed', expected: child.blobGasUsed, got: blobGasUsed }
  return null
}

/** What proof of stake leaves no choice about. @see EIP-3675 */
function stakeFault(header: BlockHeader): HeaderFault | null {
  const { extraData, difficulty } = header
  if (extraData.length > maxExtraData)
    return { code: 'block/extraData', max: maxExtraData, got: extraData.length }
  if (difficulty !== 0n) return { code: 'block/difficulty', expected: 0n, got: difficulty }
  const nonce = toHex(header.nonce)
  if (BigInt(nonce) !== 0n)
    return { code: 'block/nonce', expected: '0x0000000000000000', got: nonce }
  const requests = hashFromBytes(header.requestsHash ?? new Uint8Array(32))
  if (requests !== emptyRequestsHash)
    return { code: 'block/requestsHash', expected: emptyRequestsHash, got: requests }
  return null
}

/** The member of `set` that `header` names as its proposer. */
export function proposerOf(header: BlockHeader, set: ValidatorSet): Validator | undefined {
  const coinbase = addressFromBytes(header.coinbase.bytes)
  return set.validators.find(({ address }) => address === coinbase)
}

/** Whether the header's roots are those of the body it came with. */
export function bodyFault({
  header,
  transactions,
  uncleHeaders,
  withdrawals = [],
}: Block): HeaderFault | null {
  const noUncles = hashFromBytes(header.uncleHash) === emptyListHash
  if (uncleHeaders.length > 0 || !noUncles)
    return { code: 'block/uncles', got: uncleHeaders.length }
  const expected = transactionsRoot(transactions)
  const got = hashFromBytes(header.transactionsTrie)
  if (expected !== got) return { code: 'block/transactionsRoot', expected, got }
  const expectedWithdrawals = withdrawalsRoot(withdrawals)
  const gotWithdrawals = hashFromBytes(header.withdrawalsRoot ?? new Uint8Array(32))
  return expectedWithdrawals === gotWithdrawals
    ? null
    : { code: 'block/withdrawalsRoot', expected: expectedWithdrawals, got: gotWithdrawals }
}
