/**
 * `Staking`, the native module of those who agree: registration, bonds, terms and the frozen sets.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { fromHex, type Hex } from '../../primitives/bytes.ts'
import { checkPossession } from '../../primitives/possession.ts'
import { validatorSetAt } from '../../registry/epochSets.ts'
import { readPenalties } from '../../registry/penaltyHistory.ts'
import { readPool, setCommission } from '../../registry/pools.ts'
import {
  bond,
  readStake,
  readStakes,
  register,
  setTerms,
  unbond,
  unjail,
  withdraw,
} from '../../registry/stakes.ts'
import { epochOf } from '../../registry/validatorSet.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { delegationHandlers } from './delegations.ts'
import { addressOf, answer, defineModule, refusal } from './module.ts'
import { stakingAbi } from './stakingAbi.ts'

/** Gas of one proof of possession. */
const possessionGas = 150_000n

export function stakingModule(params: ChainParams): NativeModule {
  const refuse = (fault: { readonly code: string }) => refusal(stakingAbi, fault)
  const epochNow = (call: NativeCall) => epochOf(call.block.height, params.epochLength)

  async function registerCall(call: NativeCall): Promise<NativeOutcome> {
    const [publicKey, possession, ask, maxParams] = call.args as [Hex, Hex, bigint, bigint]
    call.charge(possessionGas)
    if (!checkPossession(fromHex(publicKey), fromHex(possession)))
      return refuse({ code: 'staking/badPossession' })
    const registration = { validator: call.caller, publicKey, ask, maxParams }
    const stake = await register(call.world, params, registration, call.value)
    if (!stake.ok) return refuse(stake.fault)
    call.emit('Registered', { validator: call.caller, publicKey, stake: stake.value })
    return answer(stake.value)
  }

  async function bondCall(call: NativeCall): Promise<NativeOutcome> {
    const stake = await bond(call.world, call.caller, call.value)
    if (!stake.ok) return refuse(stake.fault)
    call.emit('Bonded', { validator: call.caller, stake: stake.value, amount: call.value })
    return answer(stake.value)
  }

  async function unbondCall(call: NativeCall): Promise<NativeOutcome> {
    const [gwei] = call.args as [bigint]
    const epoch = BigInt(epochNow(call))
    const from = await unbond(call.world, params, call.caller, gwei, epoch)
    if (!from.ok) return refuse(from.fault)
    call.emit('Unbonded', { validator: call.caller, amount: gwei, fromEpoch: from.value })
    return answer(from.value)
  }

  async function withdrawCall(call: NativeCall): Promise<NativeOutcome> {
    const paid = await withdraw(call.world, call.caller, BigInt(epochNow(call)))
    if (!paid.ok) return refuse(paid.fault)
    call.emit('Withdrawn', { validator: call.caller, amount: paid.value })
    return answer(paid.value)
  }

  async function setTermsCall(call: NativeCall): Promise<NativeOutcome> {
    const [ask, maxParams] = call.args as [bigint, bigint]
    const set = await setTerms(call.world, call.caller, ask, maxParams)
    if (!set.ok) return refuse(set.fault)
    call.emit('TermsChanged', { validator: call.caller, ask, maxParams })
    return answer()
  }

  async function setCommissionCall(call: NativeCall): Promise<NativeOutcome> {
    const [basisPoints] = call.args as [number]
    const epoch = BigInt(epochNow(call))
    const wanted = BigInt(basisPoints)
    const from = await setCommission(call.world, params, call.caller, wanted, epoch)
    if (!from.ok) return refuse(from.fault)
    call.emit('CommissionChanged', { validator: call.caller, basisPoints, fromEpoch: from.value })
    return answer(from.value)
  }

  async function unjailCall(call: NativeCall): Promise<NativeOutcome> {
    const free = await unjail(call.world, params, call.caller, BigInt(epochNow(call)))
    if (!free.ok) return refuse(free.fault)
    call.emit('Unjailed', { validator: call.caller })
    return answer()
  }

  async function validatorView(call: NativeCall): Promise<NativeOutcome> {
    const validator = addressOf(call.args[0])
    const stake = await readStake(call.world, validator)
    if (stake === null) return { ok: false, errorName: 'Unknown', args: [validator] }
    return answer({ ...stake, validator })
  }

  return defineModule('Staking', moduleAddresses.staking, stakingAbi, {
    register: registerCall,
    bond: bondCall,
    unbond: unbondCall,
    withdraw: withdrawCall,
    setTerms: setTermsCall,
    setCommission: setCommissionCall,
    unjail: unjailCall,
    ...delegationHandlers(params),
    pool: async (call) => answer(await readPool(call.world, addressOf(call.args[0]))),
    validator: validatorView,
    validators: async (call) =>
      answer((await readStakes(call.world)).map(({ address }) => address)),
    slashes: async (call) => {
      const list = await readPenalties(call.world, 'slashHistory', addressOf(call.args[0]))
      return answer(list.map(({ height, wei, own }) => ({ height, burned: wei, own })))
    },
    epoch: async (call) => answer(BigInt(epochNow(call))),
    currentSet: async (call) => {
      const set = await validatorSetAt(call.world, epochNow(call))
      return answer(set.validators.map((member) => ({ ...member, validator: member.address })))
    },
  })
}
