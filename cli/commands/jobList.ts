/**
 * `waggle job list` and `waggle job show`: what was opened, and how it learns.
 */
import type { Command } from 'commander'
import type { CheckpointWire, JobWire, PageWire } from '../../client/wire.ts'
import type { Hash } from '../../primitives/hash.ts'
import { hashArgument } from '../arguments.ts'
import { curve } from '../curve.ts'
import { coinsText, percentText } from '../format.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, type Node, type RpcFlags } from '../rpc.ts'
import { fields, table } from '../table.ts'
import { findJob } from './model.ts'

const listExamples = `
Examples:
  $ waggle job list
  $ waggle job list --json | jq 'select(.status == "active") | .id'

In the order of opening. waggle job show tells more of one.`

const showExamples = `
Examples:
  $ waggle job show 0x5f…c3
  $ waggle job show 0x5f…c3 --json | jq .course

Accuracy is what the node measured of checkpoints that it holds, and not proven: ask again where it
has not come to it yet.`

export function addJobList(job: Command, io: Io): void {
  addRpcOptions(job.command('list').description('list the jobs'))
    .addHelpText('after', listExamples)
    .action((flags: RpcFlags) => listJobs(flags, io))
  const show = job
    .command('show')
    .description('tell how a job stands, and how it learns')
    .argument('<job>', 'the name that waggle job open printed', hashArgument)
  addRpcOptions(show)
    .addHelpText('after', showExamples)
    .action((id: Hash, flags: RpcFlags) => showJob(id, flags, io))
}

async function listJobs(flags: RpcFlags, io: Io): Promise<void> {
  const jobs = await allJobs(await connect(flags.rpc))
  if (flags.json === true) {
    const report = createReport(io, flags)
    for (const job of jobs) report.result(job, () => '')
    return
  }
  const rows = jobs.map((job) => [
    job.id,
    job.status,
    stepsText(job),
    layersText(job),
    coinsText(BigInt(job.escrow)),
  ])
  io.out(table(io, ['job', 'status', 'steps', 'model', 'escrow'], rows))
}

async function allJobs(node: Node): Promise<readonly JobWire[]> {
  const found: JobWire[] = []
  for (let cursor = 0; ; ) {
    const window = { cursor, limit: 100 }
    const page = await node.call<PageWire<JobWire>>('train_listJobs', null, window)
    found.push(...page.items)
    if (page.next === null) return found
    cursor = Number(page.next)
  }
}

async function showJob(id: Hash, flags: RpcFlags, io: Io): Promise<void> {
  const node = await connect(flags.rpc)
  const job = await findJob(node, id)
  const course = await node.call<readonly CheckpointWire[]>('train_getCourse', id)
  const { definition, evaluation } = job
  createReport(io, flags).result({ ...job, course }, () => {
    const losses = course.map(lossOf)
    const evaluated =
      evaluation === null
        ? []
        : ([['evaluation', `${meanText(evaluation)} a row, proven`]] as const)
    return (
      fields(io, [
        ['job', id],
        ['status', job.status],
        ['model', layersText(job)],
        ['dataset', definition.dataset],
        ['owner', definition.owner],
        ['steps', stepsText(job)],
        ['escrow', coinsText(BigInt(job.escrow))],
        ['loss', losses.length === 0 ? 'none yet' : `${losses.at(-1)!.toFixed(1)} a row`],
        ['accuracy', accuracyText(course)],
        ...evaluated,
      ]) + (losses.length < 2 ? '' : `\nloss by checkpoint\n${curve(losses, io.columns - 12, 6)}`)
    )
  })
}

function accuracyText(course: readonly CheckpointWire[]): string {
  const last = course.findLast(({ accuracy }) => accuracy !== null)
  if (last?.accuracy == null) return 'not measured yet'
  const { on, rows, correct } = last.accuracy
  const which = on === 'heldOut' ? 'rows held out' : 'of the rows it trains on'
  const part = percentText(Number(correct), Number(rows))
  return `${part} of ${Number(rows)} ${which}, after step ${Number(last.stepsDone)}; not proven`
}

function lossOf({ loss, rows }: Pick<CheckpointWire, 'loss' | 'rows'>): number {
  return Number(loss) / Math.max(1, Number(rows))
}

function meanText(of: Pick<CheckpointWire, 'loss' | 'rows'>): string {
  return lossOf(of).toFixed(1)
}

function stepsText({ stepsDone, definition }: JobWire): string {
  return `${Number(stepsDone)} of ${Number(definition.steps)}`
}

function layersText({ definition }: JobWire): string {
  return definition.layers.map(Number).join('-')
}
