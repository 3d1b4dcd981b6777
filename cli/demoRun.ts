/**
 * Following the demo's job: certificates and missed leases as they are committed, accuracy on held-out
 * rows as it grows, and the state of all nodes at the end.
 */

import { type JobSpec, jobOfWire } from '../client/jobWire.ts'
import type { JobEventWire, JobWire } from '../client/wire.ts'
import type { Address } from '../primitives/address.ts'
import { sleep } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { isEvaluation } from '../registry/evaluation.ts'
import { encodeJob, type Job, rangeSteps } from '../registry/job.ts'
import type { Telling } from './demo.ts'
import type { Rows } from './demoData.ts'
import { type ProofFigures, proofFigures, proofText } from './demoProofs.ts'
import { type DemoResult, validatorRows } from './demoReport.ts'
import { fail } from './failure.ts'
import { paint } from './io.ts'
import type { Node } from './rpc.ts'
import { subscribe } from './subscription.ts'

export type RunOptions = Telling & {
  readonly nodes: readonly Node[]
  readonly job: Hash
  readonly plan: JobSpec
  readonly test: Rows
}

type Certified = {
  readonly range: number
  readonly worker: Address
  readonly weights: Hash
  readonly losses: readonly bigint[]
}

/** Nodes store a block's proofs just after they commit it. */
const proofPatienceMs = 1_000

/** A job that makes no progress for so long is stuck. */
const stallMs = 120_000

export async function followJob(options: RunOptions): Promise<Omit<DemoResult, 'rpcP99Ms'>> {
  const { nodes, job: id, plan, io, report } = options
  const node = nodes[0]!
  const wire = await node.call<JobWire | null>('train_getJob', id)
  if (wire === null) return fail({ what: `no job ${id}`, why: 'it vanished', next: 'report this' })
  const job = jobOfWire(wire)
  const seen = new Map<number, Certified>()
  let missed = 0
  let lastSign = io.clock.now()
  const finished = Promise.withResolvers<null>()
  const scorer = createScorer(options, job)

  function onEvent({ event, blockNumber, details }: JobEventWire): void {
    lastSign = io.clock.now()
    const height = Number(BigInt(blockNumber))
    const certificate = event === 'Certified' ? certifiedOf(details) : null
    if (certificate !== null && !isEvaluation(job, certificate.range)) {
      seen.set(certificate.range, certificate)
      void told(certificate, height)
      scorer.score(certificate)
    }
    if (event === 'LeaseMissed') {
      missed += 1
      const holder = String(details.holder).toLowerCase()
      report.note(paint(io, 'yellow', `  lease of ${nameOf(holder)} expired; another takes over`))
    }
    if (event === 'JobFinished') finished.resolve(null)
    if (event === 'JobCancelled') finished.reject(new Error('the job was cancelled'))
  }

  async function told(certificate: Certified, height: number): Promise<void> {
    await sleep(io.clock, proofPatienceMs)
    const proof = await proofFigures(nodes, id, certificate.range).catch(() => null)
    report.note(lineOf(certificate, height))
    if (proof !== null) report.note(`            ${proofText(proof)}`)
  }

  function lineOf({ range, worker, losses }: Certified, height: number): string {
    const { from, count } = rangeSteps(job, range)
    const loss = Number(losses.at(-1) ?? 0n) / plan.batch
    const accuracy = scorer.latest()
    return [
      `block ${String(height).padStart(4)}`,
      `steps ${String(from + count).padStart(4)}/${job.steps}`,
      `loss ${loss.toFixed(0).padStart(6)}`,
      `accuracy ${accuracy === null ? '    –' : `${(100 * accuracy).toFixed(2)} %`}`,
      `by ${nameOf(worker)}`,
    ].join('  ')
  }

  function nameOf(address: string): string {
    return `${address.slice(0, 8)}…${address.slice(-4)}`
  }

  async function watchdog(): Promise<never> {
    for (;;) {
      await sleep(io.clock, 1_000)
      if (io.clock.now() - lastSign > stallMs)
        throw new Error(`no certificate for ${stallMs / 1_000} s`)
    }
  }

  const live = await subscribe<JobEventWire>(node.url, ['jobs', { job: id }], onEvent)
  try {
    await Promise.race([finished.promise, live.lost, watchdog()])
  } finally {
    live.close()
  }
  const certificates = [...seen.values()].sort((a, b) => a.range - b.range)
  const accuracy = await scorer.final(certificates.at(-1)!)
  const proofs = await Promise.all(certificates.map(({ range }) => proofFigures(nodes, id, range)))
  return {
    ...(await settle(options)),
    ...sums(certificates),
    ...proven(proofs.filter((proof) => proof !== null)),
    leasesExpired: missed,
    accuracy,
  }

  function sums(all: readonly Certified[]) {
    return {
      steps: all.reduce((sum, { range }) => sum + rangeSteps(job, range).count, 0),
      certificates: all.length,
      losses: all.flatMap(({ losses }) => losses.map((loss) => Number(loss) / plan.batch)),
    }
  }
}

function proven(proofs: readonly ProofFigures[]) {
  return {
    proofKinds: [...new Set(proofs.map(({ kind }) => kind))],
    soundnessBits: Math.min(...proofs.flatMap(({ soundnessBits }) => soundnessBits ?? [])),
    proofBytes: proofs.map(({ bytes }) => bytes),
    proveMs: proofs.map(({ proveMs }) => proveMs),
    verifyMs: proofs.map(({ verifyMs }) => verifyMs),
  }
}

function certifiedOf(details: JobEventWire['details']): Certified {
  return {
    range: Number(BigInt(String(details.range))),
    worker: String(details.worker).toLowerCase() as Address,
    weights: details.weights as Hash,
    losses: (details.losses as readonly string[]).map(BigInt),
  }
}

/** Scores weights on the held-out rows, one at a time; what arrives meanwhile is left out. */
function createScorer({ nodes, test, pool }: RunOptions, job: Job) {
  let latest: number | null = null
  let busy: Promise<unknown> = Promise.resolve()
  let idle = true

  async function accuracyOf({ weights }: Certified): Promise<number | null> {
    for (const { url } of nodes) {
      const response = await fetch(`${url}/blob/${weights}`)
      if (!response.ok) continue
      const state = new Uint8Array(await response.arrayBuffer())
      const scored = await pool.evaluate({ job: encodeJob(job), state, dataset: test.path })
      if (scored.ok) return scored.value.correct / scored.value.rows
    }
    return null
  }

  return {
    latest: () => latest,
    score: (certificate: Certified) => {
      if (!idle) return
      idle = false
      busy = accuracyOf(certificate)
        .then((accuracy) => {
          latest = accuracy ?? latest
        })
        .catch(() => {})
        .finally(() => {
          idle = true
        })
    },
    final: async (certificate: Certified) => {
      await busy
      const accuracy = await accuracyOf(certificate)
      if (accuracy === null)
        return fail({
          what: 'the final model cannot be scored',
          why: `no node serves its weights, blob ${certificate.weights}`,
          next: 'report this: it is a bug',
        })
      return accuracy
    },
  }
}

/** One height that all nodes have reached, and what each of them says of it. */
async function settle({ nodes, io, began }: RunOptions) {
  const end = Number(await nodes[0]!.client.getBlockNumber()) + 1
  await Promise.all(nodes.map((node) => reach(node, end, io.clock)))
  const blocks = await Promise.all(
    nodes.map(({ client }) => client.getBlock({ blockNumber: BigInt(end) })),
  )
  const { hash, stateRoot } = blocks[0]!
  const supplies = await Promise.all(
    nodes.map((node) =>
      node.call<{ readonly balances: string; readonly expected: string }>('val_getSupply'),
    ),
  )
  return {
    height: end,
    headHash: hash,
    stateRoot,
    agree: blocks.every((block) => block.hash === hash && block.stateRoot === stateRoot),
    supplyOk: supplies.every(({ balances, expected }) => BigInt(balances) === BigInt(expected)),
    validators: await validatorRows(nodes[0]!),
    seconds: Math.round((io.clock.now() - began) / 1_000),
  }
}

async function reach(node: Node, height: number, clock: RunOptions['io']['clock']): Promise<void> {
  const deadline = clock.now() + 60_000
  while ((await node.client.getBlockNumber()) < BigInt(height)) {
    if (clock.now() > deadline) throw new Error(`${node.url} did not reach block ${height}`)
    await sleep(clock, 250)
  }
}
