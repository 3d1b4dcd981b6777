/**
 * Metrics for Prometheus, with unit suffixes. Nothing depends on them being read.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = {
  readonly height: Gauge
  readonly peers: Gauge
  readonly commitSeconds: Histogram
  readonly rounds: Counter
  readonly consensusMessages: Counter
  readonly transactions: Counter
  readonly certificates: Counter<'verdict'>
  readonly trainedMacs: Counter
  readonly trainSeconds: Histogram
  readonly proveSeconds: Histogram
  readonly verifySeconds: Histogram
  readonly judgeSeconds: Histogram
  readonly pool: Gauge
  /** The text of `GET /metrics`. */
  readonly text: () => Promise<string>
}

export function createMetrics(): Metrics {
  const registers = [new Registry()]
  const registry = registers[0]!
  collectDefaultMetrics({ register: registry, prefix: 'waggle_' })
  const seconds = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30]
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, registers, buckets: seconds })
  return {
    height: gauge('waggle_height', 'Height of the committed head'),
    peers: gauge('waggle_peers', 'Connected peers'),
    pool: gauge('waggle_pool_transactions', 'Transactions waiting'),
    commitSeconds: histogram('waggle_commit_seconds', 'From a proposal to its commit'),
    rounds: counter('waggle_extra_rounds_total', 'Rounds after the first of a height'),
    consensusMessages: counter(
      'waggle_consensus_messages_total',
      'Messages of consensus sent, once for each peer',
    ),
    transactions: counter('waggle_transactions_total', 'Transactions committed'),
    certificates: new Counter({
      name: 'waggle_certificates_total',
      help: 'Certificates judged',
      labelNames: ['verdict'] as const,
      registers,
    }),
    trainedMacs: counter('waggle_trained_macs_total', 'Multiply-accumulates trained here'),
    trainSeconds: histogram('waggle_train_seconds', 'Training of one lease'),
    proveSeconds: histogram('waggle_prove_seconds', 'Proving of one lease'),
    verifySeconds: histogram('waggle_verify_seconds', 'Verifying one step proof'),
    judgeSeconds: histogram('waggle_judge_seconds', 'Judging one block before a vote'),
    text: () => registry.metrics(),
  }
}
