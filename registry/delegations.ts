/**
 * Delegations: what one account has entrusted to one validator. Moving to another validator works at
 * once, but the coin stays liable for what the first did until the unbonding time is over.
 *
 * Rules E-11 to E-16 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, zeroAddress } from '../primitives/address.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { addressOfWord, listItems, listLength, listPush, listRemove, slotOf } from './layout.ts'
import { burn } from './ledger.ts'
import {
  lostBelow,
  type Pool,
  readPool,
  rewardScaleBits,
  sharesPerWei,
  wholePart,
  writePool,
} from './pools.ts'
import type { World } from './records.ts'
import { readStake } from './stakes.ts'

export type Delegation = {
  readonly shares: bigint
  /** The pool's `rewardPerShare` up to which rewards have been counted, and what they came to. */
  readonly countedPerShare: bigint
  readonly owed: bigint
  /** Shares of the pool's leaving coin, and the epoch from which they may be withdrawn. */
  readonly leavingShares: bigint
  readonly leavesAt: bigint
  /** Whose slashes still take from `liableWei` of this delegation, since when, and until which epoch. */
  readonly liableTo: Address
  readonly liableLost: bigint
  readonly liableWei: bigint
  readonly liableUntil: bigint
  /** Height of that epoch's first block. */
  readonly liableBelow: bigint
}

/** A delegation and what it is worth. */
export type DelegationValue = Delegation & {
  readonly validator: Address
  /** Wei at work, on the way out, and earned but not claimed. */
  readonly wei: bigint
  readonly leavingWei: bigint
  readonly reward: bigint
}

export type DelegationFault =
  | { readonly code: 'staking/unknown'; readonly validator: Address }
  | { readonly code: 'staking/jailed'; readonly validator: Address }
  | { readonly code: 'staking/tooLittle'; readonly got: bigint; readonly min: bigint }
  | { readonly code: 'staking/tooMuch'; readonly got: bigint; readonly max: bigint }
  | { readonly code: 'staking/tooMany'; readonly max: bigint }
  | { readonly code: 'staking/unbonding'; readonly until: bigint }
  | { readonly code: 'staking/liable'; readonly until: bigint }

/** Validators that one account may entrust coin to at a time. */
const maxDelegations = 16
/** 2^93 wei, as for stakes: products of shares and wei stay below a word. */
const maxDelegated = 1n << 93n

const fields = [
  'shares',
  'countedPerShare',
  'owed',
  'leavingShares',
  'leavesAt',
  'liableTo',
  'liableLost',
  'liableWei',
  'liableUntil',
  'liableBelow',
] as const satisfies readonly (keyof Delegation)[]

const place = (validator: Address, delegator: Address, field: keyof Delegation): bigint =>
  slotOf('delegation', validator, delegator) + BigInt(fields.indexOf(field))

async function read(world: World, validator: Address, delegator: Address): Promise<Delegation> {
  const entries: [keyof Delegation, bigint][] = []
  for (const field of fields)
    entries.push([field, await world.staking.get(place(validator, delegator, field))])
  const words = Object.fromEntries(entries) as Record<keyof Delegation, bigint>
  return { ...words, liableTo: addressOfWord(words.liableTo) }
}

async function write(
  world: World,
  validator: Address,
  delegator: Address,
  changes: Partial<Delegation>,
): Promise<void> {
  for (const field of fields) {
    const value = changes[field]
    if (value !== undefined)
      await world.staking.put(place(validator, delegator, field), BigInt(value))
  }
}

/** Wei that `shares` of `pool` are worth, rounded down. */
function worth(shares: bigint, wei: bigint, allShares: bigint): bigint {
  return allShares === 0n ? 0n : (shares * wei) / allShares
}

/** What `delegator` has with `validator`, as it would be if it were settled now. */
export async function readDelegation(
  world: World,
  validator: Address,
  delegator: Address,
): Promise<DelegationValue> {
  const delegation = await read(world, validator, delegator)
  const pool = await readPool(world, validator)
  return {
    ...delegation,
    validator,
    wei: worth(delegation.shares, pool.delegated, pool.shares),
    leavingWei: worth(delegation.leavingShares, pool.leaving, pool.leavingShares),
    reward: delegation.owed + earned(delegation, pool),
  }
}

/** Everything that `delegator` has entrusted, in no promised order. */
export async function readDelegations(
  world: World,
  delegator: Address,
): Promise<readonly DelegationValue[]> {
  const values: DelegationValue[] = []
  for (const word of await listItems(world.staking, 'delegations', delegator))
    values.push(await readDelegation(world, addressOfWord(word), delegator))
  return values
}

function earned({ shares, countedPerShare }: Delegation, { rewardPerShare }: Pool): bigint {
  return (shares * (rewardPerShare - countedPerShare)) >> rewardScaleBits
}

type Settled = { readonly pool: Pool; readonly delegation: Delegation }

/** Count rewards, and pay what the delegation is still liable for. Every change begins with this. */
async function settle(
  world: World,
  validator: Address,
  delegator: Address,
  epoch: bigint,
): Promise<Settled> {
  const pool = await readPool(world, validator)
  const delegation = await read(world, validator, delegator)
  const settled = {
    ...delegation,
    owed: delegation.owed + earned(delegation, pool),
    countedPerShare: pool.rewardPerShare,
  }
  if (delegation.liableTo === zeroAddress) return { pool, delegation: settled }

  const over = epoch >= delegation.liableUntil
  // Whoever comes late owes no more than whoever came in time.
  const lost = over
    ? await lostBelow(world, delegation.liableTo, delegation.liableBelow)
    : (await readPool(world, delegation.liableTo)).lost
  const whole = wholePart - delegation.liableLost
  const due = ceilDiv(delegation.liableWei * (lost - delegation.liableLost), whole)
  const value = worth(delegation.shares, pool.delegated, pool.shares)
  const paid = due < value ? due : value
  const shares = paid === 0n ? 0n : least(sharesFor(pool, paid), delegation.shares)
  const after = { ...pool, delegated: pool.delegated - paid, shares: pool.shares - shares }
  await burn(world, moduleAddresses.staking, paid)
  await writePool(world, validator, { delegated: after.delegated, shares: after.shares })
  const rest = {
    ...settled,
    shares: delegation.shares - shares,
    liableTo: over ? zeroAddress : delegation.liableTo,
    liableLost: over ? 0n : lost,
    liableWei: over ? 0n : delegation.liableWei - least(due, delegation.liableWei),
    liableUntil: over ? 0n : delegation.liableUntil,
    liableBelow: over ? 0n : delegation.liableBelow,
  }
  await write(world, validator, delegator, rest)
  await forgetEmpty(world, validator, delegator, rest)
  return { pool: after, delegation: rest }
}

/** Shares that `wei` of the pool cost, rounded up. */
function sharesFor(pool: Pool, wei: bigint): bigint {
  return ceilDiv(wei * pool.shares, pool.delegated)
}

/** Entrust `wei`, which is in the module's account already. Returns the shares bought. */
export async function delegate(
  world: World,
  validator: Address,
  delegator: Address,
  wei: bigint,
  epoch: bigint,
): Promise<Result<bigint, DelegationFault>> {
  const fault = await entryFault(world, validator, delegator, wei)
  if (fault !== null) return refuse(fault)
  const { pool, delegation } = await settle(world, validator, delegator, epoch)
  const bought = await buy(world, validator, delegator, { pool, delegation }, wei, {})
  return ok(bought)
}

async function entryFault(
  world: World,
  validator: Address,
  delegator: Address,
  wei: bigint,
): Promise<DelegationFault | null> {
  const stake = await readStake(world, validator)
  if (stake === null) return { code: 'staking/unknown', validator }
  if (stake.jailedSince !== 0n) return { code: 'staking/jailed', validator }
  if (wei === 0n) return { code: 'staking/tooLittle', got: wei, min: 1n }
  const total = (await readPool(world, validator)).delegated + wei
  if (total > maxDelegated) return { code: 'staking/tooMuch', got: total, max: maxDelegated }
  const listed = await listItems(world.staking, 'delegations', delegator)
  if (!listed.includes(BigInt(validator)) && listed.length >= maxDelegations)
    return { code: 'staking/tooMany', max: BigInt(maxDelegations) }
  return null
}

async function buy(
  world: World,
  validator: Address,
  delegator: Address,
  { pool, delegation }: Settled,
  wei: bigint,
  liability: Partial<Delegation>,
): Promise<bigint> {
  const bought = pool.shares === 0n ? wei * sharesPerWei : (wei * pool.shares) / pool.delegated
  const shares = delegation.shares + bought
  await writePool(world, validator, {
    delegated: pool.delegated + wei,
    shares: pool.shares + bought,
  })
  await write(world, validator, delegator, { ...delegation, ...liability, shares })
  if (!(await isListed(world, validator, delegator)))
    await listPush(world.staking, BigInt(validator), 'delegations', delegator)
  return bought
}

async function isListed(world: World, validator: Address, delegator: Address): Promise<boolean> {
  if ((await listLength(world.staking, 'delegations', delegator)) === 0) return false
  return (await listItems(world.staking, 'delegations', delegator)).includes(BigInt(validator))
}

/** Take `wei` out of a settled delegation's shares, which the caller writes. */
async function sell(
  world: World,
  validator: Address,
  { pool, delegation }: Settled,
  wei: bigint,
): Promise<Result<Settled, DelegationFault>> {
  const max = worth(delegation.shares, pool.delegated, pool.shares)
  if (wei === 0n) return refuse({ code: 'staking/tooLittle', got: wei, min: 1n })
  if (wei > max) return refuse({ code: 'staking/tooMuch', got: wei, max })
  if (delegation.liableTo !== zeroAddress)
    return refuse({ code: 'staking/liable', until: delegation.liableUntil })
  const sold = wei === max ? delegation.shares : least(sharesFor(pool, wei), delegation.shares)
  const after = { ...pool, delegated: pool.delegated - wei, shares: pool.shares - sold }
  await writePool(world, validator, { delegated: after.delegated, shares: after.shares })
  return ok({ pool: after, delegation: { ...delegation, shares: delegation.shares - sold } })
}

/** Take `wei` out; it may be withdrawn after the delay. Returns the epoch. */
export async function undelegate(
  world: World,
  params: ChainParams,
  validator: Address,
  delegator: Address,
  wei: bigint,
  epoch: bigint,
): Promise<Result<bigint, DelegationFault>> {
  const settled = await settle(world, validator, delegator, epoch)
  if (settled.delegation.leavingShares > 0n)
    return refuse({ code: 'staking/unbonding', until: settled.delegation.leavesAt })
  const sold = await sell(world, validator, settled, wei)
  if (!sold.ok) return sold
  const { pool, delegation } = sold.value
  const leavingShares =
    pool.leavingShares === 0n || pool.leaving === 0n
      ? wei * sharesPerWei
      : (wei * pool.leavingShares) / pool.leaving
  const leavesAt = epoch + BigInt(params.unbondingEpochs)
  await writePool(world, validator, {
    leaving: pool.leaving + wei,
    leavingShares: pool.leavingShares + leavingShares,
  })
  await write(world, validator, delegator, { ...delegation, leavingShares, leavesAt })
  return ok(leavesAt)
}

/** Move `wei` to another validator, where it works at once. */
export async function redelegate(
  world: World,
  params: ChainParams,
  from: Address,
  to: Address,
  delegator: Address,
  wei: bigint,
  epoch: bigint,
): Promise<Result<bigint, DelegationFault>> {
  const fault = await entryFault(world, to, delegator, wei)
  if (fault !== null) return refuse(fault)
  if (from === to) return refuse({ code: 'staking/unknown', validator: to })
  const target = await settle(world, to, delegator, epoch)
  if (target.delegation.liableTo !== zeroAddress)
    return refuse({ code: 'staking/liable', until: target.delegation.liableUntil })
  const sold = await sell(world, from, await settle(world, from, delegator, epoch), wei)
  if (!sold.ok) return sold
  await write(world, from, delegator, sold.value.delegation)
  await forgetEmpty(world, from, delegator, sold.value.delegation)
  const liableUntil = epoch + BigInt(params.unbondingEpochs)
  const bought = await buy(world, to, delegator, target, wei, {
    liableTo: from,
    liableLost: sold.value.pool.lost,
    liableWei: wei,
    liableUntil,
    liableBelow: liableUntil * BigInt(params.epochLength),
  })
  return ok(bought)
}

/** Pay out what has finished leaving. Returns wei. */
export async function withdrawDelegation(
  world: World,
  validator: Address,
  delegator: Address,
  epoch: bigint,
): Promise<Result<bigint, DelegationFault>> {
  const { pool, delegation } = await settle(world, validator, delegator, epoch)
  const { leavingShares, leavesAt } = delegation
  if (leavingShares === 0n) return refuse({ code: 'staking/tooLittle', got: 0n, min: 1n })
  if (epoch < leavesAt) return refuse({ code: 'staking/unbonding', until: leavesAt })
  const wei = worth(leavingShares, pool.leaving, pool.leavingShares)
  await writePool(world, validator, {
    leaving: pool.leaving - wei,
    leavingShares: pool.leavingShares - leavingShares,
  })
  const changes = { ...delegation, leavingShares: 0n, leavesAt: 0n }
  await write(world, validator, delegator, changes)
  await world.purse.transfer(moduleAddresses.staking, delegator, wei)
  await forgetEmpty(world, validator, delegator, changes)
  return ok(wei)
}

/** Pay out rewards. Returns wei. */
export async function claimReward(
  world: World,
  validator: Address,
  delegator: Address,
  epoch: bigint,
): Promise<Result<bigint, DelegationFault>> {
  const { delegation } = await settle(world, validator, delegator, epoch)
  const { owed } = delegation
  if (owed === 0n) return refuse({ code: 'staking/tooLittle', got: 0n, min: 1n })
  await write(world, validator, delegator, { ...delegation, owed: 0n })
  await world.purse.transfer(moduleAddresses.staking, delegator, owed)
  await forgetEmpty(world, validator, delegator, { ...delegation, owed: 0n })
  return ok(owed)
}

/** Take a delegation of nothing off its owner's list. */
async function forgetEmpty(
  world: World,
  validator: Address,
  delegator: Address,
  { shares, owed, leavingShares }: Delegation,
): Promise<void> {
  if (shares === 0n && owed === 0n && leavingShares === 0n)
    await listRemove(world.staking, BigInt(validator), 'delegations', delegator)
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b
}
