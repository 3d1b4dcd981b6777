/**
 * How fast nodes answer over loopback: Waggle with one validator making a block a second, anvil, and
 * Hardhat's node, each with 100,000 logs.
 *
 * - `METHOD_p50_ms`, `METHOD_p99_ms`: single calls, one after another; `METHOD_per_s`: eight at a time
 * - `getLogs_1000_ms`, `getLogs_10000_ms`: so many of the logs by topic; `getLogs_first_ms`: the first time
 * - `newHeads_p50_ms`, `newHeads_p99_ms`: from the first of 200 subscribers that hears of a head to each
 * - case `waggle-busy`: `eth_call` while a job trains on this machine and transfers come in
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, launchDevnet } from '../cli/devnet.ts'
import { percentile } from '../cli/latency.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Benchmark, Row } from './main.ts'
import { type OtherNode, openAnvil, openHardhat } from './otherNodes.ts'
import { ask, subscribeHeads, timeCalls } from './rpcClient.ts'
import { benchWallet, deployEmitter, emitCall, fillWithLogs, prepareLoad } from './rpcWork.ts'

const calls = 400
const parallel = 8
const subscribers = 200
const heads = 10
/** Transfers offered to a busy node, per second. */
const offered = 100
const busySeconds = 30

type Report = (row: Row) => void

const nodes: Readonly<Record<string, () => Promise<OtherNode>>> = {
  waggle: () => openWaggle(false),
  anvil: openAnvil,
  hardhat: openHardhat,
}

export const benchmark: Benchmark = {
  summary: 'RPC of one node, of anvil and of Hardhat: calls, logs, subscribers, while training',
  async run(report, wanted) {
    for (const [name, open] of Object.entries(nodes)) {
      if (!wanted(name)) continue
      const node = await open()
      try {
        await measureNode(name, node.url, report)
      } finally {
        await node.stop()
      }
    }
    if (wanted('waggle-busy')) await measureBusy(report)
  },
}

/** @param trains - whether the genesis opens a job on MNIST. */
async function openWaggle(trains: boolean): Promise<OtherNode> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
  const [rpcPort, p2pPort] = (await freePorts(2)) as [number, number]
  const net = await launchDevnet({
    validators: 1,
    dataDir,
    rpcPorts: [rpcPort],
    p2pPorts: [p2pPort],
    genesis: { firstJob: trains, params: { idleBlockIntervalMs: 1_000 } },
  })
  const stop = async () => {
    await net.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { url: net.nodes[0]!.rpcUrl, stop }
}

async function measureNode(name: string, url: string, report: Report): Promise<void> {
  const work = await fillWithLogs(url)
  const note = (metric: string, value: number, unit: string) =>
    report({ case: name, metric, value, unit })
  const cases = {
    eth_blockNumber: () => ask(url, 'eth_blockNumber'),
    eth_getBlockByNumber: () => ask(url, 'eth_getBlockByNumber', 'latest', false),
    eth_getBalance: () => ask(url, 'eth_getBalance', moduleAddresses.staking, 'latest'),
    eth_call: () => callContract(url, work.emitter),
  }
  for (const [method, call] of Object.entries(cases)) {
    const times = await timeCalls(call, calls)
    note(`${method}_p50_ms`, percentile(times, 50), 'ms')
    note(`${method}_p99_ms`, percentile(times, 99), 'ms')
    const began = performance.now()
    await Promise.all(Array.from({ length: parallel }, () => timeCalls(call, calls / parallel)))
    note(`${method}_per_s`, (calls * 1_000) / (performance.now() - began), '1/s')
  }
  const { emitter: address, first, last } = work
  const filter = { address, fromBlock: first, toBlock: last }
  const logs = (topics: readonly string[]) => () =>
    ask(url, 'eth_getLogs', { ...filter, topics: [null, topics] })
  const words = Array.from({ length: 10 }, (_, i) => `0x${i.toString(16).padStart(64, '0')}`)
  note('getLogs_first_ms', percentile(await timeCalls(logs(words.slice(0, 1)), 1), 50), 'ms')
  note('getLogs_1000_ms', percentile(await timeCalls(logs(words.slice(0, 1)), 10), 50), 'ms')
  note('getLogs_10000_ms', percentile(await timeCalls(logs(words), 10), 50), 'ms')
  const spread = await headSpread(url)
  note('newHeads_p50_ms', percentile(spread, 50), 'ms')
  note('newHeads_p99_ms', percentile(spread, 99), 'ms')
}

/** A call that runs some four hundred instructions. */
function callContract(url: string, to: string): Promise<unknown> {
  return ask(url, 'eth_call', { to, data: emitCall(20) }, 'latest')
}

/** Milliseconds that each subscriber hears of a head after the first one did. */
async function headSpread(url: string): Promise<readonly number[]> {
  const wallet = benchWallet(url, Number(await ask<string>(url, 'eth_chainId')))
  const { heard, close } = await subscribeHeads(url, subscribers)
  for (let i = 0; i < heads; i++) {
    const hash = await wallet.sendTransaction({ to: wallet.account.address, gas: 21_000n })
    await wallet.waitForTransactionReceipt({ hash })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  close()
  return [...heard.values()].flatMap((times) => times.map((time) => time - Math.min(...times)))
}

/** `eth_call` on a node that trains, with its validator's own workers, while transfers come in. */
async function measureBusy(report: Report): Promise<void> {
  const node = await openWaggle(true)
  try {
    const { address } = await deployEmitter(node.url)
    const load = await prepareLoad(node.url, offered, busySeconds)
    let loading = true
    const loaded = load().finally(() => {
      loading = false
    })
    const times: number[] = []
    while (loading) times.push(...(await timeCalls(() => callContract(node.url, address), 20, 20)))
    const sent = await loaded
    const note = (metric: string, value: number, unit: string) =>
      report({ case: 'waggle-busy', metric, value, unit })
    note('eth_call_p50_ms', percentile(times, 50), 'ms')
    note('eth_call_p99_ms', percentile(times, 99), 'ms')
    note('transfers_per_s', sent / busySeconds, '1/s')
  } finally {
    await node.stop()
  }
}
