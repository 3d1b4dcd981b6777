/**
 * A chain of hand-made blocks: enough to see what is sent, when, and to whom.
 */
import { historyIndex, historyWrites } from '../../chain/historyIndex.ts'
import type { Address } from '../../primitives/address.ts'
import { toHex, uintBytes } from '../../primitives/bytes.ts'
import { type Hash, sha256Hash } from '../../primitives/hash.ts'
import type { RpcChain } from '../../rpc/modules.ts'
import type { BlockView, LogView, ReceiptView, TransactionView } from '../../rpc/views.ts'
import type { Write } from '../../storage/keyValue.ts'
import { openMemory } from '../../storage/memory.ts'

export const alice: Address = `0x${'a1'.repeat(20)}` as Address
export const bob: Address = `0x${'b0'.repeat(20)}` as Address

export function hashOfNumber(number: bigint | number): Hash {
  return sha256Hash(uintBytes(number, 8))
}

export type SmallChain = {
  readonly chain: RpcChain
  /** Append a block whose only transaction left these logs. */
  readonly grow: (logs?: readonly LogView[]) => BlockView
}

export function smallChain(replace: Partial<RpcChain> = {}): SmallChain {
  const blocks: BlockView[] = []
  const receipts: (readonly ReceiptView[])[] = []
  const store = openMemory()

  function grow(logs: readonly LogView[] = []): BlockView {
    const number = BigInt(blocks.length)
    const block = blockAt(number, logs.length > 0)
    blocks.push(block)
    void store.batch(indexOf(number, logs))
    receipts.push(logs.length === 0 ? [] : [receiptWith(logs)])
    return block
  }

  grow()
  const at = (number: bigint) => blocks[Number(number)] ?? null
  const account = { nonce: 5n, balance: 10n ** 18n }
  const chain: RpcChain = {
    chainId: 1234n,
    head: () => BigInt(blocks.length - 1),
    earliest: () => 0n,
    stateFloor: () => 0n,
    history: historyIndex(store),
    header: async (number) => at(number)?.header ?? null,
    block: async (number) => at(number),
    numberOf: async (hash) =>
      blocks.find(({ header }) => header.hash === hash)?.header.number ?? null,
    receipts: async (number) => receipts[Number(number)] ?? null,
    locate: async () => null,
    account: async () => account,
    code: async () => new Uint8Array(),
    storageAt: async () => 0n,
    proof: async () => null,
    call: async () => ({ ok: true, returnData: new Uint8Array(), gasUsed: 21_000n }),
    simulate: async () => null,
    replay: async () => null,
    forks: async () => ({
      activationTime: 0,
      blobSchedule: null,
      chainId: 1234n,
      forkId: '0x00000000',
      precompiles: {},
      systemContracts: {},
    }),
    ...replace,
  }
  return { chain, grow }
}

/** The index of a block whose only transaction left these logs. */
function indexOf(height: bigint, logs: readonly LogView[]): readonly Write[] {
  const own = logs.map(({ address, topics }) => ({ address, topics, data: new Uint8Array() }))
  return historyWrites({ height, transactions: [], touched: [], receipts: [{ logs: own }] })
}

function blockAt(number: bigint, hasLogs: boolean): BlockView {
  const zero = `0x${'00'.repeat(32)}` as Hash
  const transaction = transactionAt(number)
  return {
    header: {
      number,
      hash: hashOfNumber(number),
      parentHash: number === 0n ? zero : hashOfNumber(number - 1n),
      sha3Uncles: zero,
      miner: alice,
      stateRoot: zero,
      transactionsRoot: zero,
      receiptsRoot: zero,
      logsBloom: toHex(new Uint8Array(256).fill(hasLogs ? 0xff : 0)),
      difficulty: 0n,
      gasLimit: 30_000_000n,
      gasUsed: hasLogs ? 30_000n : 0n,
      timestamp: 1_800_000_000n + number,
      extraData: '0x',
      mixHash: zero,
      nonce: '0x0000000000000000',
      baseFeePerGas: 7n,
      withdrawalsRoot: zero,
      blobGasUsed: 0n,
      excessBlobGas: 0n,
      parentBeaconBlockRoot: zero,
      requestsHash: zero,
      fees: { nextBaseFee: 7n, blobBaseFee: 1n, nextBlobBaseFee: 1n, maxBlobGas: 1_179_648n },
    },
    size: 600,
    uncles: [],
    withdrawals: [],
    transactionHashes: hasLogs ? [transaction.hash] : [],
    transactions: () => (hasLogs ? [transaction] : []),
    raw: () => ({ block: '0xc0', header: '0xc0' }),
  }
}

/** A transfer; its hash differs by `seed`. */
export function transactionAt(seed: bigint): TransactionView {
  return {
    hash: hashOfNumber(seed + 1_000_000n),
    type: 2,
    from: alice,
    to: bob,
    nonce: 3n,
    gas: 21_000n,
    value: 1n,
    input: '0x',
    gasPrice: null,
    maxFeePerGas: 20n,
    maxPriorityFeePerGas: 2n,
    maxFeePerBlobGas: null,
    blobVersionedHashes: null,
    chainId: 1234n,
    accessList: [],
    authorizationList: null,
    v: 0n,
    r: 1n,
    s: 2n,
    raw: '0x02',
  }
}

function receiptWith(logs: readonly LogView[]): ReceiptView {
  return {
    status: true,
    root: null,
    cumulativeGasUsed: 30_000n,
    logsBloom: toHex(new Uint8Array(256).fill(0xff)),
    logs,
  }
}

export function logOf(address: Address, topic: Hash): LogView {
  return { address, topics: [topic], data: '0x2a' }
}
