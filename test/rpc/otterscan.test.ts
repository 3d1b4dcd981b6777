/** What Otterscan asks, on the node's own chain. */
import assert from 'node:assert/strict'
import { toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Hex } from '../../primitives/bytes.ts'
import { alice, bob, chainId } from '../chain/support.ts'
import { openTestNode, type TestNode } from './testNode.ts'

const owner = privateKeyToAccount(toHex(alice))
const other = privateKeyToAccount(toHex(bob)).address.toLowerCase()
const sender = owner.address.toLowerCase()
/** Passes what it gets on to the address in its call data. */
const forward = '5f5f5f5f345f355af1'
const deployForward = `0x68${forward}5f5260096017f3` as Hex

let node: TestNode
let contract: Hex
let deployed: Hex
let forwarded: Hex
let failed: Hex

const call = async (method: string, ...params: readonly unknown[]): Promise<unknown> => {
  const { result, error } = await node.running.call(method, ...params)
  assert.equal(error, undefined)
  return result
}

async function send(nonce: number, to: Hex | null, data: Hex, value: bigint): Promise<Hex> {
  const raw = await owner.signTransaction({
    chainId,
    nonce,
    ...(to === null ? {} : { to }),
    data,
    value,
    gas: 200_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
  })
  return (await call('eth_sendRawTransaction', raw)) as Hex
}

beforeAll(async () => {
  node = await openTestNode()
  deployed = await send(0, null, deployForward, 0n)
  await node.mine()
  const receipt = await call('eth_getTransactionReceipt', deployed)
  contract = (receipt as { contractAddress: Hex }).contractAddress
  forwarded = await send(1, contract, `0x${other.slice(2).padStart(64, '0')}`, 7n)
  failed = await send(2, null, '0x602a5f5260205ffd', 0n)
  await node.mine()
})

afterAll(() => node.stop())

describe('ots_', () => {
  it('shows blocks without weight', async () => {
    assert.equal(await call('ots_getApiLevel'), 8)
    const details = (await call('ots_getBlockDetails', 'latest')) as {
      block: { hash: string; transactionCount: string; transactions?: unknown }
      totalFees: string
    }
    assert.equal(details.block.transactionCount, '0x2')
    assert.equal(details.block.transactions, undefined)
    assert.ok(BigInt(details.totalFees) > 0n)
    const hash = details.block.hash
    assert.deepEqual(await call('ots_getBlockDetailsByHash', hash), details)
    const page = (await call('ots_getBlockTransactions', 'latest', 0, 1)) as {
      fullblock: { transactions: { hash: string }[] }
      receipts: { transactionHash: string; logs: null }[]
    }
    assert.deepEqual(
      page.fullblock.transactions.map(({ hash: shown }) => shown),
      [failed],
    )
    assert.equal(page.receipts[0]!.transactionHash, failed)
    const past = await call('ots_getBlockTransactions', 'latest', 9, 10)
    assert.deepEqual((past as typeof page).receipts, [])
    const header = await call('erigon_getHeaderByNumber', 'latest')
    assert.equal((header as { hash: unknown }).hash, hash)
  })

  it('shows what a transaction did inside', async () => {
    assert.deepEqual(await call('ots_getInternalOperations', forwarded), [
      { type: 0, from: contract, to: other, value: '0x7' },
    ])
    const frames = (await call('ots_traceTransaction', forwarded)) as { depth: number }[]
    assert.deepEqual(
      frames.map(({ depth }) => depth),
      [0, 1],
    )
    assert.equal(await call('ots_getTransactionError', forwarded), '0x')
    assert.equal(await call('ots_getTransactionError', failed), `0x${'2a'.padStart(64, '0')}`)
  })

  it('finds by sender and by creation', async () => {
    for (const [nonce, hash] of [deployed, forwarded, failed].entries())
      assert.equal(await call('ots_getTransactionBySenderAndNonce', sender, nonce), hash)
    assert.equal(await call('ots_getTransactionBySenderAndNonce', sender, 3), null)
    assert.deepEqual(await call('ots_getContractCreator', contract), {
      hash: deployed,
      creator: sender,
    })
    assert.equal(await call('ots_getContractCreator', other), null)
    assert.equal(await call('ots_getTransactionBySenderAndNonce', other, 0), null)
    assert.equal(await call('ots_hasCode', contract), true)
    assert.equal(await call('ots_hasCode', other, 'latest'), false)
  })
  it('pages through what an address had a part in, from both ends', async () => {
    type Page = {
      readonly txs: readonly { readonly hash: Hex }[]
      readonly receipts: readonly { readonly transactionHash: Hex; readonly timestamp: Hex }[]
      readonly firstPage: boolean
      readonly lastPage: boolean
    }
    const search = async (which: 'Before' | 'After', address: string, from: number, size = 1) => {
      const page = (await call(`ots_searchTransactions${which}`, address, from, size)) as Page
      const hashes = page.txs.map(({ hash }) => hash)
      assert.deepEqual(
        page.receipts.map(({ transactionHash }) => transactionHash),
        hashes,
      )
      assert.ok(page.receipts.every(({ timestamp }) => BigInt(timestamp) > 0n))
      return [hashes, page.firstPage, page.lastPage]
    }
    assert.deepEqual(await search('Before', sender, 0), [[failed, forwarded], true, false])
    assert.deepEqual(await search('Before', sender, 2), [[deployed], false, true])
    assert.deepEqual(await search('Before', sender, 0, 100), [
      [failed, forwarded, deployed],
      true,
      true,
    ])
    assert.deepEqual(await search('After', sender, 0), [[deployed], false, true])
    assert.deepEqual(await search('After', sender, 1), [[failed, forwarded], true, false])
    // Reached by a call of a contract alone.
    assert.deepEqual(await search('Before', other, 0), [[forwarded], true, true])
    const { error } = await node.running.call('ots_searchTransactionsBefore', sender, 0, 101)
    assert.match(error!.message, /0 to 100/)
  })
})
