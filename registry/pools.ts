/**
 * Pools: coin that others entrust to a validator. Shares of the pool, not amounts, belong to delegators,
 * so a slash and a reward touch one record however many there are.
 *
 * Rules E-11 to E-16 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { listItem, listLength, listPush, slotOf } from './layout.ts'
import { burn } from './ledger.ts'
import type { World } from './records.ts'
import { readStake } from './stakes.ts'

/** What a validator holds for its delegators. */
export type Pool = {
  /** Wei at work, and the shares of it. */
  readonly delegated: bigint
  readonly shares: bigint
  /** Wei on the way out, and the shares of it; at risk until it is withdrawn. */
  readonly leaving: bigint
  readonly leavingShares: bigint
  /** Wei that one share has earned since the pool began, times 2^96. */
  readonly rewardPerShare: bigint
  /** Wei minted for delegators at the end of this block, theirs from the next on. */
  readonly pendingReward: bigint
  /** Basis points of the delegators' emission that the validator keeps. */
  readonly commission: bigint
  /** A raised commission, and the epoch from which it holds; 0 where none is announced. */
  readonly nextCommission: bigint
  readonly commissionFrom: bigint
  /** Lost to slashes of what was there from the beginning, as a part of 2^64. */
  readonly lost: bigint
}

export type CommissionFault =
  | { readonly code: 'staking/unknown'; readonly validator: Address }
  | { readonly code: 'staking/badCommission'; readonly got: bigint; readonly max: bigint }

/** Shares of the first wei; later a share is worth what the pool makes it worth. */
export const sharesPerWei = 1n << 32n
/** Unit of {@link Pool.lost}. */
export const wholePart = 1n << 64n
export const rewardScaleBits = 96n
/** In the list of slashes `lost` takes so many bits, below the height. */
const lostBits = 72n
/** 100 %, in basis points. */
const maxCommission = 10_000n
/** Delegated coin counts up to this many times the validator's own. */
const delegationFactor = 9n
/** A slash takes one part in this many. */
const slashParts = 20n

const fields = [
  'delegated',
  'shares',
  'leaving',
  'leavingShares',
  'rewardPerShare',
  'pendingReward',
  'commission',
  'nextCommission',
  'commissionFrom',
  'lost',
] as const satisfies readonly (keyof Pool)[]

const place = (validator: Address, field: keyof Pool): bigint =>
  slotOf('pool', validator) + BigInt(fields.indexOf(field))

export async function readPool(world: World, validator: Address): Promise<Pool> {
  const entries: [keyof Pool, bigint][] = []
  for (const field of fields)
    entries.push([field, await world.staking.get(place(validator, field))])
  return Object.fromEntries(entries) as Record<keyof Pool, bigint>
}

/** Overwrite the named fields. */
export async function writePool(
  world: World,
  validator: Address,
  changes: Partial<Pool>,
): Promise<void> {
  for (const field of fields) {
    const value = changes[field]
    if (value !== undefined) await world.staking.put(place(validator, field), value)
  }
}

/** Gwei of the pool that count for power and draws, beside `own` gwei of the validator. */
export async function countedDelegation(
  world: World,
  validator: Address,
  own: bigint,
): Promise<bigint> {
  return counted(await world.staking.get(place(validator, 'delegated')), own)
}

function counted(delegated: bigint, own: bigint): bigint {
  const gwei = delegated / weiPerGwei
  const most = own * delegationFactor
  return gwei < most ? gwei : most
}

/** Basis points in force in `epoch`. */
export function commissionAt(pool: Pool, epoch: bigint): bigint {
  return pool.commissionFrom !== 0n && epoch >= pool.commissionFrom
    ? pool.nextCommission
    : pool.commission
}

/** Change the commission: a lower one holds at once, a higher one after the unbonding time. */
export async function setCommission(
  world: World,
  params: ChainParams,
  validator: Address,
  basisPoints: bigint,
  epoch: bigint,
): Promise<Result<bigint, CommissionFault>> {
  if ((await readStake(world, validator)) === null)
    return refuse({ code: 'staking/unknown', validator })
  if (basisPoints > maxCommission)
    return refuse({ code: 'staking/badCommission', got: basisPoints, max: maxCommission })
  const commission = commissionAt(await readPool(world, validator), epoch)
  if (basisPoints <= commission) {
    const changes = { commission: basisPoints, nextCommission: 0n, commissionFrom: 0n }
    await writePool(world, validator, changes)
    return ok(epoch)
  }
  const commissionFrom = epoch + BigInt(params.unbondingEpochs)
  await writePool(world, validator, { commission, nextCommission: basisPoints, commissionFrom })
  return ok(commissionFrom)
}

/** Gwei of an epoch's `emission` that belong to the delegators. */
export async function delegatorsPart(
  world: World,
  validator: Address,
  own: bigint,
  emission: bigint,
  epoch: bigint,
): Promise<bigint> {
  if (emission === 0n) return 0n
  const pool = await readPool(world, validator)
  const others = counted(pool.delegated, own)
  if (others === 0n) return 0n
  const share = (emission * others) / (own + others)
  return (share * (maxCommission - commissionAt(pool, epoch))) / maxCommission
}

/** Note what is being minted for the delegators of `validator`. */
export async function expectReward(world: World, validator: Address, wei: bigint): Promise<void> {
  if (wei > 0n) await writePool(world, validator, { pendingReward: wei })
}

/** Give delegators what was minted for them in the block before. */
export async function releaseReward(world: World, validator: Address): Promise<void> {
  if ((await world.staking.get(place(validator, 'pendingReward'))) === 0n) return
  const pool = await readPool(world, validator)
  await writePool(world, validator, { pendingReward: 0n })
  if (pool.shares === 0n) return burn(world, moduleAddresses.staking, pool.pendingReward)
  const perShare = (pool.pendingReward << rewardScaleBits) / pool.shares
  await writePool(world, validator, { rewardPerShare: pool.rewardPerShare + perShare })
}

/**
 * Take a twentieth of all that is entrusted to `validator`, in the block at `height`. Returns wei; they
 * are burned by the caller.
 */
export async function slashPool(world: World, validator: Address, height: bigint): Promise<bigint> {
  const { delegated, leaving, lost } = await readPool(world, validator)
  const [atWork, onTheWay] = [delegated / slashParts, leaving / slashParts]
  const lostNow = lost + (wholePart - lost) / slashParts
  await writePool(world, validator, {
    delegated: delegated - atWork,
    leaving: leaving - onTheWay,
    lost: lostNow,
  })
  await listPush(world.staking, (height << lostBits) | lostNow, 'slashes', validator)
  return atWork + onTheWay
}

/** {@link Pool.lost} as slashes in blocks below `height` had made it. */
export async function lostBelow(world: World, validator: Address, height: bigint): Promise<bigint> {
  const slash = (index: number) => listItem(world.staking, index, 'slashes', validator)
  let below = 0
  let from = await listLength(world.staking, 'slashes', validator)
  while (below < from) {
    const middle = (below + from) >> 1
    if ((await slash(middle)) >> lostBits < height) below = middle + 1
    else from = middle
  }
  return below === 0 ? 0n : BigInt.asUintN(Number(lostBits), await slash(below - 1))
}
