/**
 * Agreement between real processes on this machine: blocks without transactions, one a second, as fast
 * as the chain allows. One network of each size is measured three times: over loopback (`validators-N`),
 * over links of 100 ± 20 ms each way (`validators-N-links`), and when a cut of all links heals.
 *
 * `finality_p50_ms` and `finality_p99_ms`: from the moment a node sees a proposal to its commit on disk,
 * over all nodes and heights. `cpu_ms_per_height`: processor time of all nodes together for one height.
 * `bytes_per_height`: what all nodes together send, with the overhead of encryption and of relays;
 * `messages_per_height`: messages of consensus, once for each peer. `block_interval_ms`: from block to
 * block. `loop_delay_p99_ms`: how late the busiest node's event loop is. `recovery_ms`: from the heal to
 * the first commit; `recovery_timeouts`: the same in propose timeouts of the round current at the heal.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Devnet, freePorts, launchDevnet } from '../cli/devnet.ts'
import { percentile } from '../cli/latency.ts'
import type { LinkOptions } from '../cli/relay.ts'
import { sleep, systemClock } from '../primitives/clock.ts'
import { eventsOf, heightOf, type Totals, totalsOf, untilHeight } from './consensusNet.ts'
import type { Benchmark, Row } from './main.ts'

/**
 * Numbers of validators; more processes than cores measure the scheduler, too. `heights` says how many
 * were measured: a network that these cores cannot carry is given up after a while, and what it has not
 * reached is not reported. All of it ends within ten minutes.
 */
const sizes = [4, 7, 16, 32] as const
/** Beyond this many, slow links and cuts would only show how busy the machine is. */
const maxLinked = 16

const slow: LinkOptions = { delayMs: 100, jitterMs: 20 }
const swift: LinkOptions = { delayMs: 0, jitterMs: 0 }

/** Measured for so long, or longer until there are so many heights. */
const windowMs = 20_000
const leastHeights = 5
const warmUp = 3
/** Nothing is waited for longer than this. */
const patienceMs = 40_000

/** A node of many may take so long to start: eight do at a time, beside those that run already. */
const startMs = 180_000

const cutMs = 6_000
/** As in genesis.json. */
const [proposeTimeoutMs, timeoutGrowthMs] = [3_000, 500]

export const benchmark: Benchmark = {
  summary: 'time to finality, messages and processor time of agreement between processes',
  async run(report, wanted) {
    for (const size of sizes)
      if (wanted(`validators-${size}`) || wanted(`validators-${size}-links`))
        await withNetwork(size, report, async (net) => {
          const name = `validators-${size}`
          await measure(net, name, report)
          if (size > maxLinked) return
          for (const relay of net.relays) relay.become(slow)
          await measure(net, `${name}-links`, report)
          for (const relay of net.relays) relay.become(swift)
          await recover(net, name, report)
        })
  },
}

type Report = (row: Row) => void

/** Where not all of its processes start in time, it has no heights. */
async function withNetwork(
  size: number,
  report: Report,
  use: (net: Devnet) => Promise<void>,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
  const ports = await freePorts(2 * size)
  try {
    const net = await launchDevnet({
      validators: size,
      dataDir,
      link: swift,
      rpcPorts: ports.slice(0, size),
      p2pPorts: ports.slice(size),
      genesis: {
        firstJob: false,
        params: { idleBlockIntervalMs: 1_000, proposeTimeoutMs, timeoutGrowthMs },
      },
      flagsOf: () => ['--no-work'],
      patienceMs: startMs,
    }).catch((error: Error) => {
      process.stderr.write(`validators-${size}: ${error.message}\n`)
      report({ case: `validators-${size}`, metric: 'heights', value: 0, unit: 'heights' })
      return null
    })
    if (net === null) return
    try {
      await use(net)
    } finally {
      await net.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function measure(net: Devnet, name: string, report: Report): Promise<void> {
  await untilHeight(net, (await heightOf(net)) + warmUp, patienceMs)
  const before = await totalsOf(net)
  await sleep(systemClock, windowMs)
  await untilHeight(net, before.height + leastHeights, patienceMs - windowMs)
  const after = await totalsOf(net)
  const commits = (await eventsOf(net)).filter(
    ({ msg, height }) =>
      msg === 'block committed' && height > before.height && height <= after.height,
  )
  const times = commits.flatMap(({ sinceProposalMs }) => sinceProposalMs ?? [])
  const heights = after.height - before.height
  const per = (of: (totals: Totals) => number) => (of(after) - of(before)) / heights
  const row = (metric: string, value: number, unit: string) =>
    report({ case: name, metric, value, unit })
  row('heights', heights, 'heights')
  if (heights === 0) return
  row('finality_p50_ms', percentile(times, 50), 'ms')
  row('finality_p99_ms', percentile(times, 99), 'ms')
  row(
    'block_interval_ms',
    per(({ atMs }) => atMs),
    'ms',
  )
  row(
    'cpu_ms_per_height',
    per(({ cpuMs }) => cpuMs),
    'ms',
  )
  row(
    'bytes_per_height',
    per(({ bytes }) => bytes),
    'bytes',
  )
  row(
    'messages_per_height',
    per(({ messages }) => messages),
    'messages',
  )
  row('loop_delay_p99_ms', after.loopDelayP99Ms, 'ms')
  row('extra_rounds', commits.filter(({ round }) => round > 0).length / commits.length, 'share')
}

async function recover(net: Devnet, name: string, report: Report): Promise<void> {
  for (const relay of net.relays) relay.cut()
  await sleep(systemClock, cutMs)
  const healedAt = Date.now()
  const height = await heightOf(net)
  for (const relay of net.relays) relay.heal()
  if (!(await untilHeight(net, height + 1, patienceMs))) return
  const events = (await eventsOf(net)).filter((event) => event.height > height)
  const commits = events.filter(({ msg, atMs }) => msg === 'block committed' && atMs > healedAt)
  const rounds = events.filter(({ msg, atMs }) => msg === 'round started' && atMs <= healedAt)
  const recoveryMs = Math.min(...commits.map(({ atMs }) => atMs)) - healedAt
  const round = Math.max(0, ...rounds.map((event) => event.round))
  const timeoutMs = proposeTimeoutMs + round * timeoutGrowthMs
  const row = (metric: string, value: number, unit: string) =>
    report({ case: name, metric, value, unit })
  row('recovery_ms', recoveryMs, 'ms')
  row('recovery_timeouts', recoveryMs / timeoutMs, 'timeouts')
}
