/**
 * The epoch's emission, minted as Ethereum withdrawals in the next epoch's first block: half of what
 * each worker's own certificates burned. The part of a worker's delegators goes to the staking module,
 * which shares it out.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { emissionOf } from './formulas.ts'
import { slotOf } from './layout.ts'
import { delegatorsPart } from './pools.ts'
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
  const mint = (validatorIndex: bigint, address: Address, gwei: bigint) => {
    const index = (epoch << 16n) + BigInt(withdrawals.length)
    if (gwei > 0n) withdrawals.push({ index, validatorIndex, address, gwei })
  }
  for (const [i, { address, stake }] of (await readStakes(world)).entries()) {
    const emission = emissionOf((await readService(world, address)).ownBurn)
    const others = await delegatorsPart(world, address, stake, emission, epoch)
    mint(BigInt(i), address, emission - others)
    mint(BigInt(i), moduleAddresses.staking, others)
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
