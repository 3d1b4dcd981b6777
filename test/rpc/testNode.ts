/**
 * A node without consensus or network: the real chain, pool, registry, index and server, and blocks
 * made on demand.
 */
import assert from 'node:assert/strict'
import { createTransactionPool } from '../../mempool/transactionPool.ts'
import { systemClock } from '../../primitives/clock.ts'
import { blockViewOf } from '../../rpc/blockView.ts'
import { createChainView } from '../../rpc/chainView.ts'
import { networkViewOf } from '../../rpc/networkView.ts'
import { createPoolView, pendingView } from '../../rpc/poolView.ts'
import { createDataViews, createRepViews, createValViews } from '../../rpc/registryView.ts'
import { createTrainViews } from '../../rpc/trainView.ts'
import { createWorkIndex, type WorkIndex } from '../../rpc/workIndex.ts'
import { openMemory } from '../../storage/memory.ts'
import {
  advance,
  openTestChain,
  type RulesOptions,
  type TestChain,
  validatorAddresses,
} from '../chain/support.ts'
import { type Running, run } from './client.ts'
import { modulesAround } from './modules.ts'

export type TestNode = TestChain & {
  readonly index: WorkIndex
  readonly running: Running
  /** Put everything that waits into a block; its height. */
  readonly mine: () => Promise<bigint>
  readonly waiting: () => number
  readonly stop: () => Promise<void>
}

export async function openTestNode(options: RulesOptions = {}): Promise<TestNode> {
  const test = await openTestChain(options)
  const { chain, engine } = test
  const reported: unknown[] = []
  const report = (error: unknown) => reported.push(error)
  const pool = createTransactionPool(
    {},
    {
      engine,
      clock: systemClock,
      account: async (address) => (await chain.readAt(chain.head().height))!.account(address),
      nextBaseFee: () => chain.head().header.calcNextBaseFee(),
      nextGasLimit: () => BigInt(chain.genesis.params.blockGasLimit),
    },
  )
  const view = createChainView({}, { chain, clock: systemClock })
  const blobs = { size: async () => null }
  const index = createWorkIndex({ store: openMemory(), chain: view, onHead: chain.onHead, report })
  await index.start()
  // Nothing was measured: this node holds no weights.
  const meter = { ask: async () => new Map() }
  const proposer = async (height: bigint) =>
    validatorAddresses[Number(height) % validatorAddresses.length]!
  const { modules } = modulesAround(view, {
    pool: createPoolView(pool),
    events: {
      onHead: (listener) => chain.onHead(({ outcome }) => listener(blockViewOf(outcome.block))),
      onPendingTransaction: (listener) =>
        pool.onAdded((transaction) => listener(pendingView(transaction))),
      onJob: index.onJob,
      onCertificate: index.onCertificate,
      onAccuracy: () => () => {},
      onSyncing: () => () => {},
    },
    network: networkViewOf(chain),
    train: createTrainViews({ chain, index, blobs, meter, sidecar: async () => null }),
    data: createDataViews({ chain, blobs }),
    val: createValViews({ chain, proposer }),
    rep: createRepViews({ chain }),
    report,
  })
  const running = await run(modules)

  return {
    ...test,
    index,
    running,
    waiting: () => pool.ordered().length,
    mine: async () => {
      const { outcome } = await advance(chain, pool.ordered())
      await pool.reset(outcome.transactions)
      return outcome.height
    },
    stop: async () => {
      await running.server.stop()
      await index.stop()
      assert.deepEqual(reported, [])
    },
  }
}
