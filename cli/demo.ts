/**
 * The demo: four validators on this machine train a real model, from funding to payment, and end by
 * themselves with the proof that they agree.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEventLogs } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { abiSpec, type JobSpec } from '../client/jobWire.ts'
import { createTrainingPool } from '../compute/trainingPool.ts'
import { devnetAccount } from '../node/keysDevnet.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { registryAbi } from '../vm/modules/registry.ts'
import { uploadBlob } from './blob.ts'
import { type DemoRows, demoRows, type Rows } from './demoData.ts'
import { demoPlan, mnistEpochs } from './demoPlan.ts'
import { type DemoResult, demoText, judgeDemo } from './demoReport.ts'
import { followJob } from './demoRun.ts'
import { type Devnet, freePorts, launchDevnet } from './devnet.ts'
import { fail } from './failure.ts'
import type { Io } from './io.ts'
import { sampleLatency } from './latency.ts'
import { createReport, type Report } from './report.ts'
import { connect, explain, type Node } from './rpc.ts'
import { sendCall } from './transaction.ts'

export type DemoOptions = {
  /** CSV or NPY file; MNIST if there is none. */
  readonly dataset?: string | undefined
  readonly labels?: string | undefined
  readonly epochs?: number | undefined
  /** A small model and few steps. */
  readonly short?: boolean | undefined
  readonly json?: boolean | undefined
}

const validators = 4

/** Who lets its first lease pass, so that another takes over. */
const idler = validators - 1

/** @throws {Failure} if anything is not as it should be at the end; the nodes are stopped first. */
export async function runDemo(options: DemoOptions, io: Io): Promise<void> {
  const report = createReport(io, options)
  const began = io.clock.now()
  const folder = await mkdtemp(join(tmpdir(), 'waggle-demo-'))
  const pool = createTrainingPool({}, { warn: report.warn })
  try {
    report.note(`reading ${options.dataset ?? 'MNIST'}`)
    const rows = await demoRows(options, folder)
    const plan = await demoPlan(rows, options)
    report.note(`starting ${validators} validators, each a process with a data folder of its own`)
    const net = await launch(folder)
    try {
      const result = await tell(net, rows, plan, { io, report, pool, began })
      report.result(result, () => demoText(io, result))
      const whole = options.dataset === undefined && options.short !== true
      const wrong = judgeDemo(result, whole && (options.epochs ?? mnistEpochs) >= mnistEpochs)
      if (wrong !== null) fail({ what: 'the demo failed', ...wrong })
    } finally {
      await net.stop()
    }
  } finally {
    await pool.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function launch(folder: string): Promise<Devnet> {
  const ports = await freePorts(2 * validators)
  return launchDevnet({
    validators,
    dataDir: folder,
    rpcPorts: ports.slice(0, validators),
    p2pPorts: ports.slice(validators),
    genesis: { firstJob: false },
    flagsOf: (index) => (index === idler ? ['--sit-out', '1'] : []),
  })
}

export type Telling = {
  readonly io: Io
  readonly report: Report
  readonly pool: ReturnType<typeof createTrainingPool>
  /** When the demo began, by the clock. */
  readonly began: number
}

async function tell(
  net: Devnet,
  rows: DemoRows,
  plan: JobSpec,
  telling: Telling,
): Promise<DemoResult> {
  const { io, report } = telling
  const died = new Promise<never>((_, reject) => {
    for (const [i, node] of net.nodes.entries())
      node.onDeath((reason) => reject(new Error(`validator ${i} ended: ${reason}`)))
  })
  const story = async () => {
    const nodes = await Promise.all(net.nodes.map(({ rpcUrl }) => connect(rpcUrl)))
    const account = privateKeyToAccount(toHex(devnetAccount(0).privateKey))
    const first = nodes[0]!
    for (const part of [rows.training, rows.test]) await register(first, part, account, io, report)
    const job = await open(first, plan, account, report)
    const latency = sampleLatency(
      net.nodes.map(({ rpcUrl }) => rpcUrl),
      io.clock,
    )
    const run = await followJob({ nodes, job, plan, test: rows.test, ...telling })
    const { p99Ms } = await latency.stop()
    return { ...run, rpcP99Ms: p99Ms.map((ms) => Math.round(ms)) }
  }
  return Promise.race([story(), died, stopped(io)])
}

type Account = ReturnType<typeof privateKeyToAccount>

/** Upload rows to one node and register them; the others fetch them from it. */
async function register(
  node: Node,
  { path, manifest }: Rows,
  account: Account,
  io: Io,
  report: Report,
): Promise<void> {
  const blob = await uploadBlob(io, node.url, path)
  const { root, name, rows, features, classes } = manifest
  await sendCall(node, account, {
    address: moduleAddresses.registry,
    abi: registryAbi,
    functionName: 'registerDataset',
    args: [root, name, blob, rows, features, classes],
  })
  report.note(`registered ${name}: ${rows} rows of ${features} features, ${classes} classes`)
}

async function open(node: Node, plan: JobSpec, account: Account, report: Report): Promise<Hash> {
  const call = { address: moduleAddresses.jobs, abi: jobsAbi, args: [abiSpec(plan)] } as const
  const [escrow, openFee] = await explain(node.url, () =>
    node.client.readContract({ ...call, functionName: 'quote', account }),
  )
  const value = escrow + openFee
  const receipt = await sendCall(node, account, { ...call, functionName: 'open', value })
  const [opened] = parseEventLogs({ abi: jobsAbi, eventName: 'JobOpened', logs: receipt.logs })
  if (opened === undefined)
    return fail({
      what: 'the job was not opened',
      why: `transaction ${receipt.transactionHash} has no JobOpened event`,
      next: 'report this: it is a bug',
    })
  const leases = Math.ceil(plan.steps / plan.leaseSteps)
  report.note(
    `job ${opened.args.jobId}: ${plan.layers.join('-')}, ${plan.steps} steps of ${plan.batch} rows in ${leases} leases`,
  )
  return opened.args.jobId as Hash
}

function stopped({ stopped: signal }: Io): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new Error('stopped'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}
