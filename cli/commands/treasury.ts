/**
 * `waggle treasury`: proposals to spend the chain's own coin. Its jobs are proposed by
 * `waggle job open --propose`.
 */
import type { Command } from 'commander'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { treasuryAbi } from '../../vm/modules/treasury.ts'
import { addAccountOptions } from '../account.ts'
import { addressArgument, coinAmount, wholeNumber } from '../arguments.ts'
import { coinsText } from '../format.ts'
import type { Io } from '../io.ts'
import { type CallFlags, callAndTell } from '../registryCall.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, explain, type RpcFlags } from '../rpc.ts'
import { table } from '../table.ts'

const treasury = { address: moduleAddresses.treasury, abi: treasuryAbi } as const

const proposeExamples = `
Examples:
  $ waggle treasury propose 0x7099…79C8 250 --purpose "translate the docs" \\
      --key-file validator/account.json --password-file password.txt
  $ waggle job open --dataset mnist --layers 784,64,10 --propose "digits for everybody" \\
      --key-file validator/account.json --password-file password.txt

Validators propose and approve. A proposal is paid with the approval that brings more than two
thirds of all voting power, and lapses when it is not approved in time.`

export function addTreasury(program: Command, io: Io): void {
  const command = program.command('treasury').description("spend the chain's own coin, by vote")
  const propose = command
    .command('propose')
    .description('propose a grant of coin to an account')
    .argument('<to>', 'who gets it', addressArgument)
    .argument('<coins>', 'how much', coinAmount)
    .requiredOption('--purpose <text>', 'what it is for')
  addAccountOptions(addRpcOptions(propose))
    .addHelpText('after', proposeExamples)
    .action((to: Address, wei: bigint, flags: CallFlags & { readonly purpose: string }) =>
      callAndTell(flags, io, {
        ...treasury,
        functionName: 'proposeGrant',
        args: [to, wei, flags.purpose],
      }),
    )
  const approve = command
    .command('approve')
    .description('approve a proposal as a validator')
    .argument('<id>', 'its number', wholeNumber(1, 2 ** 47))
  addAccountOptions(addRpcOptions(approve))
    .addHelpText(
      'after',
      '\nExamples:\n  $ waggle treasury approve 3 --key-file account.json --password-file password.txt',
    )
    .action((id: number, flags: CallFlags) =>
      callAndTell(flags, io, { ...treasury, functionName: 'approve', args: [BigInt(id)] }),
    )
  const list = command.command('list').description('list the open proposals')
  addRpcOptions(list)
    .addHelpText('after', '\nExamples:\n  $ waggle treasury list')
    .action((flags: RpcFlags) => listOpen(flags, io))
}

async function listOpen(flags: RpcFlags, io: Io): Promise<void> {
  const { client, url } = await connect(flags.rpc)
  const proposals = await explain(url, async () => {
    const ids = await client.readContract({ ...treasury, functionName: 'openProposals' })
    return Promise.all(
      ids.map((id) => client.readContract({ ...treasury, functionName: 'proposal', args: [id] })),
    )
  })
  const report = createReport(io, flags)
  if (flags.json === true) {
    for (const proposal of proposals) report.result(proposal, () => '')
    return
  }
  const rows = proposals.map(({ id, isJob, to, amount, until, approvers }) => [
    id.toString(),
    isJob ? 'a job' : to,
    coinsText(amount),
    approvers.length.toString(),
    until.toString(),
  ])
  io.out(table(io, ['id', 'for', 'amount', 'approvals', 'until epoch'], rows))
}
