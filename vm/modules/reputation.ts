/**
 * `Reputation`, the native module that shows what validators did. Nobody can write it by a call.
 */
import { parseAbi } from 'viem'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { readService } from '../../registry/service.ts'
import type { NativeModule } from '../nativeModule.ts'
import { answer, commonErrors, defineModule } from './module.ts'

export const reputationAbi = parseAbi([
  'struct ServiceView { uint64 reputation; uint64 signed; uint64 due; uint256 doneWei; uint256 missedWei; uint256 work; uint256 ownBurn; uint64 certificates; uint64 missed; uint64 proposed; uint256 earnedWei; }',
  'function service(address validator) view returns (ServiceView record)',
  'function reputationOf(address validator) view returns (uint64 reputation)',
  ...commonErrors,
])

export function reputationModule(): NativeModule {
  const of = (args: readonly unknown[]) => (args[0] as string).toLowerCase() as Address
  return defineModule('Reputation', moduleAddresses.reputation, reputationAbi, {
    service: async (call) => answer(await readService(call.world, of(call.args))),
    reputationOf: async (call) => answer((await readService(call.world, of(call.args))).reputation),
  })
}
