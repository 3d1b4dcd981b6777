/**
 * How long a node takes to answer, over HTTP on loopback: one validator making a block a second.
 *
 * `p50_ms` and `p99_ms` are of single calls one after another; `calls_per_s` is of eight at a time.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFunctionData } from 'viem'
import { freePorts, launchDevnet } from '../cli/devnet.ts'
import { percentile } from '../cli/latency.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { stakingAbi } from '../vm/modules/stakingAbi.ts'
import type { Benchmark, Row } from './main.ts'

const calls = 400
const parallel = 8

const currentSet = encodeFunctionData({ abi: stakingAbi, functionName: 'currentSet' })

const cases: Readonly<Record<string, readonly [method: string, ...params: readonly unknown[]]>> = {
  eth_blockNumber: ['eth_blockNumber'],
  eth_getBlockByNumber: ['eth_getBlockByNumber', 'latest', false],
  eth_getBalance: ['eth_getBalance', moduleAddresses.staking, 'latest'],
  eth_call: ['eth_call', { to: moduleAddresses.staking, data: currentSet }, 'latest'],
}

export const benchmark: Benchmark = {
  summary: 'latency and rate of JSON-RPC calls to one node',
  async run(report, wanted) {
    const names = Object.keys(cases).filter(wanted)
    if (names.length === 0) return
    const dataDir = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
    const [rpcPort, p2pPort] = (await freePorts(2)) as [number, number]
    try {
      const net = await launchDevnet({
        validators: 1,
        dataDir,
        rpcPorts: [rpcPort],
        p2pPorts: [p2pPort],
        genesis: { firstJob: false, params: { idleBlockIntervalMs: 1_000 } },
      })
      try {
        for (const name of names) await measure(net.nodes[0]!.rpcUrl, name, report)
      } finally {
        await net.stop()
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  },
}

async function measure(url: string, name: string, report: (row: Row) => void): Promise<void> {
  const [method, ...params] = cases[name]!
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const times: number[] = []
  for (let i = 0; i < calls; i++) {
    const started = performance.now()
    await ask(url, body)
    times.push(performance.now() - started)
  }
  const began = performance.now()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (let i = 0; i < calls / parallel; i++) await ask(url, body)
    }),
  )
  const seconds = (performance.now() - began) / 1_000
  report({ case: name, metric: 'p50_ms', value: percentile(times, 50), unit: 'ms' })
  report({ case: name, metric: 'p99_ms', value: percentile(times, 99), unit: 'ms' })
  report({ case: name, metric: 'calls_per_s', value: calls / seconds, unit: '1/s' })
}

async function ask(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body })
  const answer = (await response.json()) as { readonly error?: { readonly message: string } }
  if (answer.error !== undefined) throw new Error(`${body}: ${answer.error.message}`)
}
