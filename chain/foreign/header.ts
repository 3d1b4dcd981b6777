/**
 * What a foreign block's header and body must say before it is run, fork by fork. The seal and the
 * difficulty are consensus, which import does not judge.
 */
import {
  type Block,
  type BlockHeader,
  genTransactionsTrieRoot,
  genWithdrawalsTrieRoot,
} from '@ethereumjs/block'
import { Hardfork } from '@ethereumjs/common'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { isBlob4844Tx } from '@ethereumjs/tx'
import { toHex } from '../../primitives/bytes.ts'
import { hashFromBytes } from '../../primitives/hash.ts'
import type { ImportFault } from './fault.ts'

type Mismatch = readonly [field: string, expected: bigint | string, got: bigint | string]

/** Longest `extraData` under ethash and proof of stake. */
const maxExtraData = 32

/** Longest block from Osaka on. @see EIP-7934 */
const maxBlockBytes = 8_388_608

/** The first rule that the header breaks as a child of `parent`, or null. */
export function foreignHeaderFault(parent: BlockHeader, header: BlockHeader): ImportFault | null {
  const wrong = (field: string, expected: bigint | string, got: bigint | string): ImportFault => ({
    code: 'import/header',
    height: parent.number + 1n,
    field,
    expected,
    got,
  })
  const parentHash = hashFromBytes(header.parentHash)
  const expectedParent = hashFromBytes(parent.hash())
  if (parentHash !== expectedParent) return wrong('parentHash', expectedParent, parentHash)
  if (header.number !== parent.number + 1n)
    return wrong('number', parent.number + 1n, header.number)
  if (header.timestamp <= parent.timestamp)
    return wrong('timestamp', `above ${parent.timestamp}`, header.timestamp)
  const extra = header.extraData.length
  if (extra > maxExtraData && header.common.consensusAlgorithm() !== 'clique')
    return wrong('extraData', `at most ${maxExtraData} bytes`, `${extra} bytes`)
  const mismatch = gasLimitMismatch(parent, header) ?? feeMismatch(parent, header) ?? stake(header)
  return mismatch === null ? null : wrong(...mismatch)
}

/** A limit moves by less than 1/1024; London doubles it once. @see EIP-1559 */
function gasLimitMismatch(parent: BlockHeader, header: BlockHeader): Mismatch | null {
  const { common, gasLimit, number } = header
  const doubled = number !== 0n && number === common.hardforkBlock(Hardfork.London)
  const before = doubled ? parent.gasLimit * common.param('elasticityMultiplier') : parent.gasLimit
  const step = before / common.param('gasLimitBoundDivisor')
  const [low, high] = [before - step + 1n, before + step - 1n]
  const least = common.param('minGasLimit')
  return gasLimit < low || gasLimit > high || gasLimit < least
    ? ['gasLimit', `${low < least ? least : low} to ${high}`, gasLimit]
    : null
}

function feeMismatch(parent: BlockHeader, header: BlockHeader): Mismatch | null {
  const { common } = header
  if (common.isActivatedEIP(1559)) {
    const first = parent.baseFeePerGas === undefined
    const expected = first ? common.param('initialBaseFee') : parent.calcNextBaseFee()
    const got = header.baseFeePerGas ?? 0n
    if (got !== expected) return ['baseFeePerGas', expected, got]
  }
  if (!common.isActivatedEIP(4844)) return null
  const expected = parent.calcNextExcessBlobGas(common)
  const got = header.excessBlobGas ?? 0n
  return got === expected ? null : ['excessBlobGas', expected, got]
}

/** What proof of stake leaves no choice about. @see EIP-3675 */
function stake({ common, difficulty, nonce }: BlockHeader): Mismatch | null {
  if (common.consensusType() !== 'pos') return null
  if (difficulty !== 0n) return ['difficulty', 0n, difficulty]
  const got = toHex(nonce)
  return BigInt(got) === 0n ? null : ['nonce', '0x0000000000000000', got]
}

/** The first field of the header that the body contradicts, or null. */
export async function foreignBodyFault(block: Block, size: number): Promise<ImportFault | null> {
  const { header, common, transactions, withdrawals } = block
  const wrong = (field: string, expected: bigint | string, got: bigint | string): ImportFault => ({
    code: 'import/body',
    height: header.number,
    field,
    expected,
    got,
  })
  if (common.isActivatedEIP(7934) && size > maxBlockBytes)
    return wrong('size', `at most ${maxBlockBytes}`, BigInt(size))
  if (!block.uncleHashIsValid()) return wrong('sha3Uncles', 'the hash of the uncles', 'another')
  if (common.consensusType() === 'pos' && block.uncleHeaders.length > 0)
    return wrong('uncles', 0n, BigInt(block.uncleHeaders.length))
  const trie = () => new MerklePatriciaTrie({ common })
  const root = hashFromBytes(await genTransactionsTrieRoot(transactions, trie()))
  const gotRoot = hashFromBytes(header.transactionsTrie)
  if (root !== gotRoot) return wrong('transactionsRoot', root, gotRoot)
  if (common.isActivatedEIP(4895)) {
    const expected = hashFromBytes(await genWithdrawalsTrieRoot(withdrawals ?? [], trie()))
    const got = hashFromBytes(header.withdrawalsRoot ?? new Uint8Array(32))
    if (expected !== got) return wrong('withdrawalsRoot', expected, got)
  }
  const mismatch = blobMismatch(block)
  return mismatch === null ? null : wrong(...mismatch)
}

/** Blob gas of the body, its bound, and what each blob transaction offers. @see EIP-4844 */
function blobMismatch({ header, common, transactions }: Block): Mismatch | null {
  if (!common.isActivatedEIP(4844)) return null
  const blobTransactions = transactions.filter((tx) => isBlob4844Tx(tx))
  const blobs = blobTransactions.reduce((sum, tx) => sum + tx.blobVersionedHashes.length, 0)
  const used = BigInt(blobs) * common.param('blobGasPerBlob')
  const { maxBlobGasPerBlock } = common.getBlobGasSchedule()
  if (used > maxBlobGasPerBlock) return ['blobs', `at most ${maxBlobGasPerBlock} gas`, used]
  const got = header.blobGasUsed ?? 0n
  if (got !== used) return ['blobGasUsed', used, got]
  if (blobTransactions.length === 0) return null
  const price = header.getBlobGasPrice()
  const poor = blobTransactions.find(({ maxFeePerBlobGas }) => maxFeePerBlobGas < price)
  return poor === undefined
    ? null
    : ['maxFeePerBlobGas', `at least ${price}`, poor.maxFeePerBlobGas]
}
