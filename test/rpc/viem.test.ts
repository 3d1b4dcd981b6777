/** What wallets do, through the library they use, on the public test chain. */
import assert from 'node:assert/strict'
import {
  createPublicClient,
  defineChain,
  http,
  keccak256,
  type PublicClient,
  RpcRequestError,
  webSocket,
} from 'viem'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { systemClock } from '../../primitives/clock.ts'
import { createForeignView } from '../../rpc/foreignView.ts'
import type { RpcChain } from '../../rpc/modules.ts'
import { type Running, run } from './client.ts'
import { type Hand, modulesAround } from './modules.ts'
import { openVectorChain } from './vectorChain.ts'

const emitter = '0x7dcd17433742f4c0ca53122ab541d0ba67fc27df'
const someone = '0x0102030000000000000000000000000000000000'
const reverter = '0x0ee3ab1371c93e7c0c281cc0c2107cdebc8b1930'

let chain: RpcChain
let hand: Hand
let running: Running
const clients: PublicClient[] = []

beforeAll(async () => {
  chain = createForeignView(await openVectorChain(), { clock: systemClock })
  hand = modulesAround(chain)
  running = await run(hand.modules)
  const definition = defineChain({
    id: Number(chain.chainId),
    name: 'vectors',
    nativeCurrency: { name: 'coin', symbol: 'C', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  })
  const transports = [
    http(`http://127.0.0.1:${running.port}`, { batch: true }),
    webSocket(`ws://127.0.0.1:${running.port}`, { reconnect: false }),
  ]
  for (const transport of transports)
    clients.push(createPublicClient({ chain: definition, transport, cacheTime: 0 }) as PublicClient)
})

afterAll(() => running.server.stop())

describe('viem over HTTP and WebSocket', () => {
  it('reads the chain', async () => {
    for (const client of clients) {
      assert.equal(await client.getChainId(), Number(chain.chainId))
      assert.equal(await client.getBlockNumber(), 54n)
      const block = await client.getBlock({ includeTransactions: true })
      assert.equal(block.hash, (await chain.header(54n))!.hash)
      assert.equal(block.transactions.length, (await chain.block(54n))!.transactionHashes.length)
      assert.equal(block.baseFeePerGas, (await chain.header(54n))!.baseFeePerGas)
      const [first] = block.transactions
      assert.deepEqual(await client.getTransaction({ hash: first!.hash }), first)
      const receipt = await client.waitForTransactionReceipt({ hash: first!.hash })
      assert.deepEqual([receipt.status, receipt.blockNumber], ['success', 54n])
      assert.equal((await client.getCode({ address: emitter }))?.length, 72)
      assert.equal(await client.getBalance({ address: emitter }), 0x76n)
      const proof = await client.getProof({ address: emitter, storageKeys: ['0x00'] })
      assert.equal(proof.storageProof[0]?.value, 0x38n)
      assert.equal(proof.codeHash, keccak256((await client.getCode({ address: emitter }))!))
    }
  })

  it('asks about fees', async () => {
    for (const client of clients) {
      const history = await client.getFeeHistory({ blockCount: 5, rewardPercentiles: [10, 50, 90] })
      assert.equal(history.baseFeePerGas.length, 6)
      assert.equal(history.reward?.length, 5)
      assert.deepEqual(
        history.baseFeePerGas.slice(0, 5),
        await Promise.all(
          [50n, 51n, 52n, 53n, 54n].map(async (n) => (await chain.header(n))!.baseFeePerGas),
        ),
      )
      const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
      assert.ok(maxFeePerGas > maxPriorityFeePerGas)
      assert.ok((await client.getGasPrice()) > 0n)
      assert.equal(await client.getBlobBaseFee(), 1n)
    }
  })

  it('calls, estimates and understands a revert', async () => {
    for (const client of clients) {
      const echo = '0x17e7eedce4ac02ef114a7ed9fe6e2f33feba1667'
      assert.equal((await client.call({ to: echo, data: '0xff01' })).data, '0xffee')
      assert.equal(
        await client.estimateGas({ account: someone, to: echo, data: '0xff01' }),
        21_104n,
      )
      await assert.rejects(client.call({ to: reverter, data: '0x01' }), /user error/)
      await assert.rejects(
        client.estimateGas({ account: someone, to: reverter, data: '0x01' }),
        /user error/,
      )
      const missing = client.getBalance({ address: emitter, blockNumber: 1_000n })
      await assert.rejects(missing, (error: Error) => {
        const cause = (error as { walk?: (is: (e: unknown) => boolean) => Error }).walk?.(
          (inner) => inner instanceof RpcRequestError,
        ) as RpcRequestError
        return cause.code === -32000
      })
    }
  })

  it('finds logs, at once and by a filter', async () => {
    for (const client of clients) {
      const logs = await client.getLogs({ address: emitter, fromBlock: 1n, toBlock: 6n })
      assert.ok(logs.length > 1)
      const filter = await client.createEventFilter({
        address: emitter,
        fromBlock: 1n,
        toBlock: 6n,
      })
      assert.deepEqual(await client.getFilterLogs({ filter }), logs)
      assert.deepEqual(await client.getFilterChanges({ filter }), [])
      assert.equal(await client.uninstallFilter({ filter }), true)
    }
  })

  it('watches blocks over WebSocket', async () => {
    const client = clients[1]!
    const seen = await new Promise<bigint | null>((resolve, reject) => {
      const stop = client.watchBlocks({
        onBlock: (block) => {
          stop()
          resolve(block.number)
        },
        onError: reject,
      })
      const fire = async () => {
        while (running.server.stats().subscriptions === 0)
          await new Promise((again) => setTimeout(again, 5))
        hand.head((await chain.block(54n))!)
      }
      fire().catch(reject)
    })
    assert.equal(seen, 54n)
  })
})
