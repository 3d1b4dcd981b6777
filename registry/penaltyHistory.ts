/**
 * What was taken from a validator's stake in blocks that have no event of it: slashes, and challenges
 * that it left unanswered. For people; no rule reads it.
 */
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { listItem, listLength, listPush } from './layout.ts'
import type { World } from './records.ts'

/** Penalties of one answer, the newest. */
export const maxPenaltiesTold = 64

/** The list that a penalty is in. */
export type PenaltyKind = 'slashHistory' | 'missedChallenges'

export type Penalty = {
  /** Block that took it. */
  readonly height: bigint
  /** Wei taken in all, delegators' included. */
  readonly wei: bigint
  /** Wei of it from the validator's own stake; whole gwei. */
  readonly own: bigint
}

/** One word for each: height, own gwei and wei, 64 + 64 + 128 bits. */
export async function recordPenalty(
  { staking }: World,
  kind: PenaltyKind,
  validator: Address,
  { height, wei, own }: Penalty,
): Promise<void> {
  const word = (height << 192n) | ((own / weiPerGwei) << 128n) | wei
  await listPush(staking, word, kind, validator)
}

/** The last `maxPenaltiesTold` penalties, oldest first. */
export async function readPenalties(
  { staking }: World,
  kind: PenaltyKind,
  validator: Address,
): Promise<readonly Penalty[]> {
  const count = await listLength(staking, kind, validator)
  const penalties: Penalty[] = []
  for (let at = Math.max(0, count - maxPenaltiesTold); at < count; at++) {
    const word = await listItem(staking, at, kind, validator)
    const own = BigInt.asUintN(64, word >> 128n) * weiPerGwei
    penalties.push({ height: word >> 192n, wei: BigInt.asUintN(128, word), own })
  }
  return penalties
}
