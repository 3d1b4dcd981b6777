/**
 * The part of `Staking` that delegators call.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import type { Result } from '../../primitives/result.ts'
import {
  claimReward,
  type DelegationFault,
  delegate,
  readDelegation,
  readDelegations,
  redelegate,
  undelegate,
  withdrawDelegation,
} from '../../registry/delegations.ts'
import { epochOf } from '../../registry/validatorSet.ts'
import type { NativeCall, NativeOutcome } from '../nativeModule.ts'
import { addressOf, answer, type Handler, refusal } from './module.ts'
import { stakingAbi } from './stakingAbi.ts'

/** Handlers of the delegation functions of {@link stakingAbi}. */
export function delegationHandlers(params: ChainParams): Readonly<Record<string, Handler>> {
  const epochNow = ({ block }: NativeCall) => BigInt(epochOf(block.height, params.epochLength))

  /** Answer with the verdict's number after telling it as an event. */
  function finish(
    call: NativeCall,
    verdict: Result<bigint, DelegationFault>,
    eventName: string,
    details: (value: bigint) => Readonly<Record<string, unknown>>,
  ): NativeOutcome {
    if (!verdict.ok) return refusal(stakingAbi, verdict.fault)
    const validator = addressOf(call.args[0])
    call.emit(eventName, { validator, delegator: call.caller, ...details(verdict.value) })
    return answer(verdict.value)
  }

  return {
    delegate: async (call) => {
      const { world, caller, value } = call
      const bought = await delegate(world, addressOf(call.args[0]), caller, value, epochNow(call))
      return finish(call, bought, 'DelegationAdded', (shares) => ({ amount: value, shares }))
    },
    undelegate: async (call) => {
      const [from, amount] = [addressOf(call.args[0]), call.args[1] as bigint]
      const { world, caller } = call
      const left = await undelegate(world, params, from, caller, amount, epochNow(call))
      return finish(call, left, 'DelegationRemoved', (fromEpoch) => ({ amount, fromEpoch }))
    },
    redelegate: async (call) => {
      const [from, to] = [addressOf(call.args[0]), addressOf(call.args[1])]
      const amount = call.args[2] as bigint
      const epoch = epochNow(call)
      const moved = await redelegate(call.world, params, from, to, call.caller, amount, epoch)
      return finish(call, moved, 'DelegationMoved', () => ({ to, amount }))
    },
    withdrawDelegation: async (call) => {
      const from = addressOf(call.args[0])
      const paid = await withdrawDelegation(call.world, from, call.caller, epochNow(call))
      return finish(call, paid, 'DelegationWithdrawn', (amount) => ({ amount }))
    },
    claimReward: async (call) => {
      const from = addressOf(call.args[0])
      const paid = await claimReward(call.world, from, call.caller, epochNow(call))
      return finish(call, paid, 'RewardClaimed', (amount) => ({ amount }))
    },
    delegation: async (call) => {
      const [to, delegator] = [addressOf(call.args[0]), addressOf(call.args[1])]
      return answer(viewOf(await readDelegation(call.world, to, delegator)))
    },
    delegationsOf: async (call) =>
      answer((await readDelegations(call.world, addressOf(call.args[0]))).map(viewOf)),
  }
}

function viewOf({ wei, ...rest }: Awaited<ReturnType<typeof readDelegation>>) {
  return { ...rest, amount: wei }
}
