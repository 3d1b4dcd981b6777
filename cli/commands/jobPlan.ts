/**
 * `waggle job plan`: what a job would cost, take and prove, before anybody pays. Asks no node.
 */
import { readFile } from 'node:fs/promises'
import { openDataset } from '../../compute/datasetFile.ts'
import { parseGenesis } from '../../params/genesis.ts'
import type { Address } from '../../primitives/address.ts'
import { certificateCost } from '../../proof/certificateCost.ts'
import { admitJob, leaseBlocks } from '../../registry/admission.ts'
import { type Job, ProofKind, rangeCount, stepMacs, weightCount } from '../../registry/job.ts'
import { totalFee } from '../../registry/jobBook.ts'
import { packagedGenesis } from '../dataDir.ts'
import { openSource, type SourceFlags } from '../datasetSource.ts'
import { diskFailure, ExitCode, fail, orFail } from '../failure.ts'
import { bytesText, coinsText, durationText, macsText } from '../format.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { fields } from '../table.ts'
import { calibratedRecipe, evaluationText, heldOutOf } from './jobOpen.ts'
import { checkFit } from './jobRows.ts'

export type PlanFlags = SourceFlags & { readonly genesis?: string; readonly json?: true }

/** What `model.json` says; only `layers` is needed. */
type ModelPlan = {
  readonly layers: readonly number[]
  readonly batch: number
  readonly epochs: number
  readonly steps?: number
  readonly leaseSteps: number
  readonly replay: boolean
}

export async function planJob(
  model: string,
  data: string,
  flags: PlanFlags,
  io: Io,
): Promise<void> {
  const report = createReport(io, flags)
  const plan = await readPlan(model)
  const genesis = await readGenesis(flags.genesis ?? packagedGenesis)
  const source = await openSource(data, flags)
  try {
    const dataset = orFail(openDataset(source.path), `cannot read ${data}`, 'import it again')
    const { layers, batch } = plan
    checkFit({ layers, batch }, dataset)
    report.note('calibrating')
    const recipe = await calibratedRecipe(dataset, layers, batch)
    const heldOut = heldOutOf(dataset.rows, batch)
    const perEpoch = Math.max(1, Math.floor((dataset.rows - heldOut) / batch))
    dataset.close()
    const steps = plan.steps ?? Math.max(1, Math.round(plan.epochs * perEpoch))
    const { params, chainId } = genesis
    const job: Job = {
      chainId,
      owner: `0x${'00'.repeat(20)}` as Address,
      nonce: 0n,
      proofKind: plan.replay ? ProofKind.Replay : ProofKind.StepProof,
      dataset: source.manifest.root,
      layers,
      batch,
      steps,
      leaseSteps: Math.min(plan.leaseSteps, steps),
      ...recipe,
      pricePerMac: params.basePrice,
      ...(heldOut === 0 ? {} : { heldOut: { dataset: source.manifest.root, rows: heldOut } }),
    }
    orFail(admitJob(job, params), 'the chain would refuse this job', 'change what the reason names')
    const cost = certificateCost(job, 0)
    const ranges = rangeCount(job)
    const evaluation = heldOut === 0 ? 0n : leaseBlocks(job, params, ranges)
    const blocks = BigInt(ranges) * leaseBlocks(job, params) + evaluation
    const atMostMs = Number(blocks) * params.minBlockIntervalMs
    const result = {
      root: job.dataset,
      rows: source.manifest.rows,
      weights: weightCount(job),
      steps,
      ranges,
      macs: BigInt(steps) * stepMacs(job),
      heldOut,
      escrow: totalFee(job, params),
      openFee: params.openFee,
      proofBytes: cost.sidecarBytes,
      verifyMs: cost.verifyMs,
      atMostMs,
    }
    report.result(result, () =>
      fields(io, [
        ['model', `${layers.join('-')}, ${result.weights.toLocaleString('en-US')} weights`],
        ['data', `${result.rows.toLocaleString('en-US')} rows`],
        ['work', `${steps} steps of ${macsText(stepMacs(job))}, ${macsText(result.macs)} in all`],
        ['leases', `${ranges} of ${job.leaseSteps} steps`],
        ['evaluation', evaluationText(job)],
        ['proofs', `at most ${bytesText(cost.sidecarBytes)} each, ${cost.verifyMs} ms to judge`],
        ['time', `at most ${durationText(atMostMs)} if every lease is met at its end`],
        ['cost', `${coinsText(result.escrow)} in escrow, ${coinsText(params.openFee)} to open`],
        ['next', `waggle dataset add ${sourceText(data, flags)}, then`],
        ['', `waggle job open --dataset ${job.dataset} ${shapeText(job)}`],
      ]),
    )
  } finally {
    await source.close()
  }
}

/** The rows, as the other commands want them named. */
function sourceText(data: string, { labels, scaling }: PlanFlags): string {
  const more = [labels && `--labels ${labels}`, scaling && `--scaling ${scaling}`]
  return [data, ...more.filter((flag) => flag !== undefined)].join(' ')
}

function shapeText({ layers, batch, steps, leaseSteps, proofKind }: Job): string {
  const replay = proofKind === ProofKind.Replay ? ' --replay' : ''
  return `--layers ${layers.join()} --batch ${batch} --steps ${steps} --lease-steps ${leaseSteps}${replay}`
}

async function readPlan(path: string): Promise<ModelPlan> {
  const next = 'write a file like {"layers": [4, 16, 3], "batch": 16, "epochs": 2}'
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw diskFailure(error, `cannot read ${path}`, next)
  })
  const plan = planOf(text)
  return typeof plan === 'string'
    ? fail({ what: `${path} describes no model`, why: plan, next, exitCode: ExitCode.Usage })
    : plan
}

/** The plan, or what is wrong with it. */
function planOf(text: string): ModelPlan | string {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  if (typeof raw !== 'object' || raw === null) return 'it is not an object'
  const {
    layers,
    batch = 64,
    epochs = 1,
    steps,
    leaseSteps = 16,
    replay = false,
    ...rest
  } = raw as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return `nothing is called ${unknown}`
  if (!Array.isArray(layers) || layers.length < 2 || !layers.every(isCount))
    return 'layers must be 2 or more widths, features first and classes last'
  if (!isCount(batch)) return 'batch must be a whole number of rows'
  if (!isCount(leaseSteps) || leaseSteps > 64) return 'leaseSteps must be from 1 to 64'
  if (typeof epochs !== 'number' || !(epochs > 0)) return 'epochs must be above 0'
  if (steps !== undefined && !isCount(steps)) return 'steps must be a whole number'
  if (typeof replay !== 'boolean') return 'replay must be true or false'
  return { layers, batch, epochs, leaseSteps, replay, ...(steps === undefined ? {} : { steps }) }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31
}

async function readGenesis(path: string) {
  const next = 'name the genesis.json of the chain with --genesis'
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw diskFailure(error, `cannot read ${path}`, next)
  })
  return orFail(parseGenesis(text), `${path} is no genesis`, next)
}
