/**
 * `waggle model pull`: a trained model as a file.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { jobOfWire } from '../../client/jobWire.ts'
import { signTicket } from '../../client/ticket.ts'
import type { JobWire, WeightsWire } from '../../client/wire.ts'
import { weightsCommitment } from '../../node/weightsCommitment.ts'
import type { Hash } from '../../primitives/hash.ts'
import { type Job, weightCount } from '../../registry/job.ts'
import { type AccountFlags, addAccountOptions, openAccount } from '../account.ts'
import { hashArgument, wholeNumber } from '../arguments.ts'
import { downloadBlob } from '../blob.ts'
import { diskFailure, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { encodeModel } from '../modelFile.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, type Node, type RpcFlags } from '../rpc.ts'
import { fields } from '../table.ts'
import { addModelTerms } from './modelTerms.ts'

type Flags = RpcFlags & AccountFlags & { readonly output: string; readonly range?: number }

const examples = `
Examples:
  $ waggle model pull 0x5f…c3 -o digits.waggle
  $ waggle predict digits.waggle mnist-test

Works while the job runs, too: the newest certified weights are pulled. Where the owner asks a
price, the node wants to know the account that has bought the model; it only signs.`

export function addModel(program: Command, io: Io): void {
  const model = program.command('model').description('trained models')
  const pull = model
    .command('pull')
    .description("download a job's weights into a file")
    .argument('<job>', 'the job that trained it', hashArgument)
    .requiredOption('-o, --output <file>', 'where to write the model')
    .option('--range <number>', 'after which lease (default: the newest)', wholeNumber(0, 2 ** 31))
  addAccountOptions(addRpcOptions(pull))
    .addHelpText('after', examples)
    .action((job: Hash, flags: Flags) => pullModel(job, flags, io))
  addModelTerms(model, io)
}

async function pullModel(id: Hash, flags: Flags, io: Io): Promise<void> {
  const node = await connect(flags.rpc)
  const view = await findJob(node, id)
  const weights = await node.call<WeightsWire | null>('train_getWeights', id, flags.range ?? null)
  if (weights === null)
    return fail({
      what: `job ${id} has no weights to pull`,
      why:
        flags.range === undefined
          ? 'no lease is certified yet'
          : `lease ${flags.range} is not certified`,
      next: `watch it with \`waggle job watch ${id}\``,
    })
  const job = jobOfWire(view)
  const ticket = await ticketOf(flags, io, job, weights.blob)
  const state = await download(io, node, weights.blob, ticket)
  const next = 'pull from another node, with --rpc URL'
  const commitment = orFail(weightsCommitment(job, state), 'the weights are damaged', next)
  if (commitment !== weights.commitment)
    return fail({
      what: 'the weights are not those that were certified',
      why: `their commitment is ${commitment}, the chain says ${weights.commitment}`,
      next,
    })
  await writeFile(flags.output, encodeModel(job, state)).catch((error: unknown) => {
    throw diskFailure(error, `cannot write ${flags.output}`, 'choose another file with -o')
  })
  const steps = Number(BigInt(weights.stepsDone))
  const result = { job: id, steps, commitment, file: flags.output, layers: job.layers }
  createReport(io, flags).result(result, () =>
    fields(io, [
      ['model', `${job.layers.join('-')}, ${weightCount(job).toLocaleString('en-US')} weights`],
      ['trained', `${steps} of ${job.steps} steps`],
      ['commitment', commitment],
      ['file', flags.output],
    ]),
  )
}

/** @throws {Failure} if the node knows no such job. */
export async function findJob(node: Node, id: Hash): Promise<JobWire> {
  const view = await node.call<JobWire | null>('train_getJob', id)
  if (view !== null) return view
  return fail({
    what: `no job ${id}`,
    why: `the node at ${node.url} knows none of that name`,
    next: 'check the name, or ask another node with --rpc URL',
  })
}

/** A signed request of the account, if one is named. */
async function ticketOf(
  flags: Flags,
  io: Io,
  { chainId }: Job,
  blob: Hash,
): Promise<string | null> {
  if (flags.keyFile === undefined && flags.devnetAccount === undefined) return null
  const account = await openAccount(flags, createReport(io, flags))
  return signTicket(account, chainId, blob, Math.floor(Date.now() / 1_000))
}

async function download(
  io: Io,
  node: Node,
  blob: Hash,
  ticket: string | null,
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-model-'))
  try {
    const path = join(folder, 'state')
    await downloadBlob(io, node.url, blob, path, ticket)
    return Uint8Array.from(await readFile(path))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
