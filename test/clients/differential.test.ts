/**
 * The same stream of transactions on Waggle and on anvil: the same receipts, and the same accounts.
 *
 * `WAGGLE_STREAM` is the number of transactions (300 unless told), `WAGGLE_SEED` picks another stream.
 */
import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { createMPT } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { type Hex, keccak256 } from 'viem'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { freePorts } from '../../cli/devnet.ts'
import { addressOfKey } from '../../primitives/address.ts'
import { fromHex, toHex, uintBytes } from '../../primitives/bytes.ts'
import { alice, bob, chainId } from '../chain/support.ts'
import { openTestNode, type TestNode } from '../rpc/testNode.ts'
import { foundry, hasFoundry, type Program, startProgram } from './liveNode.ts'
import { compileSolidity } from './solidity.ts'
import { type Contracts, createStream, type Sent } from './stream.ts'

const total = Number(process.env.WAGGLE_STREAM ?? 300)
const seed = Number(process.env.WAGGLE_SEED ?? 1)
/** The pool takes 64 of one sender. */
const perBlock = 60

type Receipt = {
  readonly status: Hex
  readonly gasUsed: Hex
  readonly cumulativeGasUsed: Hex
  readonly contractAddress: Hex | null
  readonly effectiveGasPrice: Hex
  readonly logsBloom: Hex
  readonly transactionHash: Hex
  readonly transactionIndex: Hex
  readonly type: Hex
  readonly logs: readonly { address: Hex; topics: readonly Hex[]; data: Hex; logIndex: Hex }[]
}
type Block = {
  readonly timestamp: Hex
  readonly miner: Hex
  readonly baseFeePerGas: Hex
  readonly gasUsed: Hex
  readonly receiptsRoot: Hex
  readonly transactions: readonly Hex[]
}

let node: TestNode
let anvil: Program
let anvilUrl: string

describe.runIf(hasFoundry)('a stream of transactions', () => {
  beforeAll(async () => {
    node = await openTestNode()
    const [port] = await freePorts(1)
    anvilUrl = `http://127.0.0.1:${port}`
    const flags = [
      ...['--port', String(port), '--chain-id', String(chainId), '--hardfork', 'osaka'],
      ...['--no-mining', '--order', 'fifo', '--gas-limit', '30000000'],
      ...['--timestamp', '1800000000'],
    ]
    anvil = await startProgram(foundry('anvil'), flags, /Listening on/)
    const coins = `0x${(1_000n * 10n ** 18n).toString(16)}`
    for (const key of [alice, bob])
      await callOne(anvilUrl, 'anvil_setBalance', addressOfKey(key), coins)
  })

  afterAll(async () => {
    await node.stop()
    await anvil.stop()
  })

  it('leaves the same receipts and accounts as on anvil', { timeout: 3_600_000 }, async () => {
    const waggleUrl = `http://127.0.0.1:${node.running.port}`
    const contracts = compileSolidity('test/clients/contracts/Stream.sol') as Contracts
    const stream = createStream(seed, chainId, contracts)
    let sent = 0
    while (sent < total) {
      const batch = await stream.next(Math.min(perBlock, total - sent))
      const height = await mineBoth(waggleUrl, batch)
      await compareBlocks(waggleUrl, height, batch)
      sent += batch.length
    }
    await compareAccounts(waggleUrl, stream.touched())
  })
})

/** Send the batch to both and mine it; anvil is told the block's fields that are a node's own. */
async function mineBoth(waggleUrl: string, batch: readonly Sent[]): Promise<Hex> {
  // Not as a JSON-RPC batch: anvil carries those out in any order.
  const sendTo = async (url: string) => {
    for (const { raw, kind } of batch)
      await callOne(url, 'eth_sendRawTransaction', raw).catch((error: unknown) =>
        assert.fail(`${kind} at ${url}: ${error}`),
      )
  }
  await Promise.all([sendTo(waggleUrl), sendTo(anvilUrl)])
  const height: Hex = `0x${(await node.mine()).toString(16)}`
  const mined = await callOne<Block>(waggleUrl, 'eth_getBlockByNumber', height, false)
  await callOne(anvilUrl, 'anvil_setCoinbase', mined.miner)
  await callOne(anvilUrl, 'anvil_setNextBlockBaseFeePerGas', mined.baseFeePerGas)
  await callOne(anvilUrl, 'evm_setNextBlockTimestamp', mined.timestamp)
  await callOne(anvilUrl, 'evm_mine')
  return height
}

async function compareBlocks(
  waggleUrl: string,
  height: Hex,
  batch: readonly Sent[],
): Promise<void> {
  const [ours, theirs] = await Promise.all(
    [waggleUrl, anvilUrl].map((url) => callOne<Block>(url, 'eth_getBlockByNumber', height, false)),
  )
  const sent = batch.map(({ raw }) => keccak256(raw))
  assert.deepEqual(ours!.transactions, sent, `our order of block ${height}`)
  assert.deepEqual(theirs!.transactions, sent, `their order of block ${height}`)
  const [own, other] = await Promise.all(
    [waggleUrl, anvilUrl].map((url) =>
      callOne<readonly Receipt[]>(url, 'eth_getBlockReceipts', height),
    ),
  )
  for (const [i, { kind }] of batch.entries())
    assert.deepEqual(plain(own![i]!), plain(other![i]!), `${kind}, ${i} of block ${height}`)
  assert.equal(ours!.receiptsRoot, theirs!.receiptsRoot, `receipts root of block ${height}`)
}

/** What a receipt says of the transaction alone. */
function plain(receipt: Receipt): object {
  const { status, gasUsed, cumulativeGasUsed, contractAddress, effectiveGasPrice } = receipt
  const { logsBloom, transactionHash, transactionIndex, type } = receipt
  const logs = receipt.logs.map(({ address, topics, data, logIndex }) => [
    address,
    topics,
    data,
    logIndex,
  ])
  const place = { transactionHash, transactionIndex, type }
  return {
    status,
    gasUsed,
    cumulativeGasUsed,
    contractAddress,
    effectiveGasPrice,
    logsBloom,
    logs,
    ...place,
  }
}

async function compareAccounts(waggleUrl: string, addresses: readonly Hex[]): Promise<void> {
  const stored = await storageOfAnvil()
  const proofsOf = (url: string) =>
    rpcBatch<Proof>(
      url,
      'eth_getProof',
      addresses.map((address) => [address, [], 'latest']),
    )
  const [ours, theirs] = await Promise.all([proofsOf(waggleUrl), proofsOf(anvilUrl)])
  for (const [i, address] of addresses.entries()) {
    const [own, other] = [ours[i]!.result!, theirs[i]!.result!]
    const of = ({ balance, nonce, codeHash }: Proof) => [balance, nonce, codeHash]
    assert.deepEqual(of(own), of(other), address)
    assert.equal(own.storageHash, await rootOf(stored.get(address.toLowerCase()) ?? {}), address)
  }
}

type Reply<T> = { readonly result?: T; readonly error?: { readonly message: string } }

async function callOne<T>(url: string, method: string, ...params: readonly unknown[]): Promise<T> {
  const [reply] = await rpcBatch<T>(url, method, [params])
  if (reply?.error !== undefined) throw new Error(`${method}: ${reply.error.message}`)
  return reply!.result!
}

/** The same method with each list of parameters, a hundred to a batch. */
async function rpcBatch<T>(
  url: string,
  method: string,
  calls: readonly (readonly unknown[])[],
): Promise<readonly Reply<T>[]> {
  const replies: Reply<T>[] = []
  for (let i = 0; i < calls.length; i += 100) {
    const some = calls.slice(i, i + 100)
    const body = JSON.stringify(some.map((params, id) => ({ jsonrpc: '2.0', id, method, params })))
    // A connection that was idle while blocks were made may be closed at the other end by now.
    const headers = { 'content-type': 'application/json', connection: 'close' }
    const response = await fetch(url, { method: 'POST', headers, body })
    replies.push(...((await response.json()) as readonly Reply<T>[]))
  }
  return replies
}

type Proof = Readonly<Record<'balance' | 'nonce' | 'codeHash' | 'storageHash', Hex>>
type Slots = Readonly<Record<Hex, Hex>>

/** Anvil's own storage roots count slots that were cleared, so they are made from its slots instead. */
async function storageOfAnvil(): Promise<ReadonlyMap<string, Slots>> {
  const dumped = fromHex(await callOne<Hex>(anvilUrl, 'anvil_dumpState'))
  const { accounts } = JSON.parse(new TextDecoder().decode(gunzipSync(dumped))) as {
    readonly accounts: Readonly<Record<Hex, { readonly storage: Slots }>>
  }
  return new Map(
    Object.entries(accounts).map(([address, { storage }]) => [address.toLowerCase(), storage]),
  )
}

/** Storage root of these slots. @see Ethereum yellow paper, section 4.1 */
async function rootOf(slots: Slots): Promise<Hex> {
  const trie = await createMPT({ useKeyHashing: true })
  for (const [slot, value] of Object.entries(slots))
    if (BigInt(value) !== 0n) await trie.put(uintBytes(BigInt(slot), 32), RLP.encode(BigInt(value)))
  return toHex(trie.root())
}
