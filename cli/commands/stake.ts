/**
 * `waggle stake`: a validator's own stake, terms and commission.
 */
import { type Command, Option } from 'commander'
import { type Address, checksumAddress } from '../../primitives/address.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import type { Hex } from '../../primitives/bytes.ts'
import type { Stake } from '../../registry/stakes.ts'
import { addAccountOptions } from '../account.ts'
import {
  addressArgument,
  coinAmount,
  hexArgument,
  percentAmount,
  weiAmount,
  wholeNumber,
} from '../arguments.ts'
import { coinsText } from '../format.ts'
import { exampleText } from '../help.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, type RpcFlags } from '../rpc.ts'
import { callStaking, readStaking, type StakingCall, type StakingFlags } from '../stakingCall.ts'
import { fields } from '../table.ts'

const registerExamples = `
Examples:
  $ waggle keys show validator5 --password-file password.txt
  $ waggle stake register 100000 --public-key 0x… --possession 0x… \\
      --key-file validator5/account.json --password-file password.txt

The account that pays becomes the validator. Public key and possession are what keys show prints.`

type RegisterFlags = StakingFlags & {
  readonly publicKey: Hex
  readonly possession: Hex
  readonly ask: bigint
  readonly maxParams: number
}

type TermsFlags = StakingFlags & { readonly ask: bigint; readonly maxParams: number }

export function addStake(program: Command, io: Io): void {
  const stake = program.command('stake').description("a validator's own stake and terms")
  const change = (name: string, description: string, example: string | null) => {
    const command = stake.command(name).description(description)
    if (example !== null) command.addHelpText('after', exampleText(`stake ${name} ${example}`))
    return addAccountOptions(addRpcOptions(command))
  }
  const call = (flags: StakingFlags, what: StakingCall) => callStaking(flags, io, what)

  addTerms(change('register', 'become a validator', null))
    .argument('<coins>', 'the first stake', coinAmount)
    .requiredOption('--public-key <hex>', 'voting key, 48 bytes', hexArgument(48))
    .requiredOption('--possession <hex>', "the key's proof of possession", hexArgument(96))
    .addHelpText('after', registerExamples)
    .action((value: bigint, flags: RegisterFlags) => {
      const { publicKey, possession, ask, maxParams } = flags
      const args = [publicKey, possession, ask, BigInt(maxParams)]
      return call(flags, { functionName: 'register', args, value, event: 'Registered' })
    })
  change('bond', 'add to the stake', '500 --key-file account.json')
    .argument('<coins>', 'how much', coinAmount)
    .action((value: bigint, flags: StakingFlags) =>
      call(flags, { functionName: 'bond', value, event: 'Bonded' }),
    )
  change(
    'unbond',
    'take out of the stake; it can be withdrawn after the delay',
    '500 --key-file account.json',
  )
    .argument('<coins>', 'how much', coinAmount)
    .action((wei: bigint, flags: StakingFlags) =>
      call(flags, { functionName: 'unbond', args: [wei / weiPerGwei], event: 'Unbonded' }),
    )
  change('withdraw', 'take what has finished unbonding', '--key-file account.json').action(
    (flags: StakingFlags) => call(flags, { functionName: 'withdraw', event: 'Withdrawn' }),
  )
  addTerms(
    change('terms', 'change what the validator works for', '--ask 1000000 --key-file account.json'),
  ).action((flags: TermsFlags) => {
    const args = [flags.ask, BigInt(flags.maxParams)]
    return call(flags, { functionName: 'setTerms', args, event: 'TermsChanged' })
  })
  change(
    'commission',
    "change the part of the delegators' emission that the validator keeps",
    '7.5 --key-file account.json',
  )
    .argument('<percent>', '0 to 100, two decimals; a higher one holds later', percentAmount)
    .action((basisPoints: number, flags: StakingFlags) =>
      call(flags, {
        functionName: 'setCommission',
        args: [basisPoints],
        event: 'CommissionChanged',
      }),
    )
  change('unjail', 'come back after a slash and the delay', '--key-file account.json').action(
    (flags: StakingFlags) => call(flags, { functionName: 'unjail', event: 'Unjailed' }),
  )
  addRpcOptions(stake.command('show').description("print a validator's stake and pool"))
    .addHelpText('after', exampleText('stake show 0x0e59…6c61'))
    .argument('<validator>', 'its address', addressArgument)
    .action((validator: Address, flags: RpcFlags) => show(validator, flags, io))
}

function addTerms(command: Command): Command {
  return command
    .addOption(
      new Option('--ask <wei>', 'least price for a multiply-accumulate')
        .argParser(weiAmount)
        .default(0n, '0'),
    )
    .option('--max-params <count>', 'largest model it accepts', wholeNumber(1, 2 ** 40), 2 ** 32)
}

/** What `validator(address)` returns. */
type StakeView = Omit<Stake, 'address'>

type PoolView = {
  readonly delegated: bigint
  readonly leaving: bigint
  readonly commission: bigint
  readonly nextCommission: bigint
  readonly commissionFrom: bigint
}

async function show(validator: Address, flags: RpcFlags, io: Io): Promise<void> {
  const stake = await readStaking<StakeView>(flags, 'validator', [validator])
  const pool = await readStaking<PoolView>(flags, 'pool', [validator])
  const { delegated, leaving, commission, nextCommission, commissionFrom } = pool
  const result = { ...stake, validator, delegated, leaving, commission }
  const percent = (basisPoints: bigint) => `${Number(basisPoints) / 100} %`
  const raised = commissionFrom > 0n ? `, ${percent(nextCommission)} from ${commissionFrom}` : ''
  createReport(io, flags).result({ ...result, nextCommission, commissionFrom }, () =>
    fields(io, [
      ['validator', checksumAddress(validator)],
      ['own stake', coinsText(stake.stake * weiPerGwei)],
      ['unbonding', `${coinsText(stake.unbonding * weiPerGwei)}, epoch ${stake.unbondsAt}`],
      ['delegated', coinsText(delegated)],
      ['leaving', coinsText(leaving)],
      ['commission', `${percent(commission)}${raised}`],
      ['ask per MAC', `${stake.ask} wei`],
      ['jailed', stake.jailedSince > 0n ? `since block ${stake.jailedSince}` : 'no'],
    ]),
  )
}
