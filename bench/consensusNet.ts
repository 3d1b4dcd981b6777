/**
 * What a running network of processes has done, from its metrics and logs: for the benchmark of
 * consensus.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Devnet } from '../cli/devnet.ts'
import { sleep, systemClock } from '../primitives/clock.ts'

/** Sums over all nodes, at one moment. */
export type Totals = {
  readonly height: number
  readonly atMs: number
  readonly cpuMs: number
  readonly messages: number
  readonly bytes: number
  /** Greatest 99th percentile of a node's event loop delay since the totals before. */
  readonly loopDelayP99Ms: number
}

export async function totalsOf(net: Devnet): Promise<Totals> {
  const all = await Promise.all(net.nodes.map(({ rpcUrl }) => metricsOf(rpcUrl)))
  const values = (name: string) => all.map((metrics) => metrics.get(name) ?? 0)
  const sum = (name: string) => values(name).reduce((a, b) => a + b, 0)
  return {
    height: Math.min(...values('waggle_height')),
    atMs: performance.now(),
    cpuMs: 1_000 * sum('waggle_process_cpu_seconds_total'),
    messages: sum('waggle_consensus_messages_total'),
    bytes: net.relays.reduce((total, relay) => total + relay.bytes(), 0),
    loopDelayP99Ms: 1_000 * Math.max(...values('waggle_nodejs_eventloop_lag_p99_seconds')),
  }
}

/** Waits until the first node is at `height` or beyond; false if it is not there in time. */
export async function untilHeight(net: Devnet, height: number, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs
  while ((await heightOf(net)) < height) {
    if (performance.now() > end) return false
    await sleep(systemClock, 100)
  }
  return true
}

/** Of the first node. */
export async function heightOf({ nodes }: Devnet): Promise<number> {
  return (await metricsOf(nodes[0]!.rpcUrl)).get('waggle_height') ?? 0
}

/** Metrics without labels, by name. */
async function metricsOf(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const entries = [...text.matchAll(/^(\w+) ([\d.e+-]+)$/gm)]
  return new Map(entries.map(([, name, value]) => [name!, Number(value)]))
}

/** A line of a node's log about consensus. */
export type Event = {
  readonly msg: string
  /** Unix milliseconds. */
  readonly atMs: number
  readonly height: number
  readonly round: number
  readonly sinceProposalMs: number | null
}

/** Commits and later rounds that all nodes have logged. */
export async function eventsOf(net: Devnet): Promise<readonly Event[]> {
  const logs = await Promise.all(
    net.nodes.map(({ dataDir }) => readFile(join(dataDir, 'node.log'), 'utf8')),
  )
  return logs.flatMap((log) => log.split('\n').flatMap(eventOf))
}

function eventOf(line: string): readonly Event[] {
  if (!line.includes('"block committed"') && !line.includes('"round started"')) return []
  const { msg, time, height, round, sinceProposalMs } = JSON.parse(line) as {
    readonly msg: string
    readonly time: string
    readonly height: string
    readonly round: number
    readonly sinceProposalMs?: number | null
  }
  const atMs = Date.parse(time)
  return [{ msg, atMs, height: Number(height), round, sinceProposalMs: sinceProposalMs ?? null }]
}
