/**
 * The least price of a multiply-accumulate. It moves once per epoch, by an eighth at most, towards half
 * of all lease slots in use. Each validator of the set is one slot of `macsPerBlock` in each block.
 *
 * Rule E-19 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { type Job, stepMacs } from './job.ts'
import { slotOf } from './layout.ts'
import type { World } from './records.ts'

const priceSlot = slotOf('basePrice')
const usedSlot = slotOf('leasedMacs')

/** Wei per multiply-accumulate that a job must offer when it is opened; never below the genesis's. */
export async function basePriceOf(world: World, params: ChainParams): Promise<bigint> {
  const price = await world.jobs.get(priceSlot)
  return price > params.basePrice ? price : params.basePrice
}

/** Count a certified lease: only work that was paid for uses a slot, so parked jobs move nothing. */
export async function countLease(world: World, job: Job, steps: number): Promise<void> {
  const macs = BigInt(steps) * stepMacs(job)
  await world.jobs.put(usedSlot, (await world.jobs.get(usedSlot)) + macs)
}

/** Move the price by what the certificates of an epoch with `validators` have counted. */
export async function moveBasePrice(
  world: World,
  params: ChainParams,
  validators: number,
): Promise<void> {
  const price = await basePriceOf(world, params)
  const used = await world.jobs.get(usedSlot)
  const all = BigInt(validators) * BigInt(params.epochLength) * params.macsPerBlock
  await world.jobs.put(usedSlot, 0n)
  const next = nextBasePrice(price, used < all ? used : all, all)
  await world.jobs.put(priceSlot, next > params.basePrice ? next : params.basePrice)
}

/** The price after an epoch in which `used` of `all` were in use. Rising rounds up, falling down. */
export function nextBasePrice(price: bigint, used: bigint, all: bigint): bigint {
  if (all === 0n || 2n * used === all) return price
  if (2n * used > all) return price + (price * (2n * used - all) + 8n * all - 1n) / (8n * all)
  return price - (price * (all - 2n * used)) / (8n * all)
}
