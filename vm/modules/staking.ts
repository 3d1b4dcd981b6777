/**
 * `Staking`, the native module of those who agree: registration, bonds, terms and the frozen sets.
 */
import { parseAbi } from 'viem'
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { fromHex, type Hex } from '../../primitives/bytes.ts'
import { checkPossession } from '../../primitives/possession.ts'
import { validatorSetAt } from '../../registry/epochSets.ts'
import {
  bond,
  readStake,
  readStakes,
  register,
  setTerms,
  unbond,
  withdraw,
} from '../../registry/stakes.ts'
import { epochOf } from '../../registry/validatorSet.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { answer, commonErrors, defineModule, refusal } from './module.ts'

export const stakingAbi = parseAbi([
  'struct StakeView { address validator; bytes publicKey; uint64 stake; uint64 jailedSince; uint256 ask; uint256 maxParams; uint64 unbonding; uint64 unbondsAt; }',
  'struct MemberView { address validator; bytes publicKey; uint64 stake; uint64 reputation; uint256 power; uint256 slotWeight; bool jailed; }',

  'function register(bytes publicKey, bytes possession, uint128 ask, uint64 maxParams) payable returns (uint64 stake)',
  'function bond() payable returns (uint64 stake)',
  'function unbond(uint64 gwei) returns (uint64 fromEpoch)',
  'function withdraw() returns (uint256 amount)',
  'function setTerms(uint128 ask, uint64 maxParams)',
  'function validator(address who) view returns (StakeView stake)',
  'function validators() view returns (address[] list)',
  'function epoch() view returns (uint256 number)',
  'function currentSet() view returns (MemberView[] members)',

  'event Registered(address indexed validator, bytes publicKey, uint64 stake)',
  'event Bonded(address indexed validator, uint64 stake)',
  'event Unbonded(address indexed validator, uint64 amount, uint64 fromEpoch)',
  'event Withdrawn(address indexed validator, uint256 amount)',
  'event TermsChanged(address indexed validator, uint128 ask, uint64 maxParams)',

  'error Unknown(address validator)',
  'error Known(address validator)',
  'error KeyTaken(address holder)',
  'error BadPossession()',
  'error NotWholeGwei(uint256 got)',
  'error TooLittle(uint256 got, uint256 min)',
  'error TooMuch(uint256 got, uint256 max)',
  'error Unbonding(uint256 until)',
  'error Full(uint256 max)',
  ...commonErrors,
])

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
    call.emit('Bonded', { validator: call.caller, stake: stake.value })
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

  async function validatorView(call: NativeCall): Promise<NativeOutcome> {
    const [who] = call.args as [Address]
    const validator = who.toLowerCase() as Address
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
    validator: validatorView,
    validators: async (call) =>
      answer((await readStakes(call.world)).map(({ address }) => address)),
    epoch: async (call) => answer(BigInt(epochNow(call))),
    currentSet: async (call) => {
      const set = await validatorSetAt(call.world, epochNow(call))
      return answer(set.validators.map((member) => ({ ...member, validator: member.address })))
    },
  })
}
