/**
 * Stakes: who may become a validator, with how much at risk. Coin at stake is held by the staking
 * module's account.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { bytesToUint, fromHex, type Hex } from '../primitives/bytes.ts'
import { hashOf } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  addressOfWord,
  hexOfWord,
  listItems,
  listLength,
  listPush,
  listRemoveAt,
  slotOf,
} from './layout.ts'
import type { World } from './records.ts'

/** A registered validator. */
export type Stake = {
  readonly address: Address
  readonly publicKey: Hex
  /** Gwei at stake. */
  readonly stake: bigint
  /** Height from which it is out; 0 while it is not jailed. */
  readonly jailedSince: bigint
  readonly ask: bigint
  readonly maxParams: bigint
  /** Gwei leaving, and the epoch from which it may be withdrawn; one withdrawal at a time. */
  readonly unbonding: bigint
  readonly unbondsAt: bigint
}

export type StakeFault =
  | { readonly code: 'staking/unknown'; readonly validator: Address }
  | { readonly code: 'staking/known'; readonly validator: Address }
  | { readonly code: 'staking/keyTaken'; readonly holder: Address }
  | { readonly code: 'staking/badPossession' }
  | { readonly code: 'staking/notWholeGwei'; readonly got: bigint }
  | { readonly code: 'staking/tooLittle'; readonly got: bigint; readonly min: bigint }
  | { readonly code: 'staking/tooMuch'; readonly got: bigint; readonly max: bigint }
  | { readonly code: 'staking/unbonding'; readonly until: bigint }
  | { readonly code: 'staking/full'; readonly max: bigint }
  | { readonly code: 'staking/notJailed'; readonly validator: Address }
  | { readonly code: 'staking/stillJailed'; readonly until: bigint }

/** Registered validators, in the set or not; bounds every walk over the list. */
const maxRegistered = 1_000
/** From so many on, those who do not work lose their place on the list. */
const crowded = 750
/** 2^63 gwei: sums of stakes stay far below a word. */
const maxStake = 1n << 63n

const fields = [
  'publicKey0',
  'publicKey1',
  'stake',
  'jailedSince',
  'ask',
  'maxParams',
  'unbonding',
  'unbondsAt',
] as const
const place = (validator: Address, field: (typeof fields)[number]): bigint =>
  slotOf('stake', validator) + BigInt(fields.indexOf(field))

/** Where the holder of a public key is kept: no two validators share one. */
const keyPlace = (publicKey: Hex): bigint =>
  slotOf('keyHolder', hashOf('waggle/publicKey/v1', fromHex(publicKey)))

/** The record of `validator`, or null if it never registered. */
export async function readStake(world: World, validator: Address): Promise<Stake | null> {
  const words: bigint[] = []
  for (const field of fields) words.push(await world.staking.get(place(validator, field)))
  const [high, low, stake, jailedSince, ask, maxParams, unbonding, unbondsAt] = words as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  if (high === 0n) return null
  const publicKey = `${hexOfWord(high, 64)}${hexOfWord(low, 32).slice(2)}` as Hex
  return { address: validator, publicKey, stake, jailedSince, ask, maxParams, unbonding, unbondsAt }
}

/** Every registered validator, in order of registration. */
export async function readStakes(world: World): Promise<readonly Stake[]> {
  const stakes: Stake[] = []
  for (const word of await listItems(world.staking, 'validators')) {
    const stake = await readStake(world, addressOfWord(word))
    if (stake !== null) stakes.push(stake)
  }
  return stakes
}

/** Set for validators that are not on the list; they come back when they add to their stake. */
const unlisted = (validator: Address): bigint => slotOf('unlisted', validator)

/**
 * Where the list gets long, take off it who has less than `minStake` and is not among those `working`:
 * places that cost nothing could be held for ever.
 */
export async function dropIdle(
  world: World,
  minStake: bigint,
  working: ReadonlySet<Address>,
): Promise<void> {
  if ((await listLength(world.staking, 'validators')) < crowded) return
  const listed = (await listItems(world.staking, 'validators')).map(addressOfWord)
  // From the end, so that what moves into a free place has been looked at.
  for (const [index, validator] of [...listed.entries()].toReversed()) {
    if (working.has(validator)) continue
    if ((await world.staking.get(place(validator, 'stake'))) >= minStake) continue
    await listRemoveAt(world.staking, index, 'validators')
    await world.staking.put(unlisted(validator), 1n)
  }
}

/** What a validator says of itself when it registers. */
export type Registration = {
  readonly validator: Address
  readonly publicKey: Hex
  readonly ask: bigint
  readonly maxParams: bigint
}

/**
 * Register a validator with its first stake. The caller has checked the key's proof of possession, and
 * `wei` is in the module's account already.
 */
export async function register(
  world: World,
  params: ChainParams,
  registration: Registration,
  wei: bigint,
): Promise<Result<bigint, StakeFault>> {
  const { validator, publicKey, ask, maxParams } = registration
  if ((await readStake(world, validator)) !== null)
    return refuse({ code: 'staking/known', validator })
  const holder = await world.staking.get(keyPlace(publicKey))
  if (holder !== 0n) return refuse({ code: 'staking/keyTaken', holder: addressOfWord(holder) })
  const full = await fullFault(world)
  if (full !== null) return refuse(full)
  const gwei = wholeGwei(wei, params.minStake)
  if (!gwei.ok) return gwei

  const key = fromHex(publicKey)
  const put = (field: (typeof fields)[number], value: bigint) =>
    world.staking.put(place(validator, field), value)
  await listPush(world.staking, BigInt(validator), 'validators')
  await world.staking.put(keyPlace(publicKey), BigInt(validator))
  await put('publicKey0', bytesToUint(key.subarray(0, 32)))
  await put('publicKey1', bytesToUint(key.subarray(32)))
  await put('stake', gwei.value)
  await put('ask', ask)
  await put('maxParams', maxParams)
  return gwei
}

/** Add to a stake; `wei` is in the module's account already. Returns the new stake in gwei. */
export async function bond(
  world: World,
  validator: Address,
  wei: bigint,
): Promise<Result<bigint, StakeFault>> {
  const stake = await readStake(world, validator)
  if (stake === null) return refuse({ code: 'staking/unknown', validator })
  const gwei = wholeGwei(wei, 1n)
  if (!gwei.ok) return gwei
  const total = stake.stake + gwei.value
  if (total > maxStake) return refuse({ code: 'staking/tooMuch', got: total, max: maxStake })
  if ((await world.staking.get(unlisted(validator))) !== 0n) {
    const full = await fullFault(world)
    if (full !== null) return refuse(full)
    await listPush(world.staking, BigInt(validator), 'validators')
    await world.staking.put(unlisted(validator), 0n)
  }
  await world.staking.put(place(validator, 'stake'), total)
  return ok(total)
}

async function fullFault(world: World): Promise<StakeFault | null> {
  const count = await listLength(world.staking, 'validators')
  return count < maxRegistered ? null : { code: 'staking/full', max: BigInt(maxRegistered) }
}

/** Take `gwei` out of a stake; it may be withdrawn after the delay. Returns the epoch. */
export async function unbond(
  world: World,
  params: ChainParams,
  validator: Address,
  gwei: bigint,
  epoch: bigint,
): Promise<Result<bigint, StakeFault>> {
  const stake = await readStake(world, validator)
  if (stake === null) return refuse({ code: 'staking/unknown', validator })
  if (stake.unbonding > 0n) return refuse({ code: 'staking/unbonding', until: stake.unbondsAt })
  if (gwei === 0n) return refuse({ code: 'staking/tooLittle', got: gwei, min: 1n })
  const rest = stake.stake - gwei
  if (rest < 0n) return refuse({ code: 'staking/tooMuch', got: gwei, max: stake.stake })
  if (rest !== 0n && rest < params.minStake)
    return refuse({ code: 'staking/tooLittle', got: rest, min: params.minStake })
  const unbondsAt = epoch + BigInt(params.unbondingEpochs)
  await world.staking.put(place(validator, 'stake'), rest)
  await world.staking.put(place(validator, 'unbonding'), gwei)
  await world.staking.put(place(validator, 'unbondsAt'), unbondsAt)
  return ok(unbondsAt)
}

/** Pay out what has finished unbonding. Returns wei. */
export async function withdraw(
  world: World,
  validator: Address,
  epoch: bigint,
): Promise<Result<bigint, StakeFault>> {
  const stake = await readStake(world, validator)
  if (stake === null) return refuse({ code: 'staking/unknown', validator })
  if (stake.unbonding === 0n) return refuse({ code: 'staking/tooLittle', got: 0n, min: 1n })
  if (epoch < stake.unbondsAt) return refuse({ code: 'staking/unbonding', until: stake.unbondsAt })
  await world.staking.put(place(validator, 'unbonding'), 0n)
  await world.staking.put(place(validator, 'unbondsAt'), 0n)
  const wei = stake.unbonding * weiPerGwei
  await world.purse.transfer(moduleAddresses.staking, validator, wei)
  return ok(wei)
}

/** Change what a validator works for. */
export async function setTerms(
  world: World,
  validator: Address,
  ask: bigint,
  maxParams: bigint,
): Promise<Result<null, StakeFault>> {
  if ((await readStake(world, validator)) === null)
    return refuse({ code: 'staking/unknown', validator })
  await world.staking.put(place(validator, 'ask'), ask)
  await world.staking.put(place(validator, 'maxParams'), maxParams)
  return ok(null)
}

/** Take up to `wei` from a stake, in whole gwei; the coin stays in the module's account. Returns wei. */
export async function penalise(world: World, validator: Address, wei: bigint): Promise<bigint> {
  const slot = place(validator, 'stake')
  const stake = await world.staking.get(slot)
  const gwei = wei / weiPerGwei < stake ? wei / weiPerGwei : stake
  await world.staking.put(slot, stake - gwei)
  return gwei * weiPerGwei
}

/** Height from which a validator is out, 0 if it is not; one read, where the whole record would be many. */
export function jailedSince(world: World, validator: Address): Promise<bigint> {
  return world.staking.get(place(validator, 'jailedSince'))
}

export async function isJailed(world: World, validator: Address): Promise<boolean> {
  return (await jailedSince(world, validator)) > 0n
}

/** Put a validator out from `height` on. */
export async function jail(world: World, validator: Address, height: bigint): Promise<void> {
  await world.staking.put(place(validator, 'jailedSince'), height)
}

/** Let a validator back in that asks for it after the unbonding time, with the least stake of its own. */
export async function unjail(
  world: World,
  params: ChainParams,
  validator: Address,
  epoch: bigint,
): Promise<Result<null, StakeFault>> {
  const stake = await readStake(world, validator)
  if (stake === null) return refuse({ code: 'staking/unknown', validator })
  if (stake.jailedSince === 0n) return refuse({ code: 'staking/notJailed', validator })
  const { epochLength, unbondingEpochs, minStake } = params
  const until = stake.jailedSince / BigInt(epochLength) + BigInt(unbondingEpochs)
  if (epoch < until) return refuse({ code: 'staking/stillJailed', until })
  if (stake.stake < minStake)
    return refuse({ code: 'staking/tooLittle', got: stake.stake, min: minStake })
  await world.staking.put(place(validator, 'jailedSince'), 0n)
  return ok(null)
}

/** Take a twentieth of a stake, what is leaving it included. Returns wei; they stay in the module's account. */
export async function slashStake(world: World, validator: Address): Promise<bigint> {
  const stake = await world.staking.get(place(validator, 'stake'))
  const unbonding = await world.staking.get(place(validator, 'unbonding'))
  await world.staking.put(place(validator, 'stake'), stake - stake / 20n)
  await world.staking.put(place(validator, 'unbonding'), unbonding - unbonding / 20n)
  return (stake / 20n + unbonding / 20n) * weiPerGwei
}

function wholeGwei(wei: bigint, min: bigint): Result<bigint, StakeFault> {
  if (wei % weiPerGwei !== 0n) return refuse({ code: 'staking/notWholeGwei', got: wei })
  const gwei = wei / weiPerGwei
  if (gwei < min) return refuse({ code: 'staking/tooLittle', got: gwei, min })
  return gwei > maxStake ? refuse({ code: 'staking/tooMuch', got: gwei, max: maxStake }) : ok(gwei)
}
