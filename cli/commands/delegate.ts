/**
 * `waggle delegate`: entrust coin to validators, and take it and its rewards back.
 */
import type { Command } from 'commander'
import { type Address, checksumAddress } from '../../primitives/address.ts'
import { addAccountOptions } from '../account.ts'
import { addressArgument, coinAmount } from '../arguments.ts'
import { coinsText } from '../format.ts'
import { exampleText } from '../help.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, type RpcFlags } from '../rpc.ts'
import { callStaking, readStaking, type StakingCall, type StakingFlags } from '../stakingCall.ts'
import { table } from '../table.ts'

const examples = `
Examples:
  $ waggle delegate add 0x0e59…6c61 1000 --devnet-account 1
  $ waggle delegate list 0x7099…79C8
  $ waggle delegate claim 0x0e59…6c61 --devnet-account 1

A delegator shares a validator's emission, and 5 % of its coin is lost if the validator votes twice.`

export function addDelegate(program: Command, io: Io): void {
  const delegate = program
    .command('delegate')
    .description('entrust coin to validators')
    .addHelpText('after', examples)
  const change = (name: string, description: string, example: string) =>
    addAccountOptions(
      addRpcOptions(
        delegate
          .command(name)
          .description(description)
          .addHelpText('after', exampleText(`delegate ${name} ${example} --devnet-account 1`)),
      ),
    )
  const call = (flags: StakingFlags, what: StakingCall) => callStaking(flags, io, what)

  change('add', 'entrust coin to a validator', '0x0e59…6c61 1000')
    .argument('<validator>', 'its address', addressArgument)
    .argument('<coins>', 'how much', coinAmount)
    .action((validator: Address, value: bigint, flags: StakingFlags) =>
      call(flags, { functionName: 'delegate', args: [validator], value, event: 'DelegationAdded' }),
    )
  change(
    'move',
    'move coin to another validator, where it works at once',
    '0x0e59…6c61 0x989e…1601 400',
  )
    .argument('<from>', 'the validator that has it', addressArgument)
    .argument('<to>', 'the validator that gets it', addressArgument)
    .argument('<coins>', 'how much', coinAmount)
    .action((from: Address, to: Address, wei: bigint, flags: StakingFlags) =>
      call(flags, { functionName: 'redelegate', args: [from, to, wei], event: 'DelegationMoved' }),
    )
  change('remove', 'take coin back; it can be withdrawn after the delay', '0x0e59…6c61 400')
    .argument('<validator>', 'its address', addressArgument)
    .argument('<coins>', 'how much', coinAmount)
    .action((validator: Address, wei: bigint, flags: StakingFlags) =>
      call(flags, {
        functionName: 'undelegate',
        args: [validator, wei],
        event: 'DelegationRemoved',
      }),
    )
  change('withdraw', 'take what has finished leaving', '0x0e59…6c61')
    .argument('<validator>', 'its address', addressArgument)
    .action((validator: Address, flags: StakingFlags) =>
      call(flags, {
        functionName: 'withdrawDelegation',
        args: [validator],
        event: 'DelegationWithdrawn',
      }),
    )
  change('claim', 'take the rewards', '0x0e59…6c61')
    .argument('<validator>', 'its address', addressArgument)
    .action((validator: Address, flags: StakingFlags) =>
      call(flags, { functionName: 'claimReward', args: [validator], event: 'RewardClaimed' }),
    )
  addRpcOptions(delegate.command('list').description('print what an account has entrusted'))
    .addHelpText('after', exampleText('delegate list 0x7099…79C8'))
    .argument('<account>', 'the delegator', addressArgument)
    .action((account: Address, flags: RpcFlags) => list(account, flags, io))
}

type DelegationView = {
  readonly validator: Address
  readonly amount: bigint
  readonly reward: bigint
  readonly leavingWei: bigint
  readonly leavesAt: bigint
  readonly liableUntil: bigint
}

async function list(account: Address, flags: RpcFlags, io: Io): Promise<void> {
  const found = await readStaking<readonly DelegationView[]>(flags, 'delegationsOf', [account])
  createReport(io, flags).result({ delegator: account, delegations: found }, () => {
    const rows = found.map(({ validator, amount, reward, leavingWei, leavesAt }) => [
      checksumAddress(validator),
      coinsText(amount),
      coinsText(reward),
      leavingWei > 0n ? `${coinsText(leavingWei)}, epoch ${leavesAt}` : 'none',
    ])
    return table(io, ['validator', 'delegated', 'reward', 'leaving'], rows)
  })
}
