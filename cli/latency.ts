/**
 * How long nodes take to answer while they work: one small question after another, to each node.
 */
import type { Clock } from '../primitives/clock.ts'
import { sleep } from '../primitives/clock.ts'

export type Latency = {
  /** Stop asking; the greatest of the nodes' 99th percentiles, milliseconds. */
  readonly stop: () => Promise<LatencyReport>
}

export type LatencyReport = {
  /** By node. */
  readonly p99Ms: readonly number[]
  readonly samples: number
}

const pauseMs = 200

/** The clock of performance, finer than milliseconds. */
const nowMs = () => performance.now()

export function sampleLatency(urls: readonly string[], clock: Clock): Latency {
  let asking = true
  const loops = urls.map(async (url) => {
    const times: number[] = []
    while (asking) {
      const began = nowMs()
      const answered = await ask(url)
      if (answered) times.push(nowMs() - began)
      await sleep(clock, pauseMs)
    }
    return times
  })
  return {
    stop: async () => {
      asking = false
      const all = await Promise.all(loops)
      return {
        p99Ms: all.map((times) => percentile(times, 99)),
        samples: all.reduce((sum, times) => sum + times.length, 0),
      }
    },
  }
}

async function ask(url: string): Promise<boolean> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["latest",false]}'
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body })
    await response.arrayBuffer()
    return response.ok
  } catch {
    // A node that is down has no latency; the demo itself notices that it is down.
    return false
  }
}

/** The value that `percent` of `values` do not exceed; 0 of none. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) return 0
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]!
}
