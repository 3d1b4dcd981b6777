/**
 * `waggle dataset collect`, `join` and `value`: datasets that are valued beside each other, so that jobs
 * may train on all of them and pay each owner for what its rows add.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { abiSpec } from '../../client/jobWire.ts'
import type { CollectionWire, JobWire, PriceWire } from '../../client/wire.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { ProofKind } from '../../registry/job.ts'
import { JobStatus } from '../../registry/jobRecord.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { addAccountOptions, openAccount } from '../account.ts'
import { hashArgument, layerList, wholeNumber } from '../arguments.ts'
import { addSourceOptions, type SourceFlags } from '../datasetSource.ts'
import { fail } from '../failure.ts'
import { coinsText, percentText } from '../format.ts'
import type { Io } from '../io.ts'
import { type CallFlags, callAndTell } from '../registryCall.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, explain, type Node } from '../rpc.ts'
import { fields, table } from '../table.ts'
import { sendCall } from '../transaction.ts'
import { calibratedRecipe } from './jobOpen.ts'
import { checkFit, openRows } from './jobRows.ts'

type CollectFlags = CallFlags &
  SourceFlags & {
    readonly title: string
    readonly judge: Hash
    readonly judgeRows: number
    readonly layers: readonly number[]
    readonly batch: number
    readonly steps: number
    readonly rounds: number
    readonly rows?: string
  }

type ValueFlags = CallFlags & { readonly try?: true; readonly settle?: true }

const registry = { address: moduleAddresses.registry, abi: registryAbi } as const
const jobs = { address: moduleAddresses.jobs, abi: jobsAbi } as const

const collectExamples = `
Examples:
  $ waggle dataset collect 0x5f…c3 0x81…0a --title cats --judge 0xd2…7e --judge-rows 1000 \\
      --layers 784,64,10 --steps 320 --devnet-account 0

Each dataset is tried alone and with others by training the same model and judging it on the last
rows of --judge, which is none of them. Owners agree with waggle dataset join.`

const joinExamples = `
Examples:
  $ waggle dataset join 0xc0…11 0x81…0a --devnet-account 1

Whoever owns a dataset agrees to have it valued in a collection, read for that without pay, and paid
by its value from then on. What the trials are, waggle dataset value shows.`

const valueExamples = `
Examples:
  $ waggle dataset value 0xc0…11
  $ waggle dataset value 0xc0…11 --try --devnet-account 0
  $ waggle dataset value 0xc0…11 --settle --devnet-account 0
  $ waggle job open --dataset 0xc0…11 --layers 784,64,10 --devnet-account 5`

export function addCollection(dataset: Command, io: Io): void {
  const collect = dataset
    .command('collect')
    .description('found a collection of datasets that are valued beside each other')
    .argument('<roots...>', 'two to eight datasets')
    .requiredOption('--title <text>', 'name for people')
    .requiredOption('--judge <root>', 'the dataset whose last rows judge', hashArgument)
    .requiredOption('--judge-rows <count>', 'how many', wholeNumber(1, 2 ** 32 - 1))
    .requiredOption('--layers <widths>', 'features, hidden widths, classes', layerList)
    .requiredOption('--steps <count>', 'steps of a trial', wholeNumber(1, 2 ** 31))
    .option('--batch <rows>', 'rows of a step', wholeNumber(1, 61_440), 64)
    .option('--rounds <count>', 'rounds of the valuation', wholeNumber(8, 256), 16)
    .option('--rows <source>', 'the rows of the first dataset here, for calibration')
  addAccountOptions(addRpcOptions(addSourceOptions(collect)))
    .addHelpText('after', collectExamples)
    .action((roots: readonly string[], flags: CollectFlags) => found(roots, flags, io))
  const joining = dataset
    .command('join')
    .description('agree to have your dataset valued in a collection')
    .argument('<collection>', 'the collection', hashArgument)
    .argument('<root>', 'your dataset', hashArgument)
  addAccountOptions(addRpcOptions(joining))
    .addHelpText('after', joinExamples)
    .action((name: Hash, root: Hash, flags: CallFlags) =>
      callAndTell(flags, io, { ...registry, functionName: 'joinCollection', args: [name, root] }),
    )
  const value = dataset
    .command('value')
    .description('show what datasets of a collection are worth, or have it worked out')
    .argument('<collection>', 'the collection', hashArgument)
    .option('--try', 'pay for the trials that are missing')
    .option('--settle', 'have the chain work out the values, when all trials are done')
  addAccountOptions(addRpcOptions(value))
    .addHelpText('after', valueExamples)
    .action((name: Hash, flags: ValueFlags) => tellValue(name, flags, io))
}

async function found(roots: readonly string[], flags: CollectFlags, io: Io): Promise<void> {
  const datasets = roots.map(hashArgument)
  const node = await connect(flags.rpc)
  const folder = await mkdtemp(join(tmpdir(), 'waggle-collection-'))
  try {
    const rows = await openRows({ ...flags, dataset: datasets[0]! }, node, io, join(folder, 'rows'))
    const { layers, batch, steps, title, rounds, judge, judgeRows } = flags
    checkFit(flags, rows.dataset)
    const recipe = await calibratedRecipe(rows.dataset, layers, batch)
    await rows.close()
    const trial = abiSpec({
      proofKind: ProofKind.StepProof,
      dataset: zeroHash,
      layers,
      batch,
      steps,
      leaseSteps: Math.min(16, steps),
      ...recipe,
      pricePerMac: BigInt((await node.call<PriceWire>('train_price')).basePrice),
      heldOut: { dataset: judge, rows: judgeRows },
    })
    const args = [title, trial, datasets, rounds]
    await callAndTell(flags, io, { ...registry, functionName: 'foundCollection', args })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function tellValue(name: Hash, flags: ValueFlags, io: Io): Promise<void> {
  const node = await connect(flags.rpc)
  if (flags.try === true) await tryMissing(node, name, flags, io)
  if (flags.settle === true)
    return callAndTell(flags, io, { ...registry, functionName: 'valueCollection', args: [name] })
  const { title, datasets, joined, values, trials, ...rest } = await findCollection(node, name)
  const worth = values.map(BigInt)
  const all = worth.reduce((sum, one) => sum + one, 0n)
  const shareOf = (i: number) =>
    all === 0n ? 'nothing' : percentText(Number((worth[i]! * 10_000n) / all), 10_000)
  const done = trials.filter(({ loss }) => loss !== null).length
  createReport(io, flags).result({ title, datasets, joined, values, trials, ...rest }, () => {
    const shares = datasets.map((root, i) => [
      root,
      (Number(joined) >> i) & 1 ? 'yes' : 'no',
      worth.length === 0 ? 'not known yet' : shareOf(i),
    ])
    const drawn = trials.length === 0 ? 'not drawn yet' : `${done} of ${trials.length} done`
    return (
      fields(io, [
        ['collection', title],
        ['trials', drawn],
      ]) + table(io, ['dataset', 'agreed', "share of the datasets' part"], shares)
    )
  })
}

/** Open each trial that nobody has, or that ended without telling anything. */
async function tryMissing(node: Node, name: Hash, flags: CallFlags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const account = await openAccount(flags, report)
  const { trials, trial } = await findCollection(node, name)
  const { basePrice } = await node.call<PriceWire>('train_price')
  const [least, base] = [BigInt(trial.pricePerMac), BigInt(basePrice)]
  const price = base > least ? base : least
  const [escrow, openFee] = await explain(node.url, () =>
    node.client.readContract({ ...jobs, functionName: 'quoteTrial', args: [name, price] }),
  )
  for (const { subset, job, loss } of trials) {
    if (loss !== null || (job !== null && (await mayTell(node, job)))) continue
    await sendCall(node, account, {
      ...jobs,
      functionName: 'openTrial',
      args: [name, Number(BigInt(subset)), price],
      value: escrow + openFee,
    })
    report.note(`trial ${BigInt(subset)} opened for ${coinsText(escrow + openFee)}`)
  }
}

/** Whether a trial still runs. */
async function mayTell(node: Node, job: Hash): Promise<boolean> {
  const found = await node.call<JobWire | null>('train_getJob', job)
  return found?.status === JobStatus.Active || found?.status === JobStatus.Waiting
}

/** @throws {Failure} if the node knows no such collection. */
async function findCollection(node: Node, name: Hash): Promise<CollectionWire> {
  const found = await node.call<CollectionWire | null>('data_getCollection', name)
  if (found !== null) return found
  return fail({
    what: `no collection ${name}`,
    why: `the node at ${node.url} knows none of that name`,
    next: 'found one with `waggle dataset collect`',
  })
}
