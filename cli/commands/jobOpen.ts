/**
 * `waggle job open`: shifts by calibration, a quote, consent, and the transaction.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalAccount, parseEventLogs } from 'viem'
import { abiSpec, type JobSpec, jobOfWire } from '../../client/jobWire.ts'
import type { CollectionWire, PriceWire } from '../../client/wire.ts'
import { type CalibratedRecipe, calibrate } from '../../compute/calibration.ts'
import { type Dataset, readRows } from '../../compute/dataset.ts'
import { openBackend } from '../../compute/selfTest.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, hashFromBytes, zeroHash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { evaluationJob } from '../../registry/evaluation.ts'
import {
  type HeldOut,
  type Job,
  ProofKind,
  phaseAt,
  rangeCount,
  stepMacs,
  weightCount,
} from '../../registry/job.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { treasuryAbi } from '../../vm/modules/treasury.ts'
import { type AccountFlags, openAccount } from '../account.ts'
import type { SourceFlags } from '../datasetSource.ts'
import { ExitCode, fail, orFail } from '../failure.ts'
import { coinsText, macsText } from '../format.ts'
import type { Io } from '../io.ts'
import { callAndTell } from '../registryCall.ts'
import { createReport, type Report } from '../report.ts'
import { connect, explain, type Node, type RpcFlags } from '../rpc.ts'
import { fields } from '../table.ts'
import { sendCall } from '../transaction.ts'
import { checkFit, type JobRows, openRows } from './jobRows.ts'
import { findJob } from './model.ts'

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
    readonly heldOut?: number
    readonly base?: Hash
    readonly replay?: true
    readonly yes?: true
    /** What the treasury should pay for it for. */
    readonly propose?: string
  }

type Quote = {
  readonly escrow: bigint
  readonly openFee: bigint
  /** What of the escrow is for rows and royalties. */
  readonly onTop: bigint
}

/** Rows that calibration looks at. */
const calibrationRows = 512

export async function openJob(flags: OpenFlags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const account = await openAccount(flags, report)
  const node = await connect(flags.rpc)
  report.note('calibrating')
  const spec = await specOf(flags, node, io)
  if (flags.propose !== undefined)
    return callAndTell(flags, io, {
      address: moduleAddresses.treasury,
      abi: treasuryAbi,
      functionName: 'proposeJob',
      args: [abiSpec(spec), flags.propose],
    })
  const quote = await quoteOf(node, account, spec)
  await consent(flags, io, report, spec, quote)
  const receipt = await sendCall(node, account, {
    address: moduleAddresses.jobs,
    abi: jobsAbi,
    functionName: 'openFrom',
    args: [spec.base ?? zeroHash, abiSpec(spec)],
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
  try {
    const rows = await openRows(flags, node, io, join(folder, 'rows'))
    try {
      return await specFor(rows, flags, node)
    } finally {
      await rows.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function specFor({ root, dataset }: JobRows, flags: OpenFlags, node: Node): Promise<JobSpec> {
  const { layers, batch, epochs = 1 } = flags
  checkFit(flags, dataset)
  const recipe =
    flags.base === undefined
      ? await calibratedRecipe(dataset, layers, batch)
      : await recipeOf(node, flags.base)
  const heldOut = await heldOutFrom(root, dataset.rows, flags, node)
  const own = heldOut.dataset === root ? heldOut.rows : 0
  const perEpoch = Math.max(1, Math.floor((dataset.rows - own) / batch))
  const steps = flags.steps ?? Math.max(1, Math.round(epochs * perEpoch))
  const price = flags.price ?? BigInt((await node.call<PriceWire>('train_price')).basePrice)
  return {
    proofKind: flags.replay === true ? ProofKind.Replay : ProofKind.StepProof,
    dataset: root,
    layers,
    batch,
    steps,
    leaseSteps: Math.min(flags.leaseSteps, steps),
    ...recipe,
    pricePerMac: price,
    ...(heldOut.rows === 0 ? {} : { heldOut }),
    ...(flags.base === undefined ? {} : { base: flags.base }),
  }
}

/** Rows to evaluate on: of the dataset itself, or, of a collection, those that its trials are judged on. */
async function heldOutFrom(
  root: Hash,
  rows: number,
  { batch, heldOut }: OpenFlags,
  node: Node,
): Promise<HeldOut> {
  const collection = await node.call<CollectionWire | null>('data_getCollection', root)
  const judging = collection?.trial.heldOut
  if (judging === undefined) return { dataset: root, rows: heldOut ?? heldOutOf(rows, batch) }
  return { dataset: judging.dataset, rows: heldOut ?? Number(BigInt(judging.rows)) }
}

/** The arithmetic of a base, as it was at the end, and the length of its leases. */
async function recipeOf(
  node: Node,
  base: Hash,
): Promise<CalibratedRecipe & Pick<JobSpec, 'leaseSteps'>> {
  const job = jobOfWire(await findJob(node, base))
  const { fractionBits, forwardShifts, initBound, leaseSteps } = job
  const schedule = [{ ...phaseAt(job, job.steps - 1), fromStep: 0 }]
  return { fractionBits, forwardShifts, schedule, initBound, leaseSteps }
}

/**
 * Rows to evaluate on unless told: a tenth, so that training loses little, and of more than 10,240 rows
 * some ten times as many as are drawn, so that nobody knows which. None where a batch needs them.
 */
export function heldOutOf(rows: number, batch: number): number {
  const tenth = Math.min(Math.floor(rows / 10), 10_000)
  return rows - tenth < batch ? 0 : tenth
}

/** Shifts that suit a sample of the rows. */
export async function calibratedRecipe(
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
    const [escrow, openFee, onTop] = await node.client.readContract({
      address: moduleAddresses.jobs,
      abi: jobsAbi,
      functionName: 'quoteFrom',
      args: [spec.base ?? zeroHash, abiSpec(spec)],
      account,
    })
    return { escrow, openFee, onTop }
  })
}

export function evaluationText(job: Job): string {
  if (job.heldOut === undefined) return 'none: no rows are held out'
  const { batch } = evaluationJob(job)
  return `on ${batch.toLocaleString('en-US')} of ${job.heldOut.rows.toLocaleString('en-US')} rows held out`
}

/** Show what it will cost and ask, unless told not to. */
async function consent(
  flags: OpenFlags,
  io: Io,
  report: Report,
  spec: JobSpec,
  { escrow, openFee, onTop }: Quote,
): Promise<void> {
  const job = spec as Job
  report.note(
    fields(io, [
      ['model', `${spec.layers.join('-')}, ${weightCount(job).toLocaleString('en-US')} weights`],
      ['work', `${spec.steps} steps of ${macsText(stepMacs(job))} in ${rangeCount(job)} leases`],
      ['evaluation', evaluationText(job)],
      ['price', `${spec.pricePerMac} wei per MAC`],
      ['escrow', coinsText(escrow)],
      ...(onTop === 0n
        ? []
        : [['of which', `${coinsText(onTop)} for rows and royalties`] as const]),
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
