/**
 * `waggle balance`: what an account has.
 */
import type { Command } from 'commander'
import { type Address, checksumAddress } from '../../primitives/address.ts'
import { addressArgument } from '../arguments.ts'
import { coinsText } from '../format.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, explain, type RpcFlags } from '../rpc.ts'
import { fields } from '../table.ts'

const examples = `
Examples:
  $ waggle balance 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
  $ waggle balance 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --json | jq -r .wei`

export function addBalance(program: Command, io: Io): void {
  const command = program
    .command('balance')
    .description('print the balance of an account')
    .argument('<address>', 'the account', addressArgument)
  addRpcOptions(command)
    .addHelpText('after', examples)
    .action((address: Address, flags: RpcFlags) => balance(address, flags, io))
}

async function balance(address: Address, flags: RpcFlags, io: Io): Promise<void> {
  const { client, url } = await connect(flags.rpc)
  const [wei, nonce, height] = await explain(url, () =>
    Promise.all([
      client.getBalance({ address }),
      client.getTransactionCount({ address }),
      client.getBlockNumber(),
    ]),
  )
  createReport(io, flags).result({ address, wei, nonce, height }, () =>
    fields(io, [
      ['account', checksumAddress(address)],
      ['balance', coinsText(wei)],
      ['transactions', nonce.toString()],
      ['at block', height.toString()],
    ]),
  )
}
