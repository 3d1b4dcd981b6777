/**
 * `waggle dataset terms` and `allow`: what the owner of rows asks, and whose jobs may read them.
 */
import type { Command } from 'commander'
import type { DatasetWire } from '../../client/wire.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import type { Hash } from '../../primitives/hash.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { addAccountOptions } from '../account.ts'
import { addressArgument, hashArgument, weiAmount } from '../arguments.ts'
import { ExitCode, fail } from '../failure.ts'
import { coinsText } from '../format.ts'
import type { Io } from '../io.ts'
import { type CallFlags, callAndTell } from '../registryCall.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, type Node } from '../rpc.ts'
import { fields } from '../table.ts'

type TermsFlags = CallFlags & {
  readonly rowPrice?: bigint
  readonly licence?: string
  readonly listedOnly?: true
  readonly open?: true
}

const registry = { address: moduleAddresses.registry, abi: registryAbi } as const

const termsExamples = `
Examples:
  $ waggle dataset terms 0x5f…c3
  $ waggle dataset terms 0x5f…c3 --row-price 1000000000 --licence CC-BY-4.0 --devnet-account 0
  $ waggle dataset terms 0x5f…c3 --listed-only --devnet-account 0

Without a change they are shown. Changed terms bind jobs that are opened from then on; what is not
named stays as it is. A job pays the price for each row that a step draws, on top of its fee.`

const allowExamples = `
Examples:
  $ waggle dataset allow 0x5f…c3 0x7099…79C8 --devnet-account 0
  $ waggle dataset allow 0x5f…c3 0x7099…79C8 --remove --devnet-account 0

The list counts while the terms say listed only. Its owner needs no entry.`

export function addDatasetTerms(dataset: Command, io: Io): void {
  const terms = dataset
    .command('terms')
    .description('show or set what jobs pay for the rows, and who may open them')
    .argument('<root>', 'the dataset', hashArgument)
    .option('--row-price <wei>', 'for each row that a step or an evaluation draws', weiAmount)
    .option('--licence <text>', 'an SPDX expression, such as CC-BY-4.0')
    .option('--listed-only', 'only listed accounts may train on it')
    .option('--open', 'everybody may')
  addAccountOptions(addRpcOptions(terms))
    .addHelpText('after', termsExamples)
    .action((root: Hash, flags: TermsFlags) => termsOf(root, flags, io))
  const allow = dataset
    .command('allow')
    .description('put an account on the list of a dataset')
    .argument('<root>', 'the dataset', hashArgument)
    .argument('<account>', 'who may train on it', addressArgument)
    .option('--remove', 'take it off the list instead')
  addAccountOptions(addRpcOptions(allow))
    .addHelpText('after', allowExamples)
    .action((root: Hash, account: Address, flags: CallFlags & { readonly remove?: true }) =>
      callAndTell(flags, io, {
        ...registry,
        functionName: 'allow',
        args: [root, account, flags.remove !== true],
      }),
    )
}

async function termsOf(root: Hash, flags: TermsFlags, io: Io): Promise<void> {
  const { terms, title, owner } = await findDataset(await connect(flags.rpc), root)
  const { rowPrice, licence, listedOnly, open } = flags
  if (listedOnly && open)
    return fail({
      what: 'the terms were not set',
      why: '--listed-only and --open exclude each other',
      next: 'say one of them',
      exitCode: ExitCode.Usage,
    })
  const asked = [rowPrice, licence, listedOnly, open].some((value) => value !== undefined)
  if (asked)
    return callAndTell(flags, io, {
      ...registry,
      functionName: 'setDatasetTerms',
      args: [
        root,
        rowPrice ?? BigInt(terms.rowPrice),
        licence ?? terms.licence,
        open ? false : (listedOnly ?? terms.listedOnly),
      ],
    })
  createReport(io, flags).result({ root, title, owner, ...terms }, () =>
    fields(io, [
      ['dataset', title],
      ['owner', owner],
      ['price of a row', coinsText(BigInt(terms.rowPrice))],
      ['licence', terms.licence === '' ? 'none stated' : terms.licence],
      ['open to', terms.listedOnly ? `${BigInt(terms.listed)} listed accounts` : 'everybody'],
    ]),
  )
}

/** @throws {Failure} if the node knows no such dataset. */
async function findDataset(node: Node, root: Hash): Promise<DatasetWire> {
  const found = await node.call<DatasetWire | null>('data_getDataset', root)
  if (found !== null) return found
  return fail({
    what: `no dataset ${root}`,
    why: `the node at ${node.url} knows none of that name`,
    next: 'list them with `waggle dataset list`',
  })
}
