/**
 * `waggle dataset`: rows that jobs can train on.
 */
import type { Command } from 'commander'
import type { DatasetWire, PageWire } from '../../client/wire.ts'
import type { Manifest } from '../../compute/dataset.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Hash } from '../../primitives/hash.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { type AccountFlags, addAccountOptions, openAccount } from '../account.ts'
import { uploadBlob } from '../blob.ts'
import { addSourceOptions, openSource, type SourceFlags } from '../datasetSource.ts'
import { bytesText } from '../format.ts'
import type { Io } from '../io.ts'
import { createReport, type Report } from '../report.ts'
import { addRpcOptions, connect, type Node, type RpcFlags } from '../rpc.ts'
import { writeScaling } from '../scaling.ts'
import { fields, table } from '../table.ts'
import { sendCall } from '../transaction.ts'
import { addCollection } from './collection.ts'
import { addDatasetTerms } from './datasetTerms.ts'

type AddFlags = RpcFlags &
  AccountFlags &
  SourceFlags & { readonly title?: string; readonly saveScaling?: string }

const addExamples = `
Examples:
  $ waggle dataset add mnist-test --devnet-account 0
  $ waggle dataset add iris.csv --labels species --save-scaling iris.scaling --devnet-account 0
  $ waggle dataset add more.csv --labels species --scaling iris.scaling --devnet-account 0
  $ waggle dataset add images.npy --labels labels.npy --devnet-account 0

Each column is scaled from its range to -127..127. The node must take uploads (waggle start
--allow-uploads; a devnet does). The root that is printed names the dataset everywhere; anyone can
compute it again from the rows.`

export function addDataset(program: Command, io: Io): void {
  const dataset = program.command('dataset').description('rows that jobs can train on')
  const add = dataset
    .command('add')
    .description('import rows, upload them to the node and register them')
    .argument('<source>', 'mnist, mnist-test, or a CSV, NPY or dataset file')
    .option('--title <text>', 'name for people (default: that of the source)')
    .option('--save-scaling <file>', 'keep how numbers became int8, for test sets and predictions')
  addAccountOptions(addRpcOptions(addSourceOptions(add)))
    .addHelpText('after', addExamples)
    .action((source: string, flags: AddFlags) => addSource(source, flags, io))
  const list = dataset.command('list').description('list the registered datasets')
  addRpcOptions(list)
    .addHelpText('after', '\nExamples:\n  $ waggle dataset list')
    .action((flags: RpcFlags) => listAll(flags, io))
  addDatasetTerms(dataset, io)
  addCollection(dataset, io)
}

async function addSource(source: string, flags: AddFlags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const account = await openAccount(flags, report)
  const node = await connect(flags.rpc)
  report.note(`importing ${source}`)
  const opened = await openSource(source, flags)
  try {
    const { manifest, path } = opened
    if (flags.saveScaling !== undefined && opened.scaling !== null)
      await writeScaling(flags.saveScaling, opened.scaling)
    const known = await node.call<DatasetWire | null>('data_getDataset', manifest.root)
    const blob = known?.size == null ? await uploadBlob(io, node.url, path) : known.blob
    if (known !== null) return tell(report, io, manifest, known.blob, known.title, null)
    const title = flags.title ?? manifest.name
    const { root, rows, features, classes } = manifest
    const { transactionHash } = await sendCall(node, account, {
      address: moduleAddresses.registry,
      abi: registryAbi,
      functionName: 'registerDataset',
      args: [root, title, blob, rows, features, classes],
    })
    tell(report, io, manifest, blob, title, transactionHash)
  } finally {
    await opened.close()
  }
}

/** @param transaction - null if the dataset was registered before. */
function tell(
  report: Report,
  io: Io,
  { root, rows, features, classes, bytes }: Manifest,
  blob: Hash,
  title: string,
  transaction: string | null,
): void {
  const result = { root, blob, title, rows, features, classes, bytes, transaction }
  report.result(result, () =>
    fields(io, [
      ['dataset', root],
      ['title', title],
      ['rows', `${rows} of ${features} features, ${classes} classes, ${bytesText(bytes)}`],
      ['blob', blob],
      ['transaction', transaction ?? 'none: it was registered already'],
    ]),
  )
}

async function listAll(flags: RpcFlags, io: Io): Promise<void> {
  const datasets = await allDatasets(await connect(flags.rpc))
  const report = createReport(io, flags)
  if (flags.json === true) {
    for (const dataset of datasets) report.result(dataset, () => '')
    return
  }
  const number = (quantity: string) => BigInt(quantity).toString()
  const rows = datasets.map(({ title, root, rows: count, features, classes }) => [
    title,
    number(count),
    number(features),
    number(classes),
    root,
  ])
  io.out(table(io, ['title', 'rows', 'features', 'classes', 'root'], rows))
}

async function allDatasets(node: Node): Promise<readonly DatasetWire[]> {
  const found: DatasetWire[] = []
  for (let cursor = 0; ; ) {
    const page = await node.call<PageWire<DatasetWire>>('data_listDatasets', { cursor, limit: 100 })
    found.push(...page.items)
    if (page.next === null) return found
    cursor = Number(BigInt(page.next))
  }
}
