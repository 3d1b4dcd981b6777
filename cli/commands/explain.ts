/**
 * `waggle explain`: why an account was paid what it was paid.
 */
import type { Command } from 'commander'
import { type Address, checksumAddress } from '../../primitives/address.ts'
import { addressArgument, wholeNumber } from '../arguments.ts'
import { ExitCode, fail } from '../failure.ts'
import { coinsText } from '../format.ts'
import type { Io } from '../io.ts'
import { paymentHistory } from '../paymentHistory.ts'
import { type BlockWindow, totalsOf } from '../payments.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, explain, type RpcFlags } from '../rpc.ts'
import { fields, table } from '../table.ts'

const examples = `
Examples:
  $ waggle explain reward 0x0e59b03920110407cdb31a78c7a7b5f47d786c61
  $ waggle explain reward 0x7099…79C8 --from 100 --to 200 --json

Every payment that the native modules made to the account or took from it, with the rule and the fee
that it comes from. Gas and ordinary transfers are not among them.`

/** Blocks that are read unless others are named: as many as a node keeps the states of. */
const recentBlocks = 4_096n

type Flags = RpcFlags & { readonly from?: number; readonly to?: number }

export function addExplain(program: Command, io: Io): void {
  const command = program
    .command('explain')
    .description('tell where figures come from')
    .command('reward')
    .description('explain every payment to and from an account by its rule')
    .argument('<address>', 'the account', addressArgument)
    .option(
      '--from <block>',
      'the first block (default: 4,095 before the last)',
      wholeNumber(0, 2 ** 47),
    )
    .option('--to <block>', 'the last block (default: the newest)', wholeNumber(0, 2 ** 47))
  addRpcOptions(command)
    .addHelpText('after', examples)
    .action((address: Address, flags: Flags) => explainReward(address, flags, io))
}

async function explainReward(address: Address, flags: Flags, io: Io): Promise<void> {
  const node = await connect(flags.rpc)
  const head = await explain(node.url, () => node.client.getBlockNumber())
  const window = windowOf(flags, head)
  const payments = await paymentHistory(node, address, window)
  const totals = totalsOf(payments)
  createReport(io, flags).result({ address, ...window, totals, payments }, () => {
    const rows = payments.map(({ block, kind, wei, why }) => [
      block.toString(),
      kind,
      coinsText(wei),
      why,
    ])
    const sums = Object.entries(totals).map(([kind, wei]) => [kind, coinsText(wei)] as const)
    const title = `${checksumAddress(address)}, blocks ${window.from} to ${window.to}\n`
    const list = rows.length === 0 ? '' : table(io, ['block', 'as', 'amount', 'why'], rows)
    return `${title}${list}${fields(io, sums)}`
  })
}

function windowOf(flags: Flags, head: bigint): BlockWindow {
  const to = flags.to === undefined || BigInt(flags.to) > head ? head : BigInt(flags.to)
  const recent = to >= recentBlocks ? to - recentBlocks + 1n : 1n
  const from = flags.from === undefined ? recent : BigInt(flags.from)
  if (from <= to) return { from, to }
  return fail({
    what: 'there are no such blocks',
    why: `the first is ${from}, the last ${to}`,
    next: 'name a first block that is not above the last',
    exitCode: ExitCode.Usage,
  })
}
