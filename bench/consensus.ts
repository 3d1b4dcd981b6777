/**
 * Agreement between real processes on this machine: blocks without transactions, one a second, as fast
 * as the chain allows.
 *
 * `finality_p50_ms` and `finality_p99_ms`: from the moment a node sees a proposal to its commit on disk,
 * over all nodes and heights. `cpu_ms_per_height`: processor time of all nodes together for one height.
 * `bytes_per_height`: what all nodes together send, with the overhead of encryption and of relays.
 * `block_interval_ms`: from block to block. Cases with `-links` have 100 ± 20 ms each way.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Devnet, freePorts, launchDevnet } from '../cli/devnet.ts'
import { percentile } from '../cli/latency.ts'
import type { LinkOptions } from '../cli/relay.ts'
import { sleep, systemClock } from '../primitives/clock.ts'
import type { Benchmark, Row } from './main.ts'

/** Numbers of validators; two cores carry four processes without measuring the scheduler. */
const sizes = [4, 7, 16, 32] as const

const slow: LinkOptions = { delayMs: 100, jitterMs: 20 }
const swift: LinkOptions = { delayMs: 0, jitterMs: 0 }

/** Heights that are measured, after some that are not. */
const heights = 40
const warmUp = 5

export const benchmark: Benchmark = {
  summary: 'time to finality and processor time of agreement between processes',
  async run(report, wanted) {
    for (const size of sizes)
      for (const link of [swift, slow]) {
        const name = `validators-${size}${link === slow ? '-links' : ''}`
        if (wanted(name)) await measure(size, link, name, report)
      }
  },
}

async function measure(
  size: number,
  link: LinkOptions,
  name: string,
  report: (row: Row) => void,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
  const ports = await freePorts(2 * size)
  try {
    const net = await launchDevnet({
      validators: size,
      dataDir,
      link,
      rpcPorts: ports.slice(0, size),
      p2pPorts: ports.slice(size),
      genesis: { firstJob: false, params: { idleBlockIntervalMs: 1_000 } },
      flagsOf: () => ['--no-work'],
    })
    try {
      const from = (await reach(net, warmUp)) + 1
      const before = await cpuSeconds(net)
      const bytesBefore = bytesOf(net)
      const started = performance.now()
      const to = await reach(net, from + heights)
      const elapsed = performance.now() - started
      const bytes = bytesOf(net) - bytesBefore
      const cpu = (await cpuSeconds(net)) - before
      const times = await finalityTimes(net, from, to)
      const row = (metric: string, value: number) =>
        report({ case: name, metric, value, unit: 'ms' })
      row('finality_p50_ms', percentile(times, 50))
      row('finality_p99_ms', percentile(times, 99))
      row('cpu_ms_per_height', (1_000 * cpu) / (to - from))
      row('block_interval_ms', elapsed / (to - from))
      const value = bytes / (to - from)
      report({ case: name, metric: 'bytes_per_height', value, unit: 'bytes' })
    } finally {
      await net.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** Waits until the first node has reached `height`; the height it then has. */
async function reach(net: Devnet, height: number): Promise<number> {
  for (;;) {
    const [metrics] = await Promise.all(
      net.nodes.slice(0, 1).map(({ rpcUrl }) => metricsOf(rpcUrl)),
    )
    const now = metrics!.get('waggle_height') ?? 0
    if (now >= height) return now
    await sleep(systemClock, 250)
  }
}

function bytesOf({ relays }: Devnet): number {
  return relays.reduce((sum, relay) => sum + relay.bytes(), 0)
}

async function cpuSeconds(net: Devnet): Promise<number> {
  const all = await Promise.all(net.nodes.map(({ rpcUrl }) => metricsOf(rpcUrl)))
  return all.reduce(
    (sum, metrics) => sum + (metrics.get('waggle_process_cpu_seconds_total') ?? 0),
    0,
  )
}

/** Metrics without labels, by name. */
async function metricsOf(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const entries = [...text.matchAll(/^(\w+) ([\d.e+-]+)$/gm)]
  return new Map(entries.map(([, name, value]) => [name!, Number(value)]))
}

/** Milliseconds that each node logged for each height in `[from, to)`. */
async function finalityTimes(net: Devnet, from: number, to: number): Promise<readonly number[]> {
  const logs = await Promise.all(
    net.nodes.map(({ dataDir }) => readFile(join(dataDir, 'node.log'), 'utf8')),
  )
  return logs.flatMap((log) =>
    log.split('\n').flatMap((line) => {
      if (!line.includes('"block committed"')) return []
      const { height, sinceProposalMs } = JSON.parse(line) as {
        readonly height: string
        readonly sinceProposalMs: number | null
      }
      const measured = Number(height) >= from && Number(height) < to && sinceProposalMs !== null
      return measured ? [sinceProposalMs] : []
    }),
  )
}
