/**
 * The epoch's emission, minted as Ethereum withdrawals in the next epoch's first block: half of what
 * each worker's own certificates burned.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { emissionOf } from './formulas.ts'
import { slotOf } from './layout.ts'
import type { World } from './records.ts'
import { readService } from './service.ts'
import { readStakes } from './stakes.ts'

export type Withdrawal = {
  readonly index: bigint
  readonly validatorIndex: bigint
  readonly address: Address
  /** Whole gwei, as in Ethereum. */
  readonly gwei: bigint
}

const countSlot = slotOf('withdrawals')

/** The withdrawals that the block at `height` must carry, from its parent's state. */
export async function expectedWithdrawals(
  world: World,
  params: ChainParams,
  height: bigint,
): Promise<readonly Withdrawal[]> {
  if (height % BigInt(params.epochLength) !== 0n) return []
  const epoch = height / BigInt(params.epochLength)
  const withdrawals: Withdrawal[] = []
  for (const [i, { address }] of (await readStakes(world)).entries()) {
    const gwei = emissionOf((await readService(world, address)).ownBurn)
    if (gwei === 0n) continue
    const index = (epoch << 16n) + BigInt(withdrawals.length)
    withdrawals.push({ index, validatorIndex: BigInt(i), address, gwei })
  }
  return withdrawals
}

/** Gwei minted since genesis. */
export function mintedGwei(world: World): Promise<bigint> {
  return world.treasury.get(countSlot)
}

/** Count what an epoch minted. */
export async function recordMinted(world: World, gwei: bigint): Promise<void> {
  await world.treasury.put(countSlot, (await mintedGwei(world)) + gwei)
}
