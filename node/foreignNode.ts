/**
 * A node that serves an imported chain: the same server as of a full node, around a chain that nobody
 * extends. What belongs to our own chain (training, stakes, blobs) is answered as empty.
 */
import type { ForeignChain } from '../chain/foreign/foreignChain.ts'
import { buildNext } from '../chain/foreign/nextBlock.ts'
import { createTransactionPool, type TransactionPool } from '../mempool/transactionPool.ts'
import packageJson from '../package.json' with { type: 'json' }
import { systemClock } from '../primitives/clock.ts'
import { describeFault, ok, refuse } from '../primitives/result.ts'
import { createForeignView } from '../rpc/foreignView.ts'
import type { RpcModules, RpcTesting } from '../rpc/modules.ts'
import { createPoolView, pendingView } from '../rpc/poolView.ts'
import { createRpcServer } from '../rpc/server.ts'
import type { RunningNode } from './node.ts'

export type ForeignOptions = {
  readonly rpcHost: string
  /** 0 picks a free port. */
  readonly rpcPort: number
}

/** Views whose methods the server leaves out when `testing` is there. */
const unasked = {} as Pick<RpcModules, 'train' | 'data' | 'val' | 'rep' | 'network'>

/** Milliseconds for a block that is built on request. */
const buildBudgetMs = 10_000

/** @throws {Error} if the port is taken. */
export async function serveForeign(
  chain: ForeignChain,
  { rpcHost, rpcPort }: ForeignOptions,
  report: (error: unknown) => void,
): Promise<RunningNode> {
  const server = createRpcServer({ host: rpcHost, port: rpcPort }, foreignModules(chain, report))
  await server.start()
  const { host, port } = server.address()!
  const name = host.includes(':') ? `[${host}]` : host
  return { rpcUrl: `http://${name}:${port}`, stop: server.stop }
}

function foreignModules(chain: ForeignChain, report: (error: unknown) => void): RpcModules {
  const clock = systemClock
  const view = createForeignView(chain, { clock })
  const { header } = chain.blocks.at(-1)!.block
  const engine = chain.engineAt(header.number, header.timestamp)
  const fees = header.baseFeePerGas !== undefined
  const pool = createTransactionPool(
    {},
    {
      engine,
      clock,
      account: async (address) => (await view.account(address, view.head()))!,
      nextBaseFee: () => (fees ? header.calcNextBaseFee() : 0n),
      nextGasLimit: () => header.gasLimit,
    },
  )
  const never = () => () => {}
  return {
    clock,
    chain: view,
    pool: createPoolView(pool),
    events: {
      onHead: never,
      onPendingTransaction: (listener) =>
        pool.onAdded((transaction) => listener(pendingView(transaction))),
      onJob: never,
      onCertificate: never,
      onAccuracy: never,
      onSyncing: never,
    },
    net: {
      listening: () => false,
      peerCount: () => 0,
      coinbase: null,
      syncing: () => null,
      clientVersion: `waggle/${packageJson.version}/${process.platform}-${process.arch}/node${process.versions.node}`,
    },
    gate: async () => ok('open'),
    testing: { build: builder(chain, pool) },
    blobs: {
      size: async () => null,
      read: async function* () {},
      write: async () => refuse({ code: 'blob/foreign' }),
    },
    metrics: async () => `waggle_height_blocks ${view.head()}\n`,
    report,
    ...unasked,
  }
}

function builder(chain: ForeignChain, pool: TransactionPool): RpcTesting['build'] {
  return async ({ transactions, ...request }) => {
    const pooled = () => pool.ordered().map(({ tx }) => tx.serialize())
    const end = systemClock.now() + buildBudgetMs
    const built = await buildNext(
      chain,
      { ...request, transactions: transactions ?? pooled(), all: transactions !== null },
      () => systemClock.now() > end,
    )
    if (built.ok) return built
    return refuse({ code: built.fault.code, why: describeFault(built.fault) })
  }
}
