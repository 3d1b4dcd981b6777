/**
 * `Reputation`, the native module that shows what validators did. Nobody can write it by a call.
 */
import { parseAbi } from 'viem'
import { moduleAddresses } from '../../params/protocol.ts'
import { readHistory } from '../../registry/reputationHistory.ts'
import { readService } from '../../registry/service.ts'
import type { NativeModule } from '../nativeModule.ts'
import { addressOf, answer, commonErrors, defineModule } from './module.ts'

export const reputationAbi = parseAbi([
  'struct ServiceView { uint64 reputation; uint64 signed; uint64 due; uint256 doneWei; uint256 missedWei; uint256 work; uint256 ownBurn; uint64 certificates; uint64 missed; uint64 proposed; uint256 earnedWei; }',
  'function service(address validator) view returns (ServiceView record)',
  'struct EpochView { uint64 epoch; uint64 reputation; uint256 work; uint256 emission; }',
  'function reputationOf(address validator) view returns (uint64 reputation)',
  'function history(address validator, uint64 fromEpoch, uint16 count) view returns (EpochView[] epochs)',
  ...commonErrors,
])

/** Beyond it no epoch is a safe integer. */
const maxEpoch = 1n << 48n

export function reputationModule(): NativeModule {
  const of = (args: readonly unknown[]) => addressOf(args[0])
  return defineModule('Reputation', moduleAddresses.reputation, reputationAbi, {
    service: async (call) => answer(await readService(call.world, of(call.args))),
    reputationOf: async (call) => answer((await readService(call.world, of(call.args))).reputation),
    history: async (call) => {
      const [, from, count] = call.args as [string, bigint, number]
      const first = Number(from < maxEpoch ? from : maxEpoch)
      const epochs = await readHistory(call.world, of(call.args), first, count)
      return answer(epochs.map((record) => ({ ...record, epoch: BigInt(record.epoch) })))
    },
  })
}
