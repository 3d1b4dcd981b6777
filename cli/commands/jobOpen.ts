/**
 * `waggle job open`: shifts by calibration, a quote, consent, and the transaction.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalAccount, parseEventLogs } from 'viem'
import { type CalibratedRecipe, calibrate } from '../../compute/calibration.ts'
import { type Dataset, readRows } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { openBackend } from '../../compute/selfTest.ts'
import { isSampleName } from '../../node/sampleData.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, hashFromBytes, parseHash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { type Job, ProofKind, rangeCount, stepMacs, weightCount } from '../../registry/job.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { type AccountFlags, openAccount } from '../account.ts'
import { downloadBlob } from '../blob.ts'
import { openSource, type SourceFlags } from '../datasetSource.ts'
import { ExitCode, fail, orFail } from '../failure.ts'
import { coinsText, macsText } from '../format.ts'
import type { Io } from '../io.ts'
import { abiSpec, type JobSpec } from '../jobWire.ts'
import { createReport, type Report } from '../report.ts'
import { connect, explain, type Node, type RpcFlags } from '../rpc.ts'
import { fields } from '../table.ts'
import { sendCall } from '../transaction.ts'
import type { DatasetWire, PriceWire } from '../wire.ts'

export type OpenFlags = RpcFlags &
  AccountFlags &
  SourceFlags & {
    readonly dataset: string
    readonly rows?: string
    readonly layers: readonly number[]
    readonly batch: number
    readonly epochs?: number
    readonly steps?: number
    readonly leaseSteps: number
    readonly price?: bigint
    readonly yes?: true
  }

type Quote = { readonly escrow: bigint; readonly openFee: bigint }

/** Rows that calibration looks at. */
const calibrationRows = 512

export async function openJob(flags: OpenFlags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const account = await openAccount(flags, report)
  const node = await connect(flags.rpc)
  report.note('calibrating')
  const spec = await specOf(flags, node, io)
  const quote = await quoteOf(node, account, spec)
  await consent(flags, io, report, spec, quote)
  const receipt = await sendCall(node, account, {
    address: moduleAddresses.jobs,
    abi: jobsAbi,
    functionName: 'open',
    args: [abiSpec(spec)],
    value: quote.escrow + quote.openFee,
  })
  const [opened] = parseEventLogs({ abi: jobsAbi, eventName: 'JobOpened', logs: receipt.logs })
  const job = opened?.args.jobId
  const result = { job, ...quote, spec, transaction: receipt.transactionHash }
  report.result(result, () =>
    fields(io, [
      ['job', job ?? 'unknown'],
      ['in block', receipt.blockNumber.toString()],
      ['next', `waggle job watch ${job}`],
    ]),
  )
}

/** The job that the flags describe, with shifts that suit its data. */
async function specOf(flags: OpenFlags, node: Node, io: Io): Promise<JobSpec> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-job-'))
  const rows = await openRows(flags, node, io, join(folder, 'rows'))
  try {
    const { root, dataset } = rows
    const { layers, batch, epochs = 1 } = flags
    checkFit(flags, dataset)
    const recipe = await recipeOf(dataset, layers, batch)
    const perEpoch = Math.floor(dataset.rows / batch)
    const steps = flags.steps ?? Math.max(1, Math.round(epochs * perEpoch))
    const price = flags.price ?? BigInt((await node.call<PriceWire>('train_price')).basePrice)
    return {
      proofKind: ProofKind.Replay,
      dataset: root,
      layers,
      batch,
      steps,
      leaseSteps: Math.min(flags.leaseSteps, steps),
      ...recipe,
      pricePerMac: price,
    }
  } finally {
    await rows.close()
    await rm(folder, { recursive: true, force: true })
  }
}

type Rows = {
  readonly root: Hash
  readonly dataset: Dataset
  readonly close: () => Promise<void>
}

/** The dataset's rows: from here if they are here, from the node otherwise. */
async function openRows(flags: OpenFlags, node: Node, io: Io, path: string): Promise<Rows> {
  const local = flags.rows ?? (isSampleName(flags.dataset) ? flags.dataset : null)
  if (local !== null) return localRows(local, flags)
  const root = rootOf(flags.dataset)
  const known = await node.call<DatasetWire | null>('data_getDataset', root)
  if (known === null)
    return fail({
      what: `no dataset ${root}`,
      why: 'none of that root is registered',
      next: 'register it with `waggle dataset add`, or see `waggle dataset list`',
    })
  await downloadBlob(io, node.url, known.blob, path)
  const dataset = orFail(openDataset(path), 'the rows are damaged', 'give your own with --rows')
  return { root, dataset, close: async () => dataset.close() }
}

async function localRows(source: string, flags: OpenFlags): Promise<Rows> {
  const opened = await openSource(source, flags)
  const dataset = orFail(openDataset(opened.path), `cannot read ${opened.path}`, 'check --rows')
  const { root } = opened.manifest
  const close = async () => {
    dataset.close()
    await opened.close()
  }
  if (isSampleName(flags.dataset) || rootOf(flags.dataset) === root) return { root, dataset, close }
  await close()
  return fail({
    what: '--rows is another dataset',
    why: `its root is ${root}, not ${flags.dataset}`,
    next: 'name the rows of --dataset',
  })
}

function rootOf(text: string): Hash {
  const parsed = parseHash(text.toLowerCase())
  if (parsed.ok) return parsed.value
  return fail({
    what: `no dataset ${text}`,
    why: 'a root is 0x and 64 hex digits',
    next: 'see `waggle dataset list`, or say --dataset mnist',
    exitCode: ExitCode.Usage,
  })
}

function checkFit({ layers, batch }: OpenFlags, { features, classes, rows }: Dataset): void {
  const wrong =
    layers[0] !== features
      ? `its rows have ${features} features, the first layer ${layers[0]}`
      : layers.at(-1)! < classes
        ? `it has ${classes} classes, the last layer ${layers.at(-1)} outputs`
        : batch > rows
          ? `it has ${rows} rows, a batch ${batch}`
          : null
  if (wrong === null) return
  const next = `say --layers ${features},…,${classes} and --batch up to ${rows}`
  fail({ what: 'the model does not fit the dataset', why: wrong, next, exitCode: ExitCode.Usage })
}

async function recipeOf(
  dataset: Dataset,
  layers: readonly number[],
  batch: number,
): Promise<CalibratedRecipe> {
  const seed = hashFromBytes(Uint8Array.from(randomBytes(32)))
  const random = new SeededRandom('calibration', seed)
  const length = Math.min(calibrationRows, dataset.rows)
  const indices = Uint32Array.from({ length }, () => random.below(dataset.rows))
  const rows = orFail(readRows(dataset, indices), 'the rows are damaged', 'import them again')
  const { backend } = await openBackend('wasm', 1)
  try {
    return await calibrate({ layers, batch, seed, rows, backend })
  } finally {
    await backend.close()
  }
}

async function quoteOf(node: Node, account: LocalAccount, spec: JobSpec): Promise<Quote> {
  return explain(node.url, async () => {
    const [escrow, openFee] = await node.client.readContract({
      address: moduleAddresses.jobs,
      abi: jobsAbi,
      functionName: 'quote',
      args: [abiSpec(spec)],
      account,
    })
    return { escrow, openFee }
  })
}

/** Show what it will cost and ask, unless told not to. */
async function consent(
  flags: OpenFlags,
  io: Io,
  report: Report,
  spec: JobSpec,
  { escrow, openFee }: Quote,
): Promise<void> {
  const job = spec as Job
  report.note(
    fields(io, [
      ['model', `${spec.layers.join('-')}, ${weightCount(job).toLocaleString('en-US')} weights`],
      ['work', `${spec.steps} steps of ${macsText(stepMacs(job))} in ${rangeCount(job)} leases`],
      ['price', `${spec.pricePerMac} wei per MAC`],
      ['escrow', coinsText(escrow)],
      ['open fee', `${coinsText(openFee)}, never refunded`],
    ]).trimEnd(),
  )
  if (flags.yes === true) return
  const answer = io.ask === null ? null : await io.ask('Open this job? [y/N] ')
  if (answer !== null && /^y(es)?$/i.test(answer.trim())) return
  fail({
    what: 'the job was not opened',
    why: answer === null ? 'nobody is here to consent' : 'you did not consent',
    next: 'say --yes to open it without being asked',
    exitCode: answer === null ? ExitCode.Usage : ExitCode.Refused,
  })
}
