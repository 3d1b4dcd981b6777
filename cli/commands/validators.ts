/**
 * `waggle validators`: the set that agrees now, its power and its record.
 */
import type { Command } from 'commander'
import type { ValidatorSetWire } from '../../client/wire.ts'
import { one } from '../../params/protocol.ts'
import { checksumAddress } from '../../primitives/address.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { wholeNumber } from '../arguments.ts'
import { fail } from '../failure.ts'
import { coinsText, percentText } from '../format.ts'
import { type Io, paint } from '../io.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, type RpcFlags } from '../rpc.ts'
import { table } from '../table.ts'

const examples = `
Examples:
  $ waggle validators
  $ waggle validators --epoch 3 --json`

type Flags = RpcFlags & { readonly epoch?: number }

export function addValidators(program: Command, io: Io): void {
  const command = program
    .command('validators')
    .description('list the validators of an epoch')
    .option('--epoch <number>', 'which epoch (default: the running one)', wholeNumber(0, 2 ** 47))
  addRpcOptions(command)
    .addHelpText('after', examples)
    .action((flags: Flags) => validators(flags, io))
}

async function validators(flags: Flags, io: Io): Promise<void> {
  const node = await connect(flags.rpc)
  const set = await node.call<ValidatorSetWire | null>('val_getSet', flags.epoch ?? null)
  if (set === null)
    return fail({
      what: `epoch ${flags.epoch} has no validator set`,
      why: 'it lies in the past beyond what this node keeps, or its set is not frozen yet',
      next: 'leave --epoch away to see the running epoch',
    })
  const totalPower = BigInt(set.totalPower)
  const list = set.validators.map((validator) => ({
    address: validator.address,
    publicKey: validator.publicKey,
    stakeGwei: BigInt(validator.stake),
    power: BigInt(validator.power),
    slotWeight: BigInt(validator.slotWeight),
    reputation: Number(BigInt(validator.reputation)) / Number(one),
    jailed: validator.jailed,
    askWei: BigInt(validator.ask),
    maxParams: BigInt(validator.maxParams),
  }))
  const epoch = Number(BigInt(set.epoch))
  createReport(io, flags).result({ epoch, totalPower, validators: list }, () => {
    const rows = list.map((validator) => [
      checksumAddress(validator.address),
      coinsText(validator.stakeGwei * weiPerGwei),
      percentText(Number(validator.power), Number(totalPower)),
      validator.reputation.toFixed(3),
      `${validator.askWei} wei`,
      validator.jailed ? paint(io, 'red', 'jailed') : paint(io, 'green', 'active'),
    ])
    const headers = ['validator', 'stake', 'power', 'reputation', 'ask per MAC', 'state']
    return `epoch ${epoch}, ${list.length} validators\n${table(io, headers, rows)}`
  })
}
