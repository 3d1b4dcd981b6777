/**
 * `waggle model terms` and `buy`: what the owner of a model asks, and paying for a copy.
 */
import type { Command } from 'commander'
import type { LineageWire } from '../../client/wire.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Hash } from '../../primitives/hash.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { addAccountOptions } from '../account.ts'
import { coinAmount, hashArgument, percentAmount } from '../arguments.ts'
import { fail } from '../failure.ts'
import { coinsText } from '../format.ts'
import type { Io } from '../io.ts'
import { type CallFlags, callAndTell } from '../registryCall.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, type Node } from '../rpc.ts'
import { fields } from '../table.ts'

type TermsFlags = CallFlags & {
  readonly price?: bigint
  readonly royalty?: number
  readonly licence?: string
}

const registry = { address: moduleAddresses.registry, abi: registryAbi } as const

const termsExamples = `
Examples:
  $ waggle model terms 0x5f…c3
  $ waggle model terms 0x5f…c3 --price 2.5 --royalty 5 --licence MIT --devnet-account 0

Without a change they are shown, with the models that it descends from. The owner of the job sets
them, also before it is finished. What jobs that start from the model pay is fixed when they are
opened.`

const buyExamples = `
Examples:
  $ waggle model buy 0x5f…c3 --devnet-account 1
  $ waggle model pull 0x5f…c3 -o digits.waggle --devnet-account 1`

export function addModelTerms(model: Command, io: Io): void {
  const terms = model
    .command('terms')
    .description('show or set the price of a copy, the royalty and the licence')
    .argument('<job>', 'the job that trains it', hashArgument)
    .option('--price <coins>', 'of a copy; 0: free', coinAmount)
    .option('--royalty <percent>', 'of the fees of jobs that start from it', percentAmount)
    .option('--licence <text>', 'an SPDX expression, such as MIT')
  addAccountOptions(addRpcOptions(terms))
    .addHelpText('after', termsExamples)
    .action((job: Hash, flags: TermsFlags) => termsOf(job, flags, io))
  const buy = model
    .command('buy')
    .description('pay the price of a copy to its owner')
    .argument('<job>', 'the job that trained it', hashArgument)
  addAccountOptions(addRpcOptions(buy))
    .addHelpText('after', buyExamples)
    .action((job: Hash, flags: CallFlags) => buyModel(job, flags, io))
}

async function termsOf(job: Hash, flags: TermsFlags, io: Io): Promise<void> {
  const lineage = await findLineage(await connect(flags.rpc), job)
  const { terms, ancestors, royalties } = lineage
  const { price, royalty, licence } = flags
  if ([price, royalty, licence].some((value) => value !== undefined))
    return callAndTell(flags, io, {
      ...registry,
      functionName: 'setModelTerms',
      args: [
        job,
        price ?? BigInt(terms.price),
        royalty ?? Number(BigInt(terms.royaltyBasisPoints)),
        licence ?? terms.licence,
      ],
    })
  createReport(io, flags).result({ job, ...lineage }, () =>
    fields(io, [
      ['price of a copy', BigInt(terms.price) === 0n ? 'free' : coinsText(BigInt(terms.price))],
      ['sold', BigInt(terms.sold).toString()],
      ['royalty', `${percent(terms.royaltyBasisPoints)} of the fees of jobs that start from it`],
      ['licence', terms.licence === '' ? 'none stated' : terms.licence],
      ...ancestors.map(({ job: name }) => ['descends from', name] as const),
      ...royalties.map(
        ({ basisPoints, owner }) => ['pays', `${percent(basisPoints)} to ${owner}`] as const,
      ),
    ]),
  )
}

async function buyModel(job: Hash, flags: CallFlags, io: Io): Promise<void> {
  const { terms } = await findLineage(await connect(flags.rpc), job)
  await callAndTell(flags, io, {
    ...registry,
    functionName: 'buy',
    args: [job],
    value: BigInt(terms.price),
  })
}

function percent(basisPoints: string): string {
  return `${Number(BigInt(basisPoints)) / 100} %`
}

/** @throws {Failure} if the node knows no such job. */
async function findLineage(node: Node, job: Hash): Promise<LineageWire> {
  const found = await node.call<LineageWire | null>('data_getLineage', job)
  if (found !== null) return found
  return fail({
    what: `no job ${job}`,
    why: `the node at ${node.url} knows none of that name`,
    next: 'check the name, or ask another node with --rpc URL',
  })
}
